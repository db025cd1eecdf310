import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepOfPair, truncate } from './truncate.ts';

test('a pair that fits is kept', () => {
  expect(keepOfPair([3, 4], 7)).toEqual([3, 4]);
});

test('the longer one gives way while the shorter one is within its half', () => {
  expect(keepOfPair([2, 9], 6)).toEqual([2, 4]);
  expect(keepOfPair([9, 2], 6)).toEqual([4, 2]);
});

test('two long texts share the room, the longer or else the second taking the odd token', () => {
  expect(keepOfPair([8, 9], 5)).toEqual([2, 3]);
  expect(keepOfPair([9, 8], 5)).toEqual([3, 2]);
  expect(keepOfPair([9, 9], 5)).toEqual([2, 3]);
});

test('a pair fills exactly the room it is given, and no text grows', () => {
  fc.assert(fc.property(fc.nat(50), fc.nat(50), fc.nat(60), (a, b, room) => {
    const [keepA, keepB] = keepOfPair([a, b], room);
    expect(keepA + keepB).toBe(Math.min(a + b, room));
    expect(keepA).toBeLessThanOrEqual(a);
    expect(keepB).toBeLessThanOrEqual(b);
  }));
});

test('truncation takes tokens from the side it is told', () => {
  expect(truncate([1, 2, 3], 2, 'right')).toEqual([1, 2]);
  expect(truncate([1, 2, 3], 2, 'left')).toEqual([2, 3]);
  expect(truncate([1, 2, 3], 0, 'left')).toEqual([]);
  expect(truncate([1, 2, 3], 3, 'left')).toEqual([1, 2, 3]);
});
