import { NonFiniteError, quantizeInt8PerAxis, quantizeInt8PerTensor, streamInt8, transpose } from '@onnxpress/kernels';
import type { Tensor } from '../ir/tensor.ts';
import { float32sOf } from '../ir/values.ts';
import { derived } from './derive.ts';
import { matrixOf, streamable } from './floats.ts';
import { nonFinite } from './non-finite.ts';

/** A matrix as codes and scales; matrix ≈ code · scale. */
export interface Int8Tensors {
  /** int8, [rows, columns]. */
  readonly codes: Tensor;
  /** float32: one per channel, or a scalar. */
  readonly scale: Tensor;
}

export interface Int8TensorOptions {
  /** Which axis of the [rows, columns] result has a scale of its own per index; 'tensor' for one scale in all. */
  readonly scalePer: 'row' | 'column' | 'tensor';
  /** Whether the weight is stored transposed: [columns, rows]. */
  readonly transposed?: boolean;
  /** Use 7 of the 8 bits, for processors whose 8-bit products saturate. Default: no. */
  readonly reduceRange?: boolean;
}

/**
 * Quantizes a matrix to int8, symmetric and narrow: scale = max |w| / 127 over each channel, rounded to float32 before it is used, since that is what the
 * file holds; code = w / scale rounded half to even (ONNX QuantizeLinear), from -127 to 127; with a reduced range 63 stands for 127. A channel of zeros has
 * scale 1. Both results are computed when they are read, or written from file to file by the workers. Reading or writing throws `unsupported` where the
 * weight holds a NaN or an infinity, naming `name` and the place.
 */
export function quantizedInt8(name: string, weight: Tensor, { scalePer, transposed = false, reduceRange = false }: Int8TensorOptions): Int8Tensors {
  const { rows: first, columns: second } = matrixOf(name, weight);
  const [rows, columns] = transposed ? [second, first] : [first, second];
  const axis = scalePer === 'tensor' ? 'tensor' : (scalePer === 'row') === transposed ? 1 : 0;
  const source = streamable(weight);
  return derived<'codes' | 'scale'>({
    outputs: { codes: { dtype: 'int8', dims: [rows, columns] }, scale: { dtype: 'float32', dims: scalePer === 'tensor' ? [] : [scalePer === 'row' ? rows : columns] } },
    compute() {
      try {
        const { codes, scales } = stored(float32sOf(weight));
        return { codes: transposed ? transpose(codes, first, second) : codes, scale: scales };
      } catch (e) {
        throw e instanceof NonFiniteError ? nonFinite(name, weight) : e;
      }
    },
    stream: source && ((targets) => {
      const work = streamInt8(source.range, source.form, { rows: first, columns: second, axis, transposed, reduceRange }, { codes: targets.codes, scales: targets.scale });
      return {
        tasks: work.tasks,
        scratch: work.scratch,
        check(values) {
          if (work.nonFinite(values)) throw nonFinite(name, weight);
        },
      };
    }),
  });

  /** The matrix quantized as it lies in the file. */
  function stored(w: Float32Array): { readonly codes: Int8Array; readonly scales: Float32Array } {
    if (axis !== 'tensor') return quantizeInt8PerAxis(w, first, second, { axis, reduceRange });
    const { codes, scale } = quantizeInt8PerTensor(w, { reduceRange });
    return { codes, scales: Float32Array.of(scale) };
  }
}
