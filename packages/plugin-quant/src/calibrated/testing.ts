import { normal, seeded } from '@onnxpress/core';

/** Inputs [tokens, k] as layers have them, correlated and with channels of very different sizes, and a weight [k, n]. */
export function correlated(k: number, n: number, tokens: number): { readonly x: Float32Array; readonly w: Float32Array } {
  const random = seeded('correlated', k, n, tokens);
  const sizes = Array.from({ length: k }, () => Math.exp(normal(random)));
  const mixing = Array.from({ length: k * k }, () => normal(random) / Math.sqrt(k));
  const x = new Float32Array(tokens * k);
  for (let t = 0; t < tokens; t++) {
    const source = Array.from({ length: k }, () => normal(random));
    for (let i = 0; i < k; i++) {
      let sum = 0.5 * source[i]!;
      for (let j = 0; j < k; j++) sum += mixing[i * k + j]! * source[j]!;
      x[t * k + i] = sum * sizes[i]!;
    }
  }
  return { x, w: Float32Array.from({ length: k * n }, () => normal(random)) };
}

/** X^T X / tokens, in float64. */
export function gramOf(x: Float32Array, k: number): Float32Array {
  const tokens = x.length / k;
  return Float32Array.from({ length: k * k }, (_, at) => {
    const [i, j] = [Math.floor(at / k), at % k];
    let sum = 0;
    for (let t = 0; t < tokens; t++) sum += x[t * k + i]! * x[t * k + j]!;
    return sum / tokens;
  });
}
