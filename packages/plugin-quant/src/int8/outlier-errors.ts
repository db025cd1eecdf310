import { dequantizeInt8, matmul, quantizeInt8PerAxis } from '@onnxpress/kernels';
import { int8Rows } from '../calibrated/int8-error.ts';
import type { Columns } from './columns.ts';
import { thinned } from '../calibrated/thinned.ts';
import { OUTPUTS, type MeasuredLayer } from './form-errors.ts';

export interface OutlierErrors {
  /** With all columns in int8. */
  readonly plain: number;
  /** With the outliers in float. */
  readonly split: number;
}

/** √(Σ (ŷ − y)² / Σ y²) of a layer's outputs in int8 on rows of its input, some of its outputs, with and without some columns in float. */
export async function outlierErrors(layer: MeasuredLayer, rows: Float32Array, columns: Columns, { reduceRange, signal }: { readonly reduceRange: boolean; readonly signal?: AbortSignal | undefined }): Promise<OutlierErrors> {
  if (rows.length === 0) return { plain: 0, split: 0 }; // a layer that never ran
  const { w, k, n } = thinned(layer, OUTPUTS);
  const shape = [rows.length / k, n, k] as const;
  const expected = await matmul(rows, w, shape, { signal });
  const plain = await errorWithout([]);
  return { plain, split: columns.length === 0 ? plain : await errorWithout(columns) };

  /** The outliers themselves are exact on both sides, so what is left is the error of the rest. */
  async function errorWithout(out: Columns): Promise<number> {
    const [x, rest] = [rows.slice(), w.slice()];
    for (const c of out) {
      for (let at = c; at < x.length; at += k) x[at] = 0;
      rest.fill(0, c * n, (c + 1) * n);
    }
    const own = out.length === 0 ? expected : await matmul(x, rest, shape, { signal });
    const { codes, scales } = quantizeInt8PerAxis(rest, k, n, { axis: 1, reduceRange });
    const got = await matmul(int8Rows(x, k, 'token'), dequantizeInt8(codes, k, n, { axis: 1, scales }), shape, { signal });
    let [off, all] = [0, 0];
    for (let i = 0; i < got.length; i++) [off, all] = [off + (got[i]! - own[i]!) ** 2, all + expected[i]! ** 2];
    return all > 0 ? Math.sqrt(off / all) : 0;
  }
}
