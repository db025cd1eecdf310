import { randomFeeds, type Dim, type Feeds, type Model, type Value } from '@onnxpress/core';
import { textInputNames } from '@onnxpress/text';
import { unknownShape } from '../problems.ts';

export interface FeedSizes {
  readonly batch: number;
  /** Tokens per text. */
  readonly length: number;
  /** Sizes of symbolic dimensions by name, before all else. */
  readonly dims: Readonly<Record<string, number>>;
}

/**
 * Random inputs of a known size: a text model's are [batch, length] where it leaves that open, any other's first dimension is the batch if it has a name.
 * Throws `unknown-shape` for a dimension that nobody gave a size.
 */
export function feedsFor(model: Model, sizes: FeedSizes, random: () => number): Feeds {
  const dims: Record<string, number> = {};
  const inputs = model.graph.inputs.filter((input) => input.default === undefined);
  for (const input of inputs) {
    input.dims?.forEach((dim, axis) => {
      if (typeof dim === 'string') dims[dim] ??= sizeOf(input, axis, dim, sizes);
      if (dim === null) throw unknownShape(input.name, axis, dim);
    });
  }
  const feeds = randomFeeds(model, { random, dims });
  return Object.fromEntries(inputs.map(({ name }) => [name, feeds[name]!])); // made for every input, those with a default too
}

function sizeOf({ name, dims = [] }: Value, axis: number, dim: string, { batch, length, dims: given }: FeedSizes): number {
  if (Object.hasOwn(given, dim)) return given[dim]!;
  if (axis === 0) return batch;
  if (axis === 1 && isTextInput(name, dims)) return length;
  throw unknownShape(name, axis, dim);
}

function isTextInput(name: string, dims: readonly Dim[]): boolean {
  return dims.length === 2 && textInputNames.includes(name);
}
