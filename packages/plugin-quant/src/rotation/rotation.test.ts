import { normal, seeded } from '@onnxpress/core';
import { describe, expect, test } from 'vitest';
import { randomRotation } from './rotation.ts';

/** float64 sums of some hundred terms. */
const EXACT = 1e-12;

function matrixOf(width: number, keepsMean: boolean, seed = 'rotation'): Float64Array {
  const rows = new Float64Array(width * width);
  for (let i = 0; i < width; i++) rows[i * width + i] = 1;
  randomRotation(width, seeded(seed), { keepsMean }).apply(rows, width);
  return rows;
}

describe.each([1, 2, 6, 8, 12, 30, 48, 72, 96, 576])('of width %i', (width) => {
  test.each([false, true])('lengths and angles stay, keeping the mean: %s', (keepsMean) => {
    const m = matrixOf(width, keepsMean);
    let worst = 0;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < width; k++) dot += m[i * width + k]! * m[j * width + k]!;
        worst = Math.max(worst, Math.abs(dot - (i === j ? 1 : 0)));
      }
    }
    expect(worst).toBeLessThan(EXACT);
  });

  test('the mean of a vector is kept where that is asked for', () => {
    const random = seeded('vector');
    const x = Float64Array.from({ length: width }, () => normal(random) + 0.5);
    const mean = (v: Float64Array): number => v.reduce((a, b) => a + b, 0) / width;
    const before = mean(x);
    randomRotation(width, seeded('rotation'), { keepsMean: true }).apply(x, 1);
    expect(Math.abs(mean(x) - before)).toBeLessThan(EXACT);
  });
});

test.each([false, true])('one large channel is spread over all, keeping the mean: %s', (keepsMean) => {
  const width = 576;
  const largest = matrixOf(width, keepsMean).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(largest * Math.sqrt(width)).toBeLessThan(keepsMean ? 8 : 1 + EXACT); // 24 were it not spread
});

test('the same seed turns the same way, and another does not', () => {
  expect(matrixOf(12, false)).toEqual(matrixOf(12, false));
  expect(matrixOf(12, false)).not.toEqual(matrixOf(12, false, 'another'));
});
