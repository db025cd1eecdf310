import { float32sOf, inferTypes, memoryTensor, type Model } from '@onnxpress/onnx';
import type { Feed } from '../services/tokens.ts';

/**
 * How far two float results of the same computation may be apart, relative to the largest entry of the tensor. Another order of float32 additions
 * moves a sum of some thousand products by a few 1e-6; transformers of a dozen layers were seen at 2e-5. A real mistake is far above.
 */
export const ROUNDING_TOLERANCE = 1e-4;
/** Ten roundings of float16 (2^-11 each) in a row: runtimes compute what lies between two operators in float32 or not, as they please. */
const HALF_TOLERANCE = 5e-3;
/** The same for bfloat16 (2^-8 each). */
const BRAIN_TOLERANCE = 4e-2;

/** What rounding may do to a model's outputs, by the coarsest type that it computes in. Weights that are only stored in half precision do not count. */
export function toleranceFor(model: Model): number {
  const typed = model.clone();
  inferTypes(typed);
  const computed = new Set([...typed.nodes()].flatMap((n) => (n.is('Cast') || n.is('Constant') ? [] : n.inputs.flatMap((v) => (v?.type?.kind === 'tensor' ? [v.type.dtype] : [])))));
  return computed.has('bfloat16') ? BRAIN_TOLERANCE : computed.has('float16') ? HALF_TOLERANCE : ROUNDING_TOLERANCE;
}

/** Entries so much larger than nearly all others are no measure for them: what masks are made of. */
const OUTLIER = 1e4;
/** How many entries tell what nearly all of them are like. */
const SAMPLE = 4096;

/**
 * The largest difference, relative to the largest entry of `was`; a sentence where they cannot be compared. Entries that are equal in both and
 * far above the rest (the -3e38 of a mask) do not hide a difference of the others.
 */
export function distance(was: Feed, is: Feed): number | string {
  if (was.dtype !== is.dtype) return `was ${was.dtype} and is ${is.dtype}`;
  if (was.dims.join() !== is.dims.join()) return `was [${was.dims.join(', ')}] and is [${is.dims.join(', ')}]`;
  const [a, b] = [widened(was), widened(is)];
  let [equal, moved, apart] = [0, 0, 0];
  const outlier = isFraction(a) ? usual(a) * OUTLIER || Infinity : Infinity;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [numberAt(a, i), numberAt(b, i)];
    if (x === y || (x !== x && y !== y)) {
      if (typeof x === 'number' && Math.abs(x) < outlier && Number.isFinite(x)) equal = Math.max(equal, Math.abs(x));
      continue;
    }
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) return `was ${x} and is ${y} at element ${i}`;
    moved = Math.max(moved, Math.abs(x));
    apart = Math.max(apart, Math.abs(x - y));
  }
  return apart === 0 ? 0 : apart / (Math.max(equal, moved) || Number.MIN_VALUE);
}

const isFraction = (f: Feed): boolean => f.dtype === 'float32' || f.dtype === 'float64';

/** Whole numbers that fit are numbers like any other. */
function numberAt({ data }: Feed, i: number): number | bigint | string {
  const x = data[i]!;
  return typeof x === 'bigint' && Number.isSafeInteger(Number(x)) ? Number(x) : x;
}

/** Half precision is held as bits. */
const widened = (f: Feed): Feed => (f.dtype === 'float16' && f.data instanceof Uint16Array ? { ...f, data: float32sOf(memoryTensor('float16', f.dims, f.data)) } : f);

/** The magnitude below which nine of ten entries lie. */
function usual({ data }: Feed): number {
  const stride = Math.max(1, Math.floor(data.length / SAMPLE));
  const sample: number[] = [];
  for (let i = 0; i < data.length; i += stride) sample.push(Math.abs(Number(data[i]!)));
  const sorted = sample.filter(Number.isFinite).sort((x, y) => x - y);
  return sorted[Math.floor(sorted.length * 0.9)] ?? 0;
}
