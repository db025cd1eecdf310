import { TextError } from './error.ts';

/** How the vectors of a text's tokens become one: their mean, the first token's, or the last token's. Padding never takes part. */
export type Pooling = 'mean' | 'cls' | 'last';

/** What a model gives for a batch: [batch, sequence, hidden], or [batch, hidden] from a model that pools by itself. */
export interface HiddenStates {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/**
 * One vector a text, [batch, hidden], in a new array. `mask` is [batch, sequence], 0 where padding is, at either end.
 * What is already pooled is copied as it is. A row that is all padding becomes the zero vector. Means are summed in float64.
 * Dimensions that do not fit together are a TextError (`bad-shape`).
 */
export function pool(states: HiddenStates, mask: Uint8Array, how: Pooling): Float32Array {
  const [batch, sequence, hidden] = requireShape(states, mask);
  if (sequence === undefined) return states.data.slice();
  const pooled = new Float32Array(batch * hidden);
  for (let row = 0; row < batch; row++) {
    const rowMask = mask.subarray(row * sequence, (row + 1) * sequence);
    const rowStates = states.data.subarray(row * sequence * hidden, (row + 1) * sequence * hidden);
    pooled.set(poolRow(rowStates, rowMask, hidden, how), row * hidden);
  }
  return pooled;
}

/** Each vector of `width` numbers scaled to length one (L2), in a new array. The zero vector stays zero. */
export function normalize(vectors: Float32Array, width: number): Float32Array {
  if (!Number.isSafeInteger(width) || width < 1 || vectors.length % width !== 0) {
    throw new TextError('bad-shape', `${vectors.length} numbers are no whole number of vectors of width ${width}. Give the width of one vector.`);
  }
  const normalized = new Float32Array(vectors.length);
  for (let start = 0; start < vectors.length; start += width) {
    let squares = 0;
    for (let at = start; at < start + width; at++) squares += vectors[at]! ** 2;
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let at = start; at < start + width; at++) normalized[at] = vectors[at]! * scale;
  }
  return normalized;
}

function poolRow(states: Float32Array, mask: Uint8Array, hidden: number, how: Pooling): Float32Array | Float64Array {
  if (how === 'mean') return mean(states, mask, hidden);
  const token = how === 'cls' ? mask.findIndex((value) => value !== 0) : mask.findLastIndex((value) => value !== 0);
  return token < 0 ? new Float32Array(hidden) : states.subarray(token * hidden, (token + 1) * hidden);
}

function mean(states: Float32Array, mask: Uint8Array, hidden: number): Float64Array {
  const sum = new Float64Array(hidden);
  let count = 0;
  for (let token = 0; token < mask.length; token++) {
    if (mask[token] === 0) continue;
    count++;
    for (let at = 0; at < hidden; at++) sum[at] = sum[at]! + states[token * hidden + at]!;
  }
  return count === 0 ? sum : sum.map((value) => value / count);
}

/** Batch, sequence (undefined if already pooled) and hidden size. */
function requireShape({ data, dims }: HiddenStates, mask: Uint8Array): readonly [batch: number, sequence: number | undefined, hidden: number] {
  const shape = `[${dims.join(', ')}]`;
  if (dims.length !== 2 && dims.length !== 3) {
    throw new TextError('bad-shape', `An output of shape ${shape} cannot be pooled. Choose an output of shape [batch, sequence, hidden] or [batch, hidden].`);
  }
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (count !== data.length) throw new TextError('bad-shape', `An output of shape ${shape} has ${data.length} numbers instead of ${count}. Give the shape of these numbers.`);
  const [batch, sequence, hidden] = dims.length === 3 ? [dims[0]!, dims[1]!, dims[2]!] : [dims[0]!, undefined, dims[1]!];
  if (sequence !== undefined && mask.length !== batch * sequence) {
    throw new TextError('bad-shape', `An output of shape ${shape} does not fit a mask of ${mask.length} tokens. Give the mask of the same batch.`);
  }
  return [batch, sequence, hidden];
}
