import { countMagnitudes, firstMagnitude, streamCast, toBfloat16, toFloat16, type StoredFloat } from '@onnxpress/kernels';
import { countOf } from '../ir/dtype.ts';
import { piecesOf } from '../ir/pieces.ts';
import type { Tensor } from '../ir/tensor.ts';
import { assertFloats, floatPiecesOf, readMapped, streamable } from './floats.ts';
import { derivedInPieces } from './derive.ts';

/** What a tensor can be cast to. */
export type CastForm = StoredFloat;

/** float32 as the numbers of a form. */
export const NARROWED = { float32: (floats: Float32Array): ArrayBufferView => floats, float16: toFloat16, bfloat16: toBfloat16 };
const WIDTH: Readonly<Record<CastForm, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/**
 * The numbers of a float tensor in another form, as ONNX Cast has them: rounded to nearest, ties to even, what is too large infinite (see `findOverflow`), NaN
 * the positive quiet NaN. Computed when they are read, as much as is read; from file to file by the workers. float64 is rounded to float32 on the way. Throws
 * `unsupported` for a tensor of other numbers.
 */
export function castTensor(tensor: Tensor, to: CastForm): Tensor {
  assertFloats(tensor, 'A cast');
  if (tensor.dtype === to) return tensor;
  const { dims } = tensor;
  const source = streamable(tensor);
  const read = readMapped(tensor, WIDTH[to], (floats) => NARROWED[to](floats));
  return derivedInPieces<'cast'>({
    outputs: { cast: { dtype: to, dims } },
    read: (_, into, offset) => read(into, offset),
    stream: source && ((targets) => ({ ...streamCast(source.range, source.form, to, countOf(dims), targets.cast!), check() {} })), // it is asked for where there is a target
  }).cast;
}

/** Numbers that a narrower form cannot hold. */
export interface Overflow {
  readonly count: number;
  /** The first of them: where it is in the flattened tensor, and its value. */
  readonly index: number;
  readonly value: number;
}

/** From these magnitudes on a float32 is rounded to infinity: half a step beyond the largest. */
const BEYOND: Readonly<Record<CastForm, number>> = { float32: Infinity, float16: 65520, bfloat16: (2 - 2 ** -8) * 2 ** 127 };
const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** The finite numbers of a tensor that `castTensor` makes infinite, in one reading; undefined where there is none. Infinities and NaN stay what they are, and do not count. */
export function findOverflow(tensor: Tensor, to: CastForm): Overflow | undefined {
  assertFloats(tensor, 'A cast');
  if (tensor.dtype === to) return undefined;
  let count = 0;
  let found: Omit<Overflow, 'count'> | undefined;
  if (tensor.dtype === 'float64') {
    for (const [index, value] of float64sOf(tensor)) if (Number.isFinite(value) && Math.abs(Math.fround(value)) >= BEYOND[to] && ++count === 1) found = { index, value };
    return found && { count, ...found };
  }
  if (to === 'float32') return undefined;
  for (const { first, floats } of floatPiecesOf(tensor)) {
    const here = countMagnitudes(floats, BEYOND[to], LARGEST_FLOAT32);
    if (here > 0 && !found) {
      const at = firstMagnitude(floats, BEYOND[to], LARGEST_FLOAT32);
      found = { index: first + at, value: floats[at]! };
    }
    count += here;
  }
  return found && { count, ...found };
}

function* float64sOf(tensor: Tensor): Generator<readonly [index: number, value: number]> {
  let index = 0;
  for (const piece of piecesOf(tensor)) for (const value of new Float64Array(piece.buffer, piece.byteOffset, piece.length / 8)) yield [index++, value];
}
