import { int8Columns, int8Rows, productError, type ActivationScales } from './int8-error.ts';
import { thinned } from './thinned.ts';

export interface SmoothedLayer {
  readonly w: Float32Array;
  readonly k: number;
  readonly n: number;
  /** Rows of its input, [rows, K]. */
  readonly x: Float32Array;
}

export interface Smoothing {
  /** By which a channel is divided and the weights that read it are multiplied. */
  readonly scale: Float64Array;
  readonly alpha: number;
  /** Squared error of the layers' outputs in 8 bits with it, relative to without. */
  readonly gain: number;
}

/** Alphas that `auto` tries. Below a quarter hardly anything moves; at 1 weights carry all of it. */
const ALPHAS = [0.25, 0.35, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/** Outputs of a layer that are looked at, spread evenly. */
const OUTPUTS = 256;

/** Scales beyond it only move the trouble. */
const LIMIT = 1e3;

/**
 * SmoothQuant (Xiao et al., arXiv 2211.10438): s = max|x|^alpha / max|w|^(1-alpha) per channel, over all weights that read it; 1 where either is 0. `alphas`: one,
 * or 'auto' for the one whose outputs in 8 bits differ least on the given rows.
 */
export async function smoothing(layers: readonly SmoothedLayer[], largest: Float64Array, channelOf: (input: number) => number, given: number | 'auto', per: ActivationScales, signal?: AbortSignal): Promise<Smoothing> {
  const parts = layers.map((l) => thinned(l, OUTPUTS));
  const weights = new Float64Array(largest.length);
  for (const { w, k, n } of layers) for (let i = 0; i < k; i++) for (let j = 0, c = channelOf(i); j < n; j++) weights[c] = Math.max(weights[c]!, Math.abs(w[i * n + j]!));
  const without = await errorOf(new Float64Array(largest.length).fill(1));
  let best: Smoothing | undefined;
  for (const alpha of given === 'auto' ? ALPHAS : [given]) {
    const scale = Float64Array.from(largest, (x, c) => bounded(x ** alpha / weights[c]! ** (1 - alpha)));
    const gain = without > 0 ? (await errorOf(scale)) / without : 1;
    if (!best || gain < best.gain) best = { scale, alpha, gain };
  }
  return best!; // there is an alpha

  async function errorOf(scale: Float64Array): Promise<number> {
    let sum = 0;
    for (const { w, k, n, x } of parts) {
      const rows = x.length / k;
      const divided = x.map((v, at) => v / scale[channelOf(at % k)]!);
      const multiplied = w.map((v, at) => v * scale[channelOf(Math.floor(at / n))]!);
      sum += await productError([x, w], [int8Rows(divided, k, per), int8Columns(multiplied, k, n)], [rows, k, n], signal);
    }
    return sum;
  }
}

/** float32, as the model will hold it. */
const bounded = (s: number): number => (Number.isFinite(s) && s > 0 ? Math.fround(Math.min(LIMIT, Math.max(1 / LIMIT, s))) : 1);
