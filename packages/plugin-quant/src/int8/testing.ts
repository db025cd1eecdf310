import { Runtime, type Feeds, type Model } from '@onnxpress/core';
import { testServices } from '@onnxpress/core/testing';

/** Levels of optimization that a form must be right at. */
export const LEVELS = ['none', 'basic', 'all'] as const;

/** The only output of a model for rows [count, K] of its only input. */
export async function outputFor(model: Model, x: Float32Array, k: number, optimize: (typeof LEVELS)[number] = 'all'): Promise<Float32Array> {
  const session = await testServices().get(Runtime).load(model, { optimize });
  try {
    const feeds: Feeds = { [session.inputs[0]!]: { dtype: 'float32', dims: [x.length / k, k], data: x } }; // it has one
    return Object.values(await session.run(feeds))[0]!.data as Float32Array; // and one output
  } finally {
    await session.dispose();
  }
}

/** max |a - b| / max |a|. */
export function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [gap, size] = [0, 0];
  for (let i = 0; i < a.length; i++) [gap, size] = [Math.max(gap, Math.abs(a[i]! - b[i]!)), Math.max(size, Math.abs(a[i]!))];
  return gap / size;
}

/** A value in steps of `step`, rounded half to even: the definition, in float64. */
export function inSteps(x: number, step: number): number {
  const near = Math.round(x / step);
  return (Math.abs(x / step - Math.floor(x / step) - 0.5) < 1e-12 && near % 2 !== 0 ? near - 1 : near) * step;
}

/** What 8 bits make of a product by the definition, in float64: x [rows, K] with a scale per row, w [K, N] with a scale per column; columns in `float` as they are. */
export function rowWiseProduct(x: Float32Array, w: Float32Array, k: number, n: number, { highest = 127, float = [] }: { readonly highest?: number; readonly float?: readonly number[] } = {}): number[] {
  const out: number[] = [];
  const rest = Array.from({ length: k }, (_, i) => i).filter((i) => !float.includes(i));
  const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));
  for (let row = 0; row < x.length / k; row++) {
    const step = largest(rest.map((i) => x[row * k + i]!)) / 127 || 1;
    for (let j = 0; j < n; j++) {
      const columnStep = largest(rest.map((i) => w[i * n + j]!)) / highest || 1;
      let sum = 0;
      for (const i of rest) sum += inSteps(x[row * k + i]!, step) * inSteps(w[i * n + j]!, columnStep);
      for (const i of float) sum += x[row * k + i]! * w[i * n + j]!;
      out.push(sum);
    }
  }
  return out;
}
