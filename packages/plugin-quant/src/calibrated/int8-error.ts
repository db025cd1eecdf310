import { matmul } from '@onnxpress/kernels';
import { roundEven } from '../round-even.ts';

/** How activations become 8 bits: a scale per token, or a scale and zero point for all of them. */
export type ActivationScales = 'token' | 'tensor';

/** Rows [rows, K] as 8 bits would hold them. Per token: symmetric, largest |x| / 127. Per tensor: a range with zero in it, in 255 steps. */
export function int8Rows(x: Float32Array, columns: number, per: ActivationScales): Float32Array {
  const out = new Float32Array(x.length);
  if (per === 'tensor') {
    let [low, high] = [0, 0];
    for (const v of x) [low, high] = [Math.min(low, v), Math.max(high, v)];
    const step = (high - low) / 255 || 1;
    const zero = roundEven(-low / step);
    for (let i = 0; i < x.length; i++) out[i] = (Math.min(255, Math.max(0, roundEven(x[i]! / step) + zero)) - zero) * step;
    return out;
  }
  for (let from = 0; from < x.length; from += columns) {
    let largest = 0;
    for (let i = from; i < from + columns; i++) largest = Math.max(largest, Math.abs(x[i]!));
    const step = largest / 127 || 1;
    for (let i = from; i < from + columns; i++) out[i] = roundEven(x[i]! / step) * step;
  }
  return out;
}

/** A weight [K, N] as int8 per output would hold it: symmetric, largest |w| / 127. */
export function int8Columns(w: Float32Array, k: number, n: number): Float32Array {
  const steps = new Float32Array(n);
  for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) steps[j] = Math.max(steps[j]!, Math.abs(w[i * n + j]!));
  for (let j = 0; j < n; j++) steps[j] = steps[j]! / 127 || 1;
  return w.map((v, at) => roundEven(v / steps[at % n]!) * steps[at % n]!);
}

/** The squared difference of two products [rows, N] of the same shape. */
export async function productError(a: readonly [x: Float32Array, w: Float32Array], b: readonly [x: Float32Array, w: Float32Array], [rows, k, n]: readonly [number, number, number], signal?: AbortSignal): Promise<number> {
  const [p, q] = [await matmul(a[0], a[1], [rows, n, k], { signal }), await matmul(b[0], b[1], [rows, n, k], { signal })];
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += (p[i]! - q[i]!) ** 2;
  return sum;
}
