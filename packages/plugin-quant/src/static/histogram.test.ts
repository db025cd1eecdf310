import { normal, seeded } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

const random = seeded('histogram');
const numbers = Float32Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? 0 : normal(random) * 10 ** (i / 2500)));

/** Counts by one look at all numbers, with the width that their range asks for. */
function plain(x: Float32Array, bins: number): { width: number; counts: number[] } {
  const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  let width = 2 ** -40;
  while (largest >= bins * width) width *= 2;
  const counts = Array<number>(2 * bins).fill(0);
  for (const v of x) if (v !== 0) counts[Math.floor(v / width) + bins]!++;
  return { width, counts };
}

test('counts are those of a histogram that knew the range beforehand, however the numbers came', () => {
  const expected = plain(numbers, 64);
  for (const parts of [[0, 5000], [0, 1, 10, 100, 5000], [0, 2500, 5000]]) {
    const histogram = new Histogram(64);
    for (let i = 1; i < parts.length; i++) histogram.add(numbers.slice(parts[i - 1], parts[i]));
    expect(histogram.width).toBe(expected.width);
    expect([...histogram.counts]).toEqual(expected.counts);
    expect(histogram.total).toBe(5000);
  }
});

test('the order of the numbers does not matter', () => {
  const [forth, back] = [new Histogram(64), new Histogram(64)];
  for (const v of numbers) forth.add(Float32Array.of(v));
  for (const v of [...numbers].reverse()) back.add(Float32Array.of(v));
  expect(back).toEqual(forth);
});

test('zeros are counted apart, and nothing but zeros has no width', () => {
  const histogram = new Histogram();
  expect(histogram.add(new Float32Array(3))).toEqual([0, 0]);
  expect([histogram.width, histogram.zeros, histogram.min, histogram.max]).toEqual([0, 3, 0, 0]);
});

test('marks of masks are no numbers: -3.4e38 and infinities do not widen the range', () => {
  const histogram = new Histogram();
  histogram.add(Float32Array.of(-3.4028234663852886e38, -Infinity, Infinity, 3.4e38, -2, 5));
  expect([histogram.min, histogram.max, histogram.total]).toEqual([-2, 5, 2]);
});

test('rows of padding are left out', () => {
  const histogram = new Histogram();
  expect(histogram.add(Float32Array.of(1, 2, 100, -100), 2, Uint8Array.of(1, 0))).toEqual([1, 2]);
  expect([histogram.min, histogram.max, histogram.total]).toEqual([1, 2, 2]);
});

test('powers of two, at which steps begin, fall into the step that begins there', () => {
  for (const v of [1, -1, 2 ** -126, 2 ** 99, 1.5]) {
    const histogram = new Histogram(8);
    histogram.add(Float32Array.of(v));
    const at = histogram.counts.indexOf(1) - 8;
    expect(at * histogram.width <= v && v < (at + 1) * histogram.width).toBe(true);
  }
});
