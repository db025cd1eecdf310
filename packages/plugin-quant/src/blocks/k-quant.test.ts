import { fromFloat16, toFloat16, type BlockMode } from '@onnxpress/kernels';
import { describe, expect, test } from 'vitest';
import { nearestCodes, valuesOf } from '../calibrated/codes.ts';
import { gridOf } from '../calibrated/grid.ts';
import { kQuantGrid } from './k-quant.ts';

const [K, N] = [70, 6];
const modes: readonly BlockMode[] = ['asymmetric', 'symmetric', 'full-range'];
/** Numbers like weights, a column of small ones, one of positive ones, one that is constant, one of zeros. */
const w = Float32Array.from({ length: K * N }, (_, at) => {
  const [i, j] = [Math.floor(at / N), at % N];
  const wave = Math.sin(i * 12.9898 + j) + Math.sin(i * 78.233) / 2;
  return [wave, wave * 1e-3, 0.05 + 0.01 * Math.abs(wave), 0.05, 0, wave ** 3][j]!;
});
const importance = Float32Array.from({ length: K }, (_, i) => 1 + (i % 9 === 0 ? 50 : 0));
const errorOf = (values: Float32Array, j: number, weigh: (i: number) => number): number => Array.from({ length: K }, (_, i) => weigh(i) * (values[i * N + j]! - w[i * N + j]!) ** 2).reduce((a, b) => a + b);

describe.each(modes)('%s', (mode) => {
  test.each([2, 3, 4, 8])('no column is worse than rounded, by the weighted error of what is stored: %i bits', (bits) => {
    for (const scales of ['float32', 'float16'] as const) {
      const form = { k: K, n: N, bits, block: 32, mode, scales };
      const plain = valuesOf(nearestCodes(w, gridOf(w, K, N, form), form), form);
      const fitted = valuesOf(nearestCodes(w, kQuantGrid(w, K, N, form, importance), form), form);
      for (let j = 0; j < N; j++) expect(errorOf(fitted, j, (i) => importance[i]!)).toBeLessThanOrEqual(errorOf(plain, j, (i) => importance[i]!) * (1 + 1e-6) + 1e-12); // float32 quotients round ties otherwise than float64 ones
    }
  });

  test('scales are those that float16 holds', () => {
    const { scales } = kQuantGrid(w, K, N, { bits: 4, block: 32, mode, scales: 'float16' });
    expect(scales).toEqual(fromFloat16(toFloat16(scales)));
  });
});

test('a constant block keeps its value', () => {
  const form = { k: K, n: N, bits: 4, block: 32, mode: 'asymmetric', scales: 'float32' } as const;
  const values = valuesOf(nearestCodes(w, kQuantGrid(w, K, N, form), form), form);
  for (let i = 0; i < K; i++) expect(values[i * N + 3]).toBeCloseTo(0.05, 6);
});

test('weighed by importance, the error that counts falls by a tenth and more', () => {
  const form = { k: K, n: N, bits: 3, block: 32, mode: 'asymmetric', scales: 'float32' } as const;
  const total = (grid: ReturnType<typeof gridOf>): number => {
    const values = valuesOf(nearestCodes(w, grid, form), form);
    return [0, 5].reduce((sum, j) => sum + errorOf(values, j, (i) => importance[i]!), 0);
  };
  expect(total(kQuantGrid(w, K, N, form, importance))).toBeLessThan(0.9 * total(gridOf(w, K, N, form)));
});
