import { expect, test } from 'vitest';
import { thinned } from './thinned.ts';

const layer = { w: Float32Array.from({ length: 10 }, (_, i) => i), k: 2, n: 5, name: 'up' };

test('every other output is kept where half of them are enough', () => {
  expect(thinned(layer, 3)).toEqual({ w: Float32Array.of(0, 2, 4, 5, 7, 9), k: 2, n: 3, name: 'up' });
});

test('a layer that has few outputs stays', () => {
  expect(thinned(layer, 5)).toBe(layer);
});
