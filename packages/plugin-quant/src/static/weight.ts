import { encodeInt8, transpose } from '@onnxpress/kernels';
import { countOf, float32s, float32sOf, findNonFinite, lazyTensor, memoryTensor, OnnxError, quantizedInt8, reshaped, tensorOf, type Tensor } from '@onnxpress/core';
import type { OperatorWeight } from './operators.ts';

/** A weight as symmetric int8 codes with a scale per output channel. */
export interface ChannelCodes {
  readonly codes: Tensor;
  readonly scales: Float32Array;
}

/** The largest bias code. A little below 2^31, so that correcting the bias later does not overflow it. */
const BIAS_LIMIT = 2 ** 31 * 0.99;

/**
 * Codes of a weight, [-127, 127] or with a reduced range [-63, 63], with scale max |w| / 127 per output channel, rounded to float32 first. Where a bias is to be held in steps of
 * `inputScale` times that scale, the scale is widened if the bias would overflow int32: such a bias is far larger than anything its weights can add.
 * Throws `unsupported` for a NaN or an infinity.
 */
export function channelCodes({ value, tensor, axis, turned }: OperatorWeight, { reduceRange, bias, inputScale }: { readonly reduceRange: boolean; readonly bias: Float32Array | undefined; readonly inputScale: number }): ChannelCodes {
  const { dims } = tensor;
  if (!bias) {
    const matrix = reshaped(tensor, axis === 0 ? [dims[0]!, countOf(dims) / dims[0]!] : dims);
    const { codes, scale } = quantizedInt8(value.name, matrix, { scalePer: axis === 0 && !turned ? 'row' : 'column', transposed: turned, reduceRange });
    return { codes: turned ? codes : reshaped(codes, dims), scales: float32sOf(scale) };
  }
  const highest = reduceRange ? 63 : 127;
  const channels = dims[axis]!;
  const rows = axis === 0 ? channels : dims[0]!;
  const w = float32sOf(tensor);
  const columns = w.length / rows;
  const largest = new Float64Array(channels);
  for (let i = 0; i < w.length; i++) {
    const c = axis === 0 ? Math.floor(i / columns) : i % columns;
    if (!Number.isFinite(w[i]!)) throw notFinite(value.name, tensor);
    largest[c] = Math.max(largest[c]!, Math.abs(w[i]!));
  }
  const scales = Float32Array.from(largest, (most, c) => most / highest || (bias[c] ? Math.abs(bias[c]!) / inputScale / 2 ** 24 : 1));
  for (let c = 0; c < channels; c++) scales[c] = Math.max(scales[c]!, Math.abs(bias[c]!) / inputScale / BIAS_LIMIT);
  const codes = lazyTensor('int8', turned ? [columns, rows] : dims, () => {
    const stored = encodeInt8(float32sOf(tensor), rows, columns, { axis, scales, lowest: -highest, highest });
    return turned ? transpose(stored, rows, columns) : stored;
  });
  return { codes, scales };
}

/** A bias as int32 codes in steps of the input's scale times the weight's: what integer products are added up in. */
export function biasCodes(bias: ArrayLike<number>, scales: Float32Array): Tensor {
  return memoryTensor('int32', [scales.length], Int32Array.from(scales, (s, c) => Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.round(bias[c]! / s)))));
}

/** The steps of a bias. */
export const biasScales = (inputScale: number, scales: Float32Array): Float32Array => scales.map((s) => s * inputScale);

export const vector = (values: Float32Array): Tensor => float32s([values.length], values);
export const zeros = (count: number): Tensor => tensorOf('int8', [count], new Int8Array(count));

function notFinite(name: string, tensor: Tensor): OnnxError {
  const { value, index } = findNonFinite(tensor)!; // it was just met
  return new OnnxError('unsupported', `Weight "${name}" holds ${value} at index ${index}, so no scale can be found for it. Exclude it, or repair the model.`);
}
