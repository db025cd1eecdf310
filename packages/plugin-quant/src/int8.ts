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
  const channelOf = scalePer === 'row' ? (r: number) => r : scalePer === 'column' ? (_: number, c: number) => c : () => 0;
  const values = (): Float32Array => {
    const w = float32sOf(weight);
    return transposed ? transpose(w, columns, rows) : w;
  };
  const scales = (w: Float32Array): Float32Array => {
    const largest = new Float32Array(channels);
    for (let r = 0, i = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++, i++) {
        const size = Math.abs(w[i]!);
        const channel = channelOf(r, c);
        if (!(size <= 3.5e38)) throw new OnnxError('unsupported', `Weight "${name}" holds ${w[i]} at [${r}, ${c}], so no scale can be found for it. Exclude it, or repair the model.`);
        if (size > largest[channel]!) largest[channel] = size;
      }
    }
    return largest.map((m) => (m > 0 ? Math.fround(m / LARGEST_CODE) : 1));
  };
  return {
    scale: lazyTensor('float32', scalePer === 'tensor' ? [] : [channels], () => scales(values())),
    codes: lazyTensor('int8', [rows, columns], () => {
      const w = values();
      const scale = scales(w);
      const codes = new Int8Array(w.length);
      for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++, i++) codes[i] = clamp(roundHalfToEven(w[i]! / scale[channelOf(r, c)]!));
      return codes;
    }),
  };
}

/** Half to even, as IEEE 754 and ONNX round; Math.round rounds half up. */
export function roundHalfToEven(x: number): number {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

const clamp = (code: number): number => Math.max(-LARGEST_CODE, Math.min(LARGEST_CODE, code));

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
