import type { Dim, Model } from '@onnxpress/onnx';
import type { Feeds } from '../services/tokens.ts';
import { isBatch, randomFeeds } from './feeds.ts';
import { seeded } from './random.ts';

/** One set of inputs, and the size of each symbolic dimension in it. */
export interface Case {
  readonly feeds: Feeds;
  readonly sizes: Readonly<Record<string, number>>;
}

interface Sizes {
  /** For names that stand first in an input, the batch as a rule. */
  readonly batch: number;
  /** For the others; each further name has `step` more. */
  readonly rest: number;
  readonly step: number;
}

/**
 * Sizes to try, the best first. Names that are apart get sizes that are apart, or a mistake between them would not show; then all alike; then
 * sizes that networks for images and for sound need; then a batch of one, where the model knows no other.
 */
const TRIED: readonly (readonly Sizes[])[] = [
  [{ batch: 1, rest: 8, step: 1 }, { batch: 2, rest: 11, step: 2 }, { batch: 3, rest: 5, step: 1 }],
  [{ batch: 1, rest: 8, step: 0 }, { batch: 2, rest: 11, step: 0 }, { batch: 3, rest: 5, step: 0 }],
  [{ batch: 1, rest: 64, step: 32 }, { batch: 2, rest: 96, step: 0 }, { batch: 3, rest: 128, step: 0 }],
  [{ batch: 1, rest: 288, step: 0 }, { batch: 2, rest: 576, step: 0 }, { batch: 3, rest: 256, step: 0 }, { batch: 2, rest: 96, step: 0 }],
  [{ batch: 1, rest: 11, step: 0 }, { batch: 1, rest: 5, step: 0 }, { batch: 1, rest: 224, step: 0 }],
];
/** So many groups are of small sizes. */
const SMALL = 2;
/** Every size of every symbolic dimension is tried this often; a model of fixed sizes is run with fewer draws. */
export const WANTED = 3;
const WANTED_FIXED = 2;

/**
 * Inputs for a model, in groups: who has enough that run from one group needs no other. `isPart`: it has inputs whose sizes mean nothing, so that large ones might lead
 * anywhere. Throws `unsupported` where none can be made.
 */
export function* casesFor(model: Model, isPart: boolean): Generator<Case[]> {
  const isFixed = model.graph.inputs.every((v) => v.default || (v.dims ?? []).every((d) => typeof d === 'number'));
  const seen = new Set<string>();
  for (const group of isFixed ? [TRIED[0]!.slice(0, WANTED_FIXED)] : isPart ? TRIED.slice(0, SMALL) : TRIED) {
    const cases = group.flatMap((sizes, i) => {
      const dims = sizesOf(model, sizes);
      const text = JSON.stringify([dims, sizes.batch, sizes.rest]);
      if (seen.has(text) && !isFixed) return [];
      seen.add(text);
      return [{ sizes: dims, feeds: randomFeeds(model, { random: seeded('verify', i), dims, unnamed: { leading: sizes.batch, rest: sizes.rest }, varied: true }) }];
    });
    if (cases.length > 0) yield cases;
  }
}

/** A size for every name, sums and products of names by what they say. */
function sizesOf(model: Model, { batch, rest, step }: Sizes): Record<string, number> {
  const dims: Record<string, number> = {};
  const places = model.graph.inputs.filter((v) => !v.default).flatMap((v) => (v.dims ?? []).map((d, i): readonly [Dim, boolean] => [d, isBatch(v.dims!, i)]));
  let others = 0;
  for (const [d, leads] of places) if (typeof d === 'string' && !COMPOUND.test(d)) dims[d] ??= leads ? batch : rest + step * others++;
  const [past, length] = [/past/i, /^(?!.*(past|total)).*(seq|len)/i].map((what) => Object.keys(dims).find((name) => what.test(name)));
  for (const name of Object.keys(dims)) if (/total/i.test(name) && past && length) dims[name] = dims[past]! + dims[length]!;
  for (const [d, leads] of places) if (typeof d === 'string' && COMPOUND.test(d)) dims[d] ??= worth(d, dims) ?? (leads ? batch : rest);
  return dims;
}

/** "batch 1, 2, 3; length 8, 11, 5": all sizes that were tried; "" where there are none. */
export function sizesText(cases: readonly Pick<Case, 'sizes'>[]): string {
  const names = Object.keys(cases[0]?.sizes ?? {}).filter((name) => !COMPOUND.test(name));
  return names.map((name) => `${name} ${cases.map((c) => c.sizes[name]).join(', ')}`).join('; ');
}

/** "past_sequence_length + 1" is no name. */
const COMPOUND = /[+*]/;

function worth(text: string, dims: Readonly<Record<string, number>>): number | undefined {
  const number = (word: string): number => (/^\d+$/.test(word) ? Number(word) : (dims[word] ?? NaN));
  const sum = text.replace(/[()]/g, '').split('+').reduce((all, term) => all + term.split('*').reduce((product, word) => product * number(word.trim()), 1), 0);
  return Number.isNaN(sum) ? undefined : sum;
}
