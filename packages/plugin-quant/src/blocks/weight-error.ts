import { NonFiniteError } from '@onnxpress/kernels';
import type { WeightGroup } from './group.ts';
import { roundedPiece, type Rounding } from './rounded.ts';
import { sampleOf, type Sample } from './sample.ts';
import { storedBits } from './stored-scale.ts';

/** √(Σ (ŵ − w)² / Σ w²) of a rounded weight, on a sample of it; NaN where it holds no finite numbers, 0 where it holds only zeros. */
export function weightError(group: WeightGroup, rounding: Rounding, importance?: ArrayLike<number>, sample: Sample = sampleOf(group)): number {
  let [off, own] = [0, 0];
  try {
    for (const piece of sample(rounding.block)) {
      const { w } = piece;
      const rounded = roundedPiece(piece, rounding, importance);
      for (let i = 0; i < w.length; i++) {
        const apart = rounded[i]! - w[i]!;
        off += apart * apart;
        own += w[i]! * w[i]!;
      }
    }
  } catch (e) {
    if (e instanceof NonFiniteError) return NaN;
    throw e;
  }
  return own === 0 ? 0 : Math.sqrt(off / own);
}

/** Bits that a weight takes in the file, with its scales and zero points. */
export function bitsPerWeight({ bits, block, mode, scales }: Pick<Rounding, 'block' | 'mode' | 'scales'> & { readonly bits: number }, k: number): number {
  const stored = storedBits(bits);
  const blocks = Math.ceil(k / block);
  const zeros = mode === 'asymmetric' || stored !== bits ? Math.ceil((blocks * stored) / 8) * 8 : 0;
  return (blocks * (block * stored + (scales === 'float16' ? 16 : 32)) + zeros) / k;
}
