import { expect, test } from 'vitest';
import { cosineOf, greatest, least, mean, quantile } from './statistics.ts';

/** Sums in another order. */
const rounding = 12;

test('the cosine is that of the angle, whatever the lengths', () => {
  expect(cosineOf([1, 0], [5, 5])).toBeCloseTo(Math.SQRT1_2, rounding);
  expect(cosineOf([1, 2], [-3, -6])).toBeCloseTo(-1, rounding);
});

test('two zero vectors agree, and a zero vector is at a right angle to any other', () => {
  expect(cosineOf([0, 0], [0, 0])).toBe(1);
  expect(cosineOf([0, 0], [1, 0])).toBe(0);
});

test('a vector that is not finite agrees with nothing', () => {
  expect(cosineOf([NaN, 1], [1, 1])).toBe(0);
  expect(cosineOf([Infinity, 1], [Infinity, 1])).toBe(0);
});

test('quantiles interpolate between neighbours', () => {
  expect(quantile([30, 10, 20, 40], 0.5)).toBe(25);
  expect(quantile([1, 2, 3, 4, 5], 0.95)).toBeCloseTo(4.8, rounding);
  expect(quantile([7], 0.95)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test('the least and the greatest of very many values are found', () => {
  const many = Array.from({ length: 300_000 }, (_, index) => index);
  expect([least(many), greatest(many)]).toEqual([0, 299_999]);
  expect(mean([1, 2, 6])).toBe(3);
});
