import { expect, test } from 'vitest';
import { hadamard, hadamardOrders } from './hadamard.ts';

test.each([2, 12, 20, 28, 36, 44, 60, 76, 84, 108, 140])('the matrix of order %i is orthogonal, and its entries have one magnitude', (order) => {
  const h = hadamard(order);
  for (let i = 0; i < order; i++) {
    for (let j = 0; j < order; j++) {
      let dot = 0;
      for (let k = 0; k < order; k++) dot += h[i * order + k]! * h[j * order + k]!;
      expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-12);
    }
  }
  expect(h.every((v) => Math.abs(Math.abs(v) - 1 / Math.sqrt(order)) < 1e-15)).toBe(true);
});

test('widths of models are products of known orders', () => {
  for (const width of [64, 384, 512, 576, 640, 768, 896, 960, 1024, 1280, 1536, 2048, 2304, 2560, 2880, 3072, 3584, 4096, 5120, 6144, 6656, 8192]) {
    const orders = hadamardOrders(width);
    expect(orders?.reduce((a, b) => a * b, 1), String(width)).toBe(width);
  }
});

test('a width that is no multiple of four beyond two has none', () => {
  expect([6, 10, 100 / 4, 1].map(hadamardOrders)).toEqual([undefined, undefined, undefined, []]);
});
