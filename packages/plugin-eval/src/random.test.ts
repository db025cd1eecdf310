import { seeded } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { shuffled, whole } from './random.ts';

test('whole numbers reach every value below the limit and none beyond', () => {
  const random = seeded('whole');
  expect([...new Set(Array.from({ length: 200 }, () => whole(random, 5)))].sort()).toEqual([0, 1, 2, 3, 4]);
});

test('a shuffle is a permutation, and each order is as likely as any other', () => {
  const random = seeded('shuffle');
  const orders = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = shuffled(3, random).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect([...orders.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
  // Each of the six is 1,000 with a standard deviation of 29.
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 29);
});
