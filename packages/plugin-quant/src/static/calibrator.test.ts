import { normal, seeded } from '@onnxpress/core';
import { describe, expect, test } from 'vitest';
import { divergence, rangeOf, squaredError, type CalibrationMethod, type Seen } from './calibrator.ts';
import { gridOf, halfToEven } from './grid.ts';
import { Histogram } from './histogram.ts';

const STEPS = 255;
const random = seeded('calibrator');
/** Bulk and a long tail on the right, some of it zero, as behind an activation function. */
const numbers = Float32Array.from({ length: 20000 }, (_, i) => (i % 5 === 0 ? 0 : i % 4000 === 1 ? 30 + i / 4000 : normal(random)));

function seenOf(...samples: readonly Float32Array[]): Seen {
  const histogram = new Histogram();
  const ends = samples.map((x) => histogram.add(x));
  const mean = (at: 0 | 1): number => ends.reduce((sum, e) => sum + e[at], 0) / ends.length;
  return { histogram, average: { low: mean(0), high: mean(1) } };
}

const range = (method: CalibrationMethod, seen = seenOf(numbers), percentile = 99.9): ReturnType<typeof rangeOf> => rangeOf(seen, { method, percentile, steps: STEPS });

/** Mean squared error of a grid, number by number. */
function errorOf(x: Float32Array, { low, high }: { low: number; high: number }): number {
  const { scale, zeroPoint } = gridOf({ low, high }, { type: 'uint8', symmetric: false });
  return x.reduce((sum, v) => sum + (v - (Math.min(255, Math.max(0, halfToEven(v / scale) + zeroPoint)) - zeroPoint) * scale) ** 2, 0) / x.length;
}

test('every method keeps zero inside, also of numbers that are all on one side of it', () => {
  const positive = Float32Array.from({ length: 1000 }, (_, i) => 5 + i / 1000);
  for (const method of ['minmax', 'average', 'percentile', 'entropy', 'mse'] as const) {
    expect(range(method, seenOf(positive)).low).toBe(0);
    expect(range(method, seenOf(positive.map((v) => -v))).high).toBe(0);
    expect(range(method, seenOf(new Float32Array(4)))).toEqual({ low: 0, high: 0 });
  }
});

test('minmax is all that was seen, average the mean of the samples\' ends', () => {
  const seen = seenOf(Float32Array.of(-1, 3), Float32Array.of(-3, 9));
  expect(range('minmax', seen)).toEqual({ low: -3, high: 9 });
  expect(range('average', seen)).toEqual({ low: -2, high: 6 });
});

describe('percentile', () => {
  test('cuts off what sorting all numbers cuts off, to a step of the histogram', () => {
    const seen = seenOf(numbers);
    const sorted = [...numbers].sort((a, b) => a - b);
    for (const percentile of [99, 99.9, 99.99]) {
      const tail = (numbers.length * (1 - percentile / 100)) / 2;
      const { low, high } = range('percentile', seen, percentile);
      expect(Math.abs(low - sorted[Math.floor(tail)]!)).toBeLessThanOrEqual(2 * seen.histogram.width);
      expect(Math.abs(high - sorted[sorted.length - 1 - Math.floor(tail)]!)).toBeLessThanOrEqual(2 * seen.histogram.width);
    }
  });

  test('of 100 is all that was seen', () => expect(range('percentile', seenOf(numbers), 100)).toEqual(range('minmax')));

  test('half zeros leave a range that ends at zero', () => {
    const half = Float32Array.from({ length: 1000 }, (_, i) => (i < 600 ? 0 : i));
    expect(range('percentile', seenOf(half), 60)).toMatchObject({ low: 0 });
  });
});

describe('mse', () => {
  /** The error is estimated by the variance of evenly spread rounding, from bins. */
  const ESTIMATE = 1.1;

  test('finds nearly the least error of all pairs of ends, number by number', () => {
    const all = range('minmax');
    let least = Infinity;
    for (let i = 60; i <= 100; i += 10) for (let j = 10; j <= 100; j += 5) least = Math.min(least, errorOf(numbers, { low: (all.low * i) / 100, high: (all.high * j) / 100 }));
    expect(errorOf(numbers, range('mse'))).toBeLessThan(ESTIMATE * least);
    expect(errorOf(numbers, range('mse'))).toBeLessThan(errorOf(numbers, all));
  });

  test('the estimate is the error', () => {
    const { histogram } = seenOf(numbers);
    for (const high of [3, 10, 30]) {
      const r = { low: -3, high };
      const estimated = squaredError(histogram)(r, STEPS) / numbers.length;
      expect(estimated / errorOf(numbers, r)).toBeGreaterThan(1 / ESTIMATE);
      expect(estimated / errorOf(numbers, r)).toBeLessThan(ESTIMATE);
    }
  });
});

describe('entropy', () => {
  /** KL(P ‖ Q) from the numbers themselves, by the definition, over the same bins. */
  function plain(x: Float32Array, r: { low: number; high: number }, width: number, levels: number): number {
    const first = Math.floor(r.low / width);
    const count = Math.ceil(r.high / width) - first;
    const inside = Array<number>(count).fill(0);
    const p = Array<number>(count).fill(0);
    for (const v of x) {
      if (v === 0) continue;
      const at = Math.floor(v / width) - first;
      p[Math.min(count - 1, Math.max(0, at))]!++;
      if (at >= 0 && at < count) inside[at]!++;
    }
    const groups = Array.from({ length: levels }, (_, l) => Array.from({ length: count }, (_, i) => i).filter((i) => i >= Math.floor((l * count) / levels) && i < Math.floor(((l + 1) * count) / levels)));
    const q = Array<number>(count).fill(0);
    for (const group of groups) {
      const held = group.filter((i) => p[i]! > 0);
      for (const i of held) q[i] = group.reduce((sum, j) => sum + inside[j]!, 0) / held.length;
    }
    const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
    return total(p.map((v, i) => (v === 0 ? 0 : (v / total(p)) * Math.log(v / total(p) / Math.max(1e-12, q[i]! / total(q))))));
  }

  test('the divergence is that of the definition', () => {
    const few = numbers.slice(0, 3000);
    const histogram = new Histogram(64);
    histogram.add(few);
    for (const high of [31, 10, 3]) expect(divergence(histogram, { low: -3, high }, 15)).toBeCloseTo(plain(few, { low: -3, high }, histogram.width, Math.min(16, Math.ceil(high / histogram.width) - Math.floor(-3 / histogram.width))), 9);
  });

  test('cuts a thin tail off where codes are few', () => {
    const { low, high } = rangeOf(seenOf(numbers), { method: 'entropy', percentile: 100, steps: 15 });
    expect(high).toBeLessThan(28);
    expect(low).toBeLessThan(0);
  });
});
