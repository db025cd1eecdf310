import { TextError } from './error.ts';
import { type Feed, type ModelInput } from './inputs.ts';

/** Whether an input is what a decoder remembers of earlier tokens: past_key_values.0.key, past_key_0, past_conv.0 … */
export const isCache = (name: string): boolean => /^(cache_params\.)?past([._\d]|$|s?_?key|s?_?value)/.test(name);

/** How exporters call the number of tokens that are remembered. */
const isLength = (dim: string | number | null | undefined): boolean => typeof dim === 'string' && /past|seq|len|total|cache|context/i.test(dim) && !/batch|head/i.test(dim);

/**
 * A cache in which nothing is remembered yet: as many rows as the batch, no tokens; states of a fixed size, as convolutions have them, are zeros.
 * The first dimension that is not fixed is the batch, another one the tokens. Throws `unknown-input` for one whose type or shape says too little.
 */
export function emptyCache({ name, type }: ModelInput, rows: number): Feed {
  const { dims: declared, dtype } = type ?? {};
  if (declared === undefined || (dtype !== 'float32' && dtype !== 'float16')) {
    throw new TextError('unknown-input', `The model asks for the cache "${name}", whose ${declared === undefined ? 'shape is not declared' : `type ${dtype ?? 'is unknown and'} is none that an empty one is made of`}. Export the model without a cache, or feed it tensors.`);
  }
  const open = declared.flatMap((dim, axis) => (typeof dim === 'number' ? [] : [axis]));
  const batch = open.find((axis) => axis <= 1 && !isLength(declared[axis]));
  const others = open.filter((axis) => axis !== batch);
  const tokens = others.length === 1 ? others : others.filter((axis) => isLength(declared[axis]));
  if (others.length > tokens.length) {
    const unclear = others.filter((axis) => !tokens.includes(axis)).map((axis) => declared[axis] ?? `axis ${axis}`);
    throw new TextError('unknown-input', `The model asks for the cache "${name}", and nobody says how large its dimension ${unclear.join(', ')} is. Export the model with that size fixed, or without a cache.`);
  }
  const dims = declared.map((dim, axis) => (axis === batch ? rows : typeof dim === 'number' ? dim : 0));
  const count = dims.reduce((a, b) => a * b, 1);
  return dtype === 'float16' ? { dtype, dims, data: new Uint16Array(count) } : { dtype, dims, data: new Float32Array(count) };
}
