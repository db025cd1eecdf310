import { expect, test } from 'vitest';
import { failure } from '../testing/failure.ts';
import { attr } from './attr.ts';

test('integers are numbers where that is exact, and bigints beyond', () => {
  expect(attr.ints([1n, 2 ** 53, -(2n ** 63n), 2n ** 63n - 1n])).toEqual({ type: 'ints', value: [1, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n] });
});

test.each([1.5, NaN, Infinity, 2n ** 63n, -(2n ** 63n) - 1n, 2 ** 64])('%s is no integer of an attribute', (value) => {
  expect([failure(() => attr.int(value)).code, failure(() => attr.ints([value])).code]).toEqual(['bad-edit', 'bad-edit']);
});

test('a float has the precision of the file', () => {
  expect(attr.float(0.1)).toEqual({ type: 'float', value: Math.fround(0.1) });
});
