import { normal, seeded } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { whole } from '../random.ts';
import { mean, quantile } from '../statistics.ts';
import { bootstrap } from './bootstrap.ts';
import { ofRatio, ofResult } from './statistic.ts';

/** Two bootstraps with other draws: the ends of an interval wobble by about a fiftieth of its width. */
const wobble = 0.06;

function sample(n: number, noise: number): readonly [original: number[], result: number[]] {
  const random = seeded('sample', n, noise);
  const original = Array.from({ length: n }, () => 1 + 0.5 * normal(random));
  return [original, original.map((value) => 0.98 * value + noise * normal(random))];
}

/** Written as one would explain it, with draws of its own. */
function naive(original: number[], result: number[], confidence: number): readonly [number, number] {
  const random = seeded('naive');
  const ratios: number[] = [];
  for (let i = 0; i < 4000; i++) {
    const chosen = original.map(() => whole(random, original.length));
    ratios.push(mean(chosen.map((j) => result[j]!)) / mean(chosen.map((j) => original[j]!)));
  }
  return [quantile(ratios, (1 - confidence) / 2), quantile(ratios, (1 + confidence) / 2)];
}

test('the interval of a ratio of means is that of a plain bootstrap', () => {
  const [original, result] = sample(120, 0.1);
  const [low, high] = naive(original, result, 0.95);
  const interval = bootstrap(original, result, ofRatio('ndcg@10'), 0.95);
  expect(Math.abs(interval.low - low)).toBeLessThan(wobble * (high - low));
  expect(Math.abs(interval.high - high)).toBeLessThan(wobble * (high - low));
});

test('the interval of a mean is the normal one, 1.96 standard errors to each side', () => {
  const [, result] = sample(400, 0.1);
  const middle = mean(result);
  const error = Math.sqrt(mean(result.map((value) => (value - middle) ** 2)) / result.length);
  const interval = bootstrap(result, result, ofResult('ndcg@10'), 0.95);
  expect(Math.abs(interval.low - (middle - 1.96 * error))).toBeLessThan(wobble * 4 * error);
  expect(Math.abs(interval.high - (middle + 1.96 * error))).toBeLessThan(wobble * 4 * error);
});

test('numbers of one example stay together: what differs between examples alone does not widen the interval', () => {
  const [original] = sample(100, 0);
  const interval = bootstrap(original, original.map((value) => value * 0.9), ofRatio('ndcg@10'), 0.95);
  const rounding = 1e-12;
  expect(Math.abs(interval.low - 0.9)).toBeLessThan(rounding);
  expect(Math.abs(interval.high - 0.9)).toBeLessThan(rounding);
});

test('more confidence makes a wider interval', () => {
  const [original, result] = sample(80, 0.2);
  const [narrow, wide] = [0.8, 0.99].map((confidence) => bootstrap(original, result, ofRatio('map'), confidence));
  expect(wide!.low).toBeLessThan(narrow!.low);
  expect(wide!.high).toBeGreaterThan(narrow!.high);
});

test('the same numbers give the same interval', () => {
  const [original, result] = sample(30, 0.2);
  expect(bootstrap(original, result, ofRatio('map'), 0.95)).toEqual(bootstrap(original, result, ofRatio('map'), 0.95));
});

test('the interval holds the truth about as often as it says', () => {
  const random = seeded('coverage');
  let held = 0;
  const trials = 100;
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from({ length: 40 }, () => 3 + normal(random));
    const { low, high } = bootstrap(values, values, ofResult('score'), 0.9);
    if (low <= 3 && 3 <= high) held++;
  }
  // 90 of 100, with a standard deviation of 3; percentile intervals of 40 examples are a little short.
  expect(Math.abs(held - 0.9 * trials)).toBeLessThan(4 * 3);
});

test('what is given is not reordered', () => {
  const times = [5, 1, 3];
  bootstrap(times, times, ofRatio('latency.p95'), 0.95);
  expect(times).toEqual([5, 1, 3]);
});
