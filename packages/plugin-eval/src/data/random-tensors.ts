import { defineDataset, normal, seeded, type Feed, type Feeds } from '@onnxpress/core';
import { strayInput } from '../problems.ts';
import { whole, type Random } from '../random.ts';
import { fingerprintOf } from './fingerprint.ts';
import { filled, requireNumberType, type NumberType } from './numbers.ts';

/** Inputs for models nobody has data for: floats of the standard normal distribution, whole numbers evenly below a limit. The same seed gives the same numbers everywhere. */
export const randomTensors = defineDataset({
  name: 'eval/random',
  summary: 'Random inputs for a model, for comparisons that need no meaning.',
  options: {
    shapes: { type: 'object', minProperties: 1, additionalProperties: { type: 'array', items: { type: 'integer', minimum: 0 } }, required: true, description: 'Input name → its dimensions: { pixels: [1, 3, 224, 224] }.' },
    types: { type: 'object', additionalProperties: { type: 'string' }, default: {}, description: 'Input name → its element type. Default: float32.' },
    below: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 }, default: {}, description: 'Input name → whole numbers are drawn below this. Default: 2.' },
    count: { type: 'integer', minimum: 1, default: 16, description: 'How many examples.' },
    seed: { type: 'integer', default: 0, description: 'Which numbers: the same seed, the same numbers.' },
  },
  async open(options, _ctx) {
    const { count, seed } = options;
    // The schema has checked these three; its types do not reach into objects.
    const shapes = options.shapes as Readonly<Record<string, readonly number[]>>;
    const types = options.types as Readonly<Record<string, string>>;
    const below = options.below as Readonly<Record<string, number>>;
    for (const name of [...Object.keys(types), ...Object.keys(below)]) {
      if (!Object.hasOwn(shapes, name)) throw strayInput(name, Object.keys(shapes));
    }
    const inputs = Object.entries(shapes).map(([name, dims]): Input => ({ name, dims, dtype: requireNumberType(types[name] ?? 'float32', `Input "${name}" of eval/random`), below: below[name] ?? 2 }));
    return { kind: 'tensors', fingerprint: fingerprintOf('random', inputs, count, seed), count, feeds: () => draw(inputs, count, seed) };
  },
});

interface Input {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dtype: NumberType;
  readonly below: number;
}

async function* draw(inputs: readonly Input[], count: number, seed: number): AsyncGenerator<Feeds, void, undefined> {
  for (let example = 0; example < count; example++) {
    // A sequence for each example and input: adding an input changes no other.
    yield Object.fromEntries(inputs.map((input) => [input.name, feedOf(input, seeded('eval/random', seed, example, input.name))]));
  }
}

function feedOf({ dims, dtype, below }: Input, random: Random): Feed {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const limit = dtype === 'bool' ? 2 : below;
  return { dtype, dims, data: filled(dtype, count, () => (dtype.startsWith('float') ? normal(random) : whole(random, limit))) };
}
