import { fromFloat16, NonFiniteError, quantizeBlocks, toFloat16 } from '@onnxpress/kernels';
import type { WeightGroup } from './group.ts';
import { roundedPiece, type Rounding } from './rounded.ts';
import { samplesOfWeight } from './sample.ts';

/** √(Σ (ŵ − w)² / Σ w²) of a rounded weight, on a sample of it; NaN where it holds no finite numbers, 0 where it holds only zeros. */
export function weightError(group: WeightGroup, rounding: Rounding, importance?: ArrayLike<number>): number {
  let [off, own] = [0, 0];
  try {
    for (const piece of samplesOfWeight(group, rounding.block)) {
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

/** A scale that float16 moves by more than this part is not what the range asks for: a block of 16 codes and more is then cut off at its end by a step's share that shows. */
const NOTICEABLE = 2 ** -8;
/** Blocks whose scales move may hold this part of the weight's square. */
const FEW = 0.01;

/** Whether float16 holds the scales of a weight: those of very small or very large numbers it does not. Judged on a sample, by the blocks that count. */
export function fitsFloat16(group: WeightGroup, { bits, block, mode }: Pick<Rounding, 'bits' | 'block' | 'mode'>): boolean {
  let [moved, all] = [0, 0];
  try {
    for (const { w, rows, columns, alongRows } of samplesOfWeight(group, block)) {
      const { scales } = quantizeBlocks(w, { rows, columns, block, bits: bits === 3 ? 4 : bits, mode, transposed: !alongRows });
      const halves = fromFloat16(toFloat16(scales));
      for (let i = 0; i < scales.length; i++) {
        if (!Number.isFinite(halves[i]!)) return false;
        const square = scales[i]! * scales[i]!;
        all += square;
        if (Math.abs(halves[i]! - scales[i]!) > NOTICEABLE * Math.abs(scales[i]!)) moved += square;
      }
    }
  } catch (e) {
    if (!(e instanceof NonFiniteError)) throw e; // says nothing about scales
  }
  return moved <= FEW * all;
}

/** Bits that a weight takes in the file, with its scales and zero points. */
export function bitsPerWeight({ bits, block, mode, scales }: Rounding, k: number): number {
  const stored = bits === 3 ? 4 : bits;
  const blocks = Math.ceil(k / block);
  const zeros = mode === 'asymmetric' || bits === 3 ? Math.ceil((blocks * stored) / 8) * 8 : 0;
  return (blocks * (block * stored + (scales === 'float16' ? 16 : 32)) + zeros) / k;
}
