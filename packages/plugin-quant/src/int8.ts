import { NonFiniteError, quantizeInt8PerAxis, quantizeInt8PerTensor, transpose } from '@onnxpress/kernels';
import { derived, float32sOf, OnnxError, type Tensor } from '@onnxpress/core';

/** A weight as codes and scales; weight ≈ code · scale. */
export interface Int8Weight {
  /** int8, [rows, columns]. */
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
 * Quantizes a matrix to int8, symmetric and narrow: scale = max |w| / 127 over each channel, rounded to float32 before it is used, since that is what the
 * file holds; code = w / scale rounded half to even (ONNX QuantizeLinear), from -127 to 127. A channel of zeros has scale 1. Both results are computed
 * when they are read. Reading throws `unsupported` where the weight holds a NaN or an infinity, naming `name` and the place.
 */
export function quantizeInt8(name: string, weight: Tensor, { scalePer, transposed = false }: Int8Options): Int8Weight {
  const [first, second] = weight.dims;
  if (first === undefined || second === undefined || weight.dims.length !== 2) throw new OnnxError('unsupported', `Weight "${name}" has ${weight.dims.length} dimensions, and a matrix is needed.`);
  const [rows, columns] = transposed ? [second, first] : [first, second];
  const channels = scalePer === 'row' ? rows : columns;
  const { codes, scale } = derived<'codes' | 'scale'>({
    outputs: { codes: { dtype: 'int8', dims: [rows, columns] }, scale: { dtype: 'float32', dims: scalePer === 'tensor' ? [] : [channels] } },
    compute() {
      const made = stored(float32sOf(weight));
      return { codes: transposed ? transpose(made.codes, first, second) : made.codes, scale: made.scale };
    },
  });
  return { codes, scale };

  /** The matrix quantized as it lies in the file. */
  function stored(w: Float32Array): { codes: Int8Array; scale: Float32Array } {
    try {
      return quantized(w);
    } catch (e) {
      if (!(e instanceof NonFiniteError)) throw e;
      const place = `[${Math.floor(e.index / second!)}, ${e.index % second!}]`; // asked for above
      throw new OnnxError('unsupported', `Weight "${name}" holds ${w[e.index]} at ${place}, so no scale can be found for it. Exclude it, or repair the model.`);
    }
  }

  function quantized(w: Float32Array): { codes: Int8Array; scale: Float32Array } {
    if (scalePer === 'tensor') {
      const { codes, scale } = quantizeInt8PerTensor(w);
      return { codes, scale: Float32Array.of(scale) };
    }
    const { codes, scales } = quantizeInt8PerAxis(w, first!, second!, { axis: (scalePer === 'row') === transposed ? 1 : 0 }); // both were asked for above
    return { codes, scale: scales };
  }
}
