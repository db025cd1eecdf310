import { countMagnitudes, keepNofM, kthMagnitude, maskBelow, streamKeepNofM, streamMaskBelow, type KthMagnitude } from '@onnxpress/kernels';
import { OnnxError } from '../error.ts';
import { bitsOf, countOf } from '../ir/dtype.ts';
import type { Tensor } from '../ir/tensor.ts';
import { float32sOf } from '../ir/values.ts';
import { NARROWED, type CastForm } from './cast.ts';
import { derived, derivedInPieces } from './derive.ts';
import { floatPiecesOf, matrixOf, readMapped, streamable } from './floats.ts';

/** The k-th smallest magnitude of all numbers of float tensors, exactly; they are read twice, piece by piece. Throws where there are fewer than k. */
export function kthMagnitudeOf(tensors: readonly Tensor[], k: number): KthMagnitude {
  return kthMagnitude({ *[Symbol.iterator]() { for (const tensor of tensors) for (const { floats } of floatPiecesOf(tensor)) yield floats; } }, k);
}

/**
 * A float tensor with zeros where a magnitude is below the threshold, in the same form; of the values whose magnitude is exactly that, the first `ties` (default:
 * none) are zeros too. Computed when it is read; from file to file by the workers.
 */
export function maskedBelow(tensor: Tensor, threshold: number, { ties = 0 }: { readonly ties?: number } = {}): Tensor {
  const form = formOf(tensor);
  const count = countOf(tensor.dims);
  let known: number | undefined;
  const cut = (): number => (known ??= ties === 0 ? 0 : placeOfTie(tensor, threshold, ties));
  const read = readMapped(tensor, bitsOf(form) / 8, (floats, first) => {
    const inFront = floats.subarray(0, Math.max(0, cut() - first));
    return NARROWED[form](maskBelow(floats, threshold, { ties: countMagnitudes(inFront, Math.abs(threshold), Math.abs(threshold)), into: floats }).values);
  });
  const source = streamable(tensor);
  return derivedInPieces<'masked'>({
    outputs: { masked: { dtype: form, dims: tensor.dims } },
    read: (_, into, offset) => read(into, offset),
    stream: source && ((targets) => ({ ...streamMaskBelow(source.range, source.form, count, { threshold, tiesBefore: cut() }, targets.masked!), check() {} })), // it is asked for where there is a target
  }).masked;
}

export interface KeepNofMOptions {
  /** How many of each group are kept. */
  readonly n: number;
  /** How many a group has; the last may have fewer. */
  readonly m: number;
  /** Groups are neighbours in a row, or in a column: the input dimension of a [K, N] weight. */
  readonly along: 'row' | 'column';
}

/** A matrix with zeros for all but the n values of largest magnitude in each group of m, in the same form; of equal magnitudes the first stay. Computed like `maskedBelow`. */
export function keptNofM(name: string, tensor: Tensor, options: KeepNofMOptions): Tensor {
  const form = formOf(tensor);
  const { rows, columns } = matrixOf(name, tensor);
  const source = streamable(tensor);
  return derived<'kept'>({
    outputs: { kept: { dtype: form, dims: tensor.dims } },
    compute: () => ({ kept: NARROWED[form](keepNofM(float32sOf(tensor), rows, columns, options)) }),
    stream: source && ((targets) => ({ ...streamKeepNofM(source.range, source.form, { rows, columns, ...options }, targets.kept!), check() {} })), // the same
  }).kept;
}

function formOf({ dtype, dims }: Tensor): CastForm {
  if (dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16') return dtype;
  throw new OnnxError('unsupported', `A tensor of [${dims.join(', ')}] holds ${dtype}, and float32, float16 or bfloat16 can be pruned.`);
}

/** The index behind the value that is the n-th of exactly this magnitude; the number of values where there are fewer. */
function placeOfTie(tensor: Tensor, threshold: number, n: number): number {
  const limit = Math.abs(threshold);
  let left = n;
  for (const { first, floats } of floatPiecesOf(tensor)) {
    const here = countMagnitudes(floats, limit, limit);
    if (here < left) left -= here;
    else {
      let [low, high] = [0, floats.length]; // the first `high` hold enough, the first `low` do not
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (countMagnitudes(floats.subarray(0, middle), limit, limit) >= left) high = middle;
        else low = middle;
      }
      return first + high;
    }
  }
  return countOf(tensor.dims);
}
