import { withZero, type Range } from './grid.ts';
import type { Histogram } from './histogram.ts';

/** How the range of an activation is chosen from what was seen of it. */
export type CalibrationMethod = 'minmax' | 'average' | 'percentile' | 'entropy' | 'mse';

/** What calibration saw of an activation. */
export interface Seen {
  readonly histogram: Histogram;
  /** Least and largest number of each sample, in the mean over the samples. */
  readonly average: Range;
}

export interface CalibratorOptions {
  readonly method: CalibrationMethod;
  /** Of 'percentile': how much stays inside, in percent. */
  readonly percentile: number;
  /** Codes of a grid, less one. */
  readonly steps: number;
}

/** How far 'mse' and 'entropy' shrink a range, and in how many steps. */
const SHRINK = { to: 0.2, steps: 80 } as const;

/** The range to keep of an activation, zero always inside. */
export function rangeOf({ histogram, average }: Seen, { method, percentile, steps }: CalibratorOptions): Range {
  const all = histogram.max >= histogram.min ? withZero({ low: histogram.min, high: histogram.max }) : { low: 0, high: 0 };
  if (histogram.width === 0 || method === 'minmax') return all;
  if (method === 'average') return withZero(average);
  if (method === 'percentile') return percentileRange(histogram, all, percentile);
  const squared = squaredError(histogram);
  return leastOf(all, method === 'mse' ? (range) => squared(range, steps) : (range) => divergence(histogram, range, steps));
}

/** Cuts half of what is to stay outside off each end; within a step, numbers are taken to lie evenly. */
function percentileRange(histogram: Histogram, all: Range, percentile: number): Range {
  const { counts, bins, width, zeros } = histogram;
  const total = histogram.total;
  const tail = (total * (1 - percentile / 100)) / 2;
  const from = (start: number, by: 1 | -1): number => {
    let left = tail;
    for (let i = start; i >= 0 && i < 2 * bins; i += by) {
      const edge = (by > 0 ? i : i + 1) - bins; // where the step is entered
      if (edge * by >= 0) return 0; // half of all lies on the other side, or zeros do
      const count = counts[i]!;
      if (count > left) return (edge + (by * left) / count) * width;
      left -= count;
      if (edge + by === 0 && zeros > left) return 0;
    }
    return 0;
  };
  return { low: Math.max(all.low, Math.min(0, from(0, 1))), high: Math.min(all.high, Math.max(0, from(2 * bins - 1, -1))) };
}

/** The range of least error among shrunk ones: both ends together, then each alone. */
function leastOf(all: Range, errorOf: (range: Range) => number): Range {
  const parts = Array.from({ length: SHRINK.steps + 1 }, (_, i) => 1 - ((1 - SHRINK.to) * i) / SHRINK.steps);
  let best = { range: all, error: errorOf(all) };
  const consider = (range: Range): void => {
    const error = errorOf(range);
    if (error < best.error) best = { range, error };
  };
  for (const part of parts) consider({ low: all.low * part, high: all.high * part });
  for (const part of parts) consider({ low: all.low * part, high: best.range.high });
  for (const part of parts) consider({ low: best.range.low, high: all.high * part });
  return best.range;
}

/** Expected squared error of a range with so many steps, from running sums over the histogram: scale²/12 for each number inside, the square of what is cut off for those outside. */
export function squaredError({ counts, bins, width }: Histogram): (range: Range, steps: number) => number {
  const n = new Float64Array(2 * bins + 1);
  const sum = new Float64Array(2 * bins + 1);
  const square = new Float64Array(2 * bins + 1);
  for (let i = 0; i < 2 * bins; i++) {
    const x = (i + 0.5 - bins) * width;
    n[i + 1] = n[i]! + counts[i]!;
    sum[i + 1] = sum[i]! + counts[i]! * x;
    square[i + 1] = square[i]! + counts[i]! * x * x;
  }
  const all = 2 * bins;
  return ({ low, high }, steps) => {
    const [first, last] = [Math.max(0, Math.round(low / width) + bins), Math.min(all, Math.round(high / width) + bins)];
    const scale = (high - low) / steps;
    const beyond = (from: number, to: number, edge: number): number => square[to]! - square[from]! - 2 * edge * (sum[to]! - sum[from]!) + edge * edge * (n[to]! - n[from]!);
    return ((n[last]! - n[first]!) * scale * scale) / 12 + beyond(0, first, low) + beyond(last, all, high);
  };
}

/** Entropy calibration as TensorRT has it: KL(P ‖ Q), where P is the histogram inside the range with all outside counted at its ends; Q spreads each grid step's share over those of its bins that hold anything. */
export function divergence({ counts, bins, width }: Histogram, { low, high }: Range, steps: number): number {
  const [first, last] = [Math.max(0, Math.floor(low / width) + bins), Math.min(2 * bins, Math.ceil(high / width) + bins)];
  const inside = counts.subarray(first, last);
  const p = Float64Array.from(inside);
  if (p.length === 0) return Infinity;
  for (let i = 0; i < first; i++) p[0]! += counts[i]!;
  for (let i = last; i < 2 * bins; i++) p[p.length - 1]! += counts[i]!;
  const levels = Math.min(steps + 1, p.length);
  const q = new Float64Array(p.length);
  for (let level = 0; level < levels; level++) {
    const [from, to] = [Math.floor((level * p.length) / levels), Math.floor(((level + 1) * p.length) / levels)];
    let [sum, held] = [0, 0];
    for (let i = from; i < to; i++) [sum, held] = [sum + inside[i]!, held + (p[i]! > 0 ? 1 : 0)];
    for (let i = from; i < to; i++) if (p[i]! > 0) q[i] = sum / held;
  }
  const [allOfP, allOfQ] = [p.reduce((a, b) => a + b, 0), q.reduce((a, b) => a + b, 0)];
  let result = 0;
  for (let i = 0; i < p.length; i++) if (p[i]! > 0) result += (p[i]! / allOfP) * Math.log(p[i]! / allOfP / Math.max(q[i]! / allOfQ, 1e-12));
  return result;
}
