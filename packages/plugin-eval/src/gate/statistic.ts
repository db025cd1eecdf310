import { quantileOfSorted } from '../statistics.ts';
import type { Statistic } from './bootstrap.ts';

/** What a metric makes of its examples: a metric whose name ends in a percentile, as latency.p95 does, that percentile; any other their mean. */
export function percentileOf(metric: string): number | undefined {
  const found = /\.p(\d{1,2})$/.exec(metric)?.[1];
  return found === undefined ? undefined : Number(found) / 100;
}

/** What all examples make of a metric that is no percentile: their mean, or for perplexities, which are powers of a mean, the mean of the exponents as a power. */
function summed(metric: string): (values: Float64Array) => number {
  if (metric !== 'perplexity' && !metric.endsWith('.perplexity')) return meanOf;
  return (values) => Math.exp(meanOf(values.map(Math.log)));
}

/** The result's number alone, for bounds that are numbers. */
export function ofResult(metric: string): Statistic {
  const share = percentileOf(metric);
  const sum = summed(metric);
  return share === undefined ? (_, result) => sum(result) : (_, result) => quantileOfSorted(result.sort(), share);
}

/**
 * The result's number as a share of the original's. For a median it is the median of the paired ratios instead: the two of a pair were taken
 * one after the other, so what slowed the machine slowed both.
 */
export function ofRatio(metric: string): Statistic {
  const share = percentileOf(metric);
  const sum = summed(metric);
  if (share === undefined) return (original, result) => ratio(sum(result), sum(original));
  if (share === 0.5) return (original, result) => quantileOfSorted(result.map((value, index) => ratio(value, original[index]!)).sort(), share);
  return (original, result) => ratio(quantileOfSorted(result.sort(), share), quantileOfSorted(original.sort(), share));
}

/** A resample may draw zeros alone: nothing lost of nothing is all of it. */
function ratio(result: number, original: number): number {
  return result === original ? 1 : result / original;
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!; // ten times as fast as an iterator, and called ten thousand times
  return sum / values.length;
}
