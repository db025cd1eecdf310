import { expect, test } from 'vitest';
import { normalize, pool } from './pooling.ts';

/** Two texts of up to three tokens with two numbers each; 9 is what padding must not bring in. */
const right = { states: { data: Float32Array.of(1, 2, 3, 4, 9, 9, 5, 6, 7, 8, 0, 1), dims: [2, 3, 2] }, mask: Uint8Array.of(1, 1, 0, 1, 1, 1) };
const left = { states: { data: Float32Array.of(9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1), dims: [2, 3, 2] }, mask: Uint8Array.of(0, 1, 1, 1, 1, 1) };

test.each([['right', right], ['left', left]])('tokens are pooled without the padding on the %s', (_, { states, mask }) => {
  expect(pool(states, mask, 'mean')).toEqual(Float32Array.of(2, 3, 4, 5));
  expect(pool(states, mask, 'cls')).toEqual(Float32Array.of(1, 2, 5, 6));
  expect(pool(states, mask, 'last')).toEqual(Float32Array.of(3, 4, 0, 1));
});

test.each(['mean', 'cls', 'last'] as const)('a row that is all padding has a zero vector as its %s', (how) => {
  expect(pool({ data: Float32Array.of(9, 9, 9, 9), dims: [1, 2, 2] }, new Uint8Array(2), how)).toEqual(new Float32Array(2));
});

test('what padding holds does not matter, even if it is not a number', () => {
  expect(pool({ data: Float32Array.of(1, 2, NaN, NaN), dims: [1, 2, 2] }, Uint8Array.of(1, 0), 'mean')).toEqual(Float32Array.of(1, 2));
});

test('what the model pooled itself is copied as it is', () => {
  const data = Float32Array.of(1, 2, 3, 4);
  const pooled = pool({ data, dims: [2, 2] }, Uint8Array.of(1, 1, 1, 0), 'mean');
  expect(pooled).toEqual(data);
  expect(pooled).not.toBe(data);
});

test('the mean does not lose small numbers beside large ones', () => {
  const data = Float32Array.of(2 ** 24, ...new Array<number>(15).fill(1)); // in float32, 2 ** 24 + 1 is 2 ** 24
  expect(pool({ data, dims: [1, 16, 1] }, new Uint8Array(16).fill(1), 'mean')).toEqual(Float32Array.of((2 ** 24 + 15) / 16));
});

test.each([
  ['an output with four dimensions', [1, 1, 1, 4], 1, /shape \[1, 1, 1, 4\] cannot be pooled/],
  ['numbers that are missing', [1, 3, 2], 3, /has 4 numbers instead of 6/],
  ['the mask of another batch', [1, 2, 2], 3, /does not fit a mask of 3 tokens/],
])('%s is an error', (_, dims, tokens, message) => {
  expect(() => pool({ data: new Float32Array(4), dims }, new Uint8Array(tokens), 'mean')).toThrow(message);
});

test('normalized vectors have length one', () => {
  expect(normalize(Float32Array.of(3, 4, 0, -2), 2)).toEqual(Float32Array.of(0.6, 0.8, 0, -1));
});

test('the zero vector stays zero', () => {
  expect(normalize(new Float32Array(2), 2)).toEqual(new Float32Array(2));
});

test('vectors too large or too small to be squared in float32 are normalized all the same', () => {
  expect(normalize(Float32Array.of(3e38, 0, 1e-40, 0), 2)).toEqual(Float32Array.of(1, 0, 1, 0));
});

test('a width that does not divide the numbers is an error', () => {
  expect(() => normalize(new Float32Array(5), 2)).toThrow(/5 numbers are no whole number of vectors of width 2/);
});
