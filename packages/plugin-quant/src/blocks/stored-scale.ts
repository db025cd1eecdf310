import type { ScaleForm } from '@onnxpress/kernels';

/** Half to even: 2^52 + 2^51 leaves no room for a fraction. */
const MAGIC = 6755399441055744;
export const roundEven = (x: number): number => x + MAGIC - MAGIC;

const LEAST_HALF = 2 ** -24;
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
