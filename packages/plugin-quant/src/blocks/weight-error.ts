import { NonFiniteError } from '@onnxpress/kernels';
import type { WeightGroup } from './group.ts';
import { roundedPiece, type Rounding } from './rounded.ts';
import { samplesOfWeight } from './sample.ts';

/** √(Σ (ŵ − w)² / Σ w²) of a rounded weight, on a sample of it; NaN where it holds no finite numbers, 0 where it holds only zeros. */
export function weightError(group: WeightGroup, rounding: Rounding, importance?: ArrayLike<number>): number {
  let [off, own] = [0, 0];
  try {
    for (const piece of samplesOfWeight(group, rounding.block)) {
      const rounded = roundedPiece(piece, rounding, importance);
      piece.w.forEach((w, i) => {
        off += (rounded[i]! - w) ** 2;
        own += w * w;
      });
    }
  } catch (e) {
    if (e instanceof NonFiniteError) return NaN;
    throw e;
  }
  return own === 0 ? 0 : Math.sqrt(off / own);
}

/** Bits that a weight takes in the file, with its scales and zero points. */
export function bitsPerWeight({ bits, block, mode, scales }: Rounding, k: number): number {
  const stored = bits === 3 ? 4 : bits;
  const blocks = Math.ceil(k / block);
  const zeros = mode === 'asymmetric' || bits === 3 ? Math.ceil((blocks * stored) / 8) * 8 : 0;
  return (blocks * (block * stored + (scales === 'float16' ? 16 : 32)) + zeros) / k;
}
