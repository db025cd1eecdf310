import { dequantizeInt8, NonFiniteError, quantizeInt8PerAxis } from '@onnxpress/kernels';
import { samplesOfWeight } from '../blocks/sample.ts';
import type { Target } from '../target.ts';
import { sidesOf } from './sides.ts';

/** √(Σ (ŵ − w)² / Σ w²) of a weight in int8, a scale for each output or row or one for all, on a sample of it; NaN where it holds no finite numbers, 0 where it holds only zeros. */
export function int8WeightError(target: Target, { perChannel, reduceRange }: { readonly perChannel: boolean; readonly reduceRange: boolean }): number {
  const sides = sidesOf(target);
  let [off, own] = [0, 0];
  try {
    for (const piece of samplesOfWeight({ tensor: target.tensor, ...sides }, sides.k)) {
      const { w } = piece;
      const [rows, columns] = perChannel ? [piece.rows, piece.columns] : [1, w.length];
      const axis = perChannel && !sides.alongRows ? 1 : 0;
      const { codes, scales } = quantizeInt8PerAxis(w, rows, columns, { axis, reduceRange });
      const stored = dequantizeInt8(codes, rows, columns, { axis, scales });
      for (let i = 0; i < w.length; i++) [off, own] = [off + (stored[i]! - w[i]!) ** 2, own + w[i]! ** 2];
    }
  } catch (e) {
    if (e instanceof NonFiniteError) return NaN;
    throw e;
  }
  return own === 0 ? 0 : Math.sqrt(off / own);
}
