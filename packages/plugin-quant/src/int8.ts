import { float32sOf, lazyTensor, OnnxError, type Tensor } from '@onnxpress/core';

/** Symmetric and narrow: codes from -127 to 127, so that a weight and its negative have opposite codes and the zero point is 0. */
const LARGEST_CODE = 127;

/** A weight as codes and scales; weight ≈ code · scale. */
export interface Int8Weight {
  /** int8, the weight's shape after `layout`. */
  readonly codes: Tensor;
  /** float32: one per channel, or a scalar. */
  readonly scale: Tensor;
}

export interface Int8Options {
  /** Which axis of the [rows, columns] result has a scale of its own per index; 'tensor' for one scale in all. */
  readonly scalePer: 'row' | 'column' | 'tensor';
  /** Whether the weight is stored transposed: [columns, rows]. */
  readonly transposed?: boolean;
}

/**
 * Quantizes a matrix to int8: scale = max |w| / 127 over each channel, rounded to float32 before it is used, since that is what the file holds;
 * code = w / scale rounded half to even (ONNX QuantizeLinear). A channel of zeros has scale 1. Both results are computed when they are read.
 * Reading throws `unsupported` where the weight holds a NaN or an infinity, naming `name` and the place.
 */
export function quantizeInt8(name: string, weight: Tensor, { scalePer, transposed = false }: Int8Options): Int8Weight {
  const [rows, columns] = matrixDims(name, weight, transposed);
  const channels = scalePer === 'row' ? rows : scalePer === 'column' ? columns : 1;
  // Element [r, c] belongs to channel r · perRow + c · perColumn.
  const [perRow, perColumn] = [scalePer === 'row' ? 1 : 0, scalePer === 'column' ? 1 : 0];
  const values = (): Float32Array => {
    const w = float32sOf(weight);
    return transposed ? transpose(w, columns, rows) : w;
  };
  let known: Float32Array | undefined; // a few numbers, and both results need them
  const scalesOf = (w: Float32Array): Float32Array => (known ??= scales(w));
  const scales = (w: Float32Array): Float32Array => {
    const largest = new Float32Array(channels);
    for (let r = 0, i = 0; r < rows; r++) {
      for (let c = 0, k = r * perRow; c < columns; c++, i++, k += perColumn) {
        const size = Math.abs(w[i]!);
        if (!(size <= LARGEST_FLOAT)) throw new OnnxError('unsupported', `Weight "${name}" holds ${w[i]} at [${r}, ${c}], so no scale can be found for it. Exclude it, or repair the model.`);
        if (size > largest[k]!) largest[k] = size;
      }
    }
    return largest.map((m) => (m > 0 ? m / LARGEST_CODE : 1)); // a Float32Array rounds what it is given
  };
  return {
    scale: lazyTensor('float32', scalePer === 'tensor' ? [] : [channels], () => scalesOf(values())),
    codes: lazyTensor('int8', [rows, columns], () => {
      const w = values();
      const scale = scalesOf(w);
      const codes = new Int8Array(w.length);
      for (let r = 0, i = 0; r < rows; r++) {
        for (let c = 0, k = r * perRow; c < columns; c++, i++, k += perColumn) codes[i] = roundHalfToEven(w[i]! / scale[k]!); // |w| ≤ 127 · scale, so no code leaves the range
      }
      return codes;
    }),
  };
}

/** Beyond it there is only infinity, which has no scale. */
const LARGEST_FLOAT = 3.4028234663852886e38;

/** Added to and taken from a number below 2^51 it leaves the nearest integer, halves to even: the rounding of IEEE 754 does it. Math.round rounds halves up. */
const ROUNDER = 1.5 * 2 ** 52;

/** Half to even, as IEEE 754 and ONNX round. For |x| < 2^51. */
export const roundHalfToEven = (x: number): number => x + ROUNDER - ROUNDER;

function matrixDims(name: string, { dims }: Tensor, transposed: boolean): [rows: number, columns: number] {
  const [a, b] = dims;
  if (a === undefined || b === undefined || dims.length !== 2) throw new OnnxError('unsupported', `Weight "${name}" has ${dims.length} dimensions, and a matrix is needed.`);
  return transposed ? [b, a] : [a, b];
}

/** The transpose of a [rows, columns] matrix. */
function transpose(w: Float32Array, rows: number, columns: number): Float32Array {
  const t = new Float32Array(w.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) t[c * rows + r] = w[r * columns + c]!;
  return t;
}
