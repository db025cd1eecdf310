import { float32sOf, lazyTensor, type Tensor } from '@onnxpress/core';
import type { Target } from '../target.ts';

/** Columns of an activation, ascending: inputs of a product. */
export type Columns = readonly number[];

/** The numbers of a weight as it is stored, with zeros where those columns are multiplied. */
export function rowsWithout({ tensor, transposed }: Target, columns: Columns): Float32Array {
  const w = float32sOf(tensor);
  const [first, second] = tensor.dims as [number, number]; // targets are matrices
  for (const c of columns) {
    if (transposed) for (let j = 0; j < first; j++) w[j * second + c] = 0;
    else w.fill(0, c * second, (c + 1) * second);
  }
  return w;
}

/** float32 [columns, N]: what those columns are multiplied by. */
export function outlierRows({ tensor, transposed }: Target, columns: Columns): Tensor {
  const [first, second] = tensor.dims as [number, number]; // targets are matrices
  const n = transposed ? first : second;
  return lazyTensor('float32', [columns.length, n], () => {
    const w = float32sOf(tensor);
    return Float32Array.from({ length: columns.length * n }, (_, at) => {
      const [c, j] = [columns[Math.floor(at / n)]!, at % n];
      return w[transposed ? j * second + c : c * second + j]!;
    });
  });
}
