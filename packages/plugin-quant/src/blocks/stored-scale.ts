import type { PassContext } from '@onnxpress/core';
import { fromFloat16, NonFiniteError, quantizeBlocks, toFloat16, type BlockMode, type ScaleForm } from '@onnxpress/kernels';
import type { BlockFormat } from './emit.ts';
import type { WeightGroup } from './group.ts';
import { roundEven } from '../round-even.ts';
import { sampleOf, type Sample } from './sample.ts';

/** The least number above zero that float16 holds. */
export const LEAST_HALF = 2 ** -24;
/** Where float16 runs out of exponents. */
const NORMAL_HALF = 2 ** -14;
const LARGEST_HALF = 65504;

/** A scale as the file will have it; one that is beyond float16 is infinite, and no candidate. */
export function storedScale(scale: number, form: ScaleForm): number {
  if (form === 'float32' || scale === 0) return Math.fround(scale);
  const magnitude = Math.abs(scale);
  const unit = magnitude < NORMAL_HALF ? LEAST_HALF : 2 ** (Math.floor(Math.log2(magnitude)) - 10);
  const rounded = Math.max(LEAST_HALF, roundEven(magnitude / unit) * unit);
  return rounded > LARGEST_HALF ? Infinity : Math.sign(scale) * rounded;
}

/** Bits that codes take in the file: those of 3 are stored as 4. */
export const storedBits = (bits: number): 2 | 4 | 8 => (bits <= 2 ? 2 : bits <= 4 ? 4 : 8);

export interface ScaleOptions {
  readonly scales: 'auto' | ScaleForm;
  readonly format: BlockFormat;
  readonly 'accuracy-level': 0 | 1 | 4;
}

interface Shape {
  /** 2 to 8. */
  readonly bits: number;
  readonly block: number;
  readonly mode: BlockMode;
}

/**
 * In what form the scales of a weight are stored. Nodes that compute in half precision have room for no other; `auto` means float16, but float32 at accuracy level
 * 4, where onnxruntime without its optimizations computes zeros from float16 ones, and for the rare weight whose scales float16 cannot hold.
 */
export function scaleFormOf(group: WeightGroup, shape: Shape, { scales, format, 'accuracy-level': level }: ScaleOptions, sample: Sample = sampleOf(group)): ScaleForm {
  if (group.computes === 'float16') return 'float16';
  if (scales !== 'auto') return scales;
  if (format === 'MatMulNBits' && level === 4) return 'float32';
  return fitsFloat16(sample, shape) ? 'float16' : 'float32';
}

/** Says what may come of scales that somebody asked for. */
export function warnOfZeros({ scales, format, 'accuracy-level': level }: ScaleOptions, ctx: Pick<PassContext, 'warn'>): void {
  if (format === 'MatMulNBits' && level === 4 && scales === 'float16') ctx.warn('At accuracy level 4 with float16 scales onnxruntime computes zeros when it runs without its optimizations. Keep them on, or take "scales: float32".');
}

/** A scale that float16 moves by more than this part is not what the range asks for: a block of 16 codes and more is then cut off at its end by a step's share that shows. */
const NOTICEABLE = 2 ** -8;
/** Blocks whose scales move may hold this part of the weight's square. */
const FEW = 0.01;

/** Whether float16 holds the scales of a weight: those of very small or very large numbers it does not. Judged on a sample, by the blocks that count. */
function fitsFloat16(sample: Sample, { bits, block, mode }: Shape): boolean {
  let [moved, all] = [0, 0];
  try {
    for (const { w, rows, columns, alongRows } of sample(block)) {
      const { scales } = quantizeBlocks(w, { rows, columns, block, bits: storedBits(bits), mode, transposed: !alongRows });
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
