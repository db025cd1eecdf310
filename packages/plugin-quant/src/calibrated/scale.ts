import { changeByRounding } from './codes.ts';
import { gridOf, type GridOptions } from './grid.ts';
import { quadratic } from './solve.ts';
import { thinned } from './thinned.ts';

/** A weight [K, N] that reads the channels, and the second moments of its inputs, [K, K]. */
export interface ScaledLayer {
  readonly w: Float32Array;
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly gram: Float32Array;
}

export interface ScaleChoice {
  /** By which the weights of a channel are multiplied, and the channel divided. All 1 where nothing was better. */
  readonly scale: Float64Array;
  /** The squared error of the layers' outputs with it, relative to that of quantizing without. */
  readonly gain: number;
}

/** Exponents that are tried: 0 is no scale but where weights have a say. */
const STEPS = 20;

/** Outputs of a layer that the search looks at, spread evenly: the choice among some dozen scales needs no more. */
const OUTPUTS = 384;

/**
 * The scale search of AWQ (Lin et al., arXiv 2306.00978): per channel s = mean|x|^r, or mean|x|^r / mean|w|^(1-r) with |w| relative to the largest of its
 * block, normed to the middle of its range; the r whose quantized layers differ least in their outputs, by the very quantizer that is used afterwards. Since the
 * error of a candidate is tr(D^T G D), the second moments stand for the data.
 */
export async function awqScale(layers: readonly ScaledLayer[], magnitude: Float64Array, channelOf: (input: number) => number, { block, mode, scales }: Omit<GridOptions, 'search' | 'bits'>, signal?: AbortSignal): Promise<ScaleChoice> {
  const parts = layers.map((l) => thinned(l, OUTPUTS)).map((part) => ({ ...part, scaled: new Float32Array(part.w.length), product: new Float32Array(part.w.length) })); // room that all candidates share
  const weights = weightMagnitude(parts, channelOf, magnitude.length, block);
  const none = new Float64Array(magnitude.length).fill(1);
  const without = await errorOf(none);
  let best: ScaleChoice = { scale: none, gain: 1 };
  for (let step = 0; step <= STEPS; step++) {
    const r = step / STEPS;
    for (const by of [(c: number) => magnitude[c]! ** r, (c: number) => magnitude[c]! ** r / (weights[c]! ** (1 - r) + 1e-4)]) {
      const scale = normed(Float64Array.from(magnitude, (_, c) => Math.max(1e-4, by(c))));
      const gain = (await errorOf(scale)) / without;
      if (gain < best.gain) best = { scale, gain };
    }
  }
  return best;

  async function errorOf(scale: Float64Array): Promise<number> {
    let sum = 0;
    for (const { w, k, n, bits, gram, scaled, product } of parts) {
      for (let i = 0; i < k; i++) for (let j = 0, s = scale[channelOf(i)]!; j < n; j++) scaled[i * n + j] = w[i * n + j]! * s;
      const form = { block, mode, scales, bits, k, n };
      const off = changeByRounding(scaled, gridOf(scaled, k, n, form), form);
      for (let i = 0; i < k; i++) for (let j = 0, s = scale[channelOf(i)]!; j < n; j++) off[i * n + j]! /= s;
      sum += await quadratic(off, [k, n], gram, signal, product);
    }
    return sum;
  }
}

/** Divided by the root of largest times least; what is no number becomes 1. */
function normed(scale: Float64Array): Float64Array {
  let [least, largest] = [Infinity, 0];
  for (const s of scale) [least, largest] = [Math.min(least, s), Math.max(largest, s)];
  const middle = Math.sqrt(least * largest);
  // float32, as the model will hold it
  return scale.map((s) => (Number.isFinite(s / middle) && s > 0 ? Math.fround(s / middle) : 1));
}

/** For each channel the mean over all outputs of |w| relative to the largest of its block. */
function weightMagnitude(layers: readonly ScaledLayer[], channelOf: (input: number) => number, channels: number, block: number): Float64Array {
  const [sums, counts] = [new Float64Array(channels), new Float64Array(channels)];
  for (const { w, k, n } of layers) {
    for (let from = 0; from < k; from += block) {
      const to = Math.min(k, from + block);
      const largest = new Float64Array(n);
      for (let i = from; i < to; i++) for (let j = 0; j < n; j++) largest[j] = Math.max(largest[j]!, Math.abs(w[i * n + j]!));
      for (let i = from; i < to; i++) {
        const c = channelOf(i);
        for (let j = 0; j < n; j++) sums[c]! += largest[j]! > 0 ? Math.abs(w[i * n + j]!) / largest[j]! : 0;
        counts[c]! += n;
      }
    }
  }
  return sums.map((sum, c) => sum / (counts[c]! || 1));
}
