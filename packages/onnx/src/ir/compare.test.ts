import { expect, test } from 'vitest';
import { equalTensors, hashTensor } from './compare.ts';
import { fromReader, memoryTensor, reshaped } from './tensor.ts';
import { float32s, int64s, tensorOf } from './values.ts';

const base = float32s([2], [1, 2]);

test.each([
  ['the same numbers', float32s([2], [1, 2]), true],
  ['another number', float32s([2], [1, 3]), false],
  ['another shape', reshaped(base, [2, 1]), false],
  ['another type of the same bytes', memoryTensor('int32', [2], base.bytes()), false],
])('%s', (_, other, equal) => {
  expect(equalTensors(base, other)).toBe(equal);
  expect(hashTensor(base) === hashTensor(other)).toBe(equal);
});

test('bytes count, not values', () => {
  expect(equalTensors(float32s([1], [0]), float32s([1], [-0]))).toBe(false);
  expect(equalTensors(float32s([1], [NaN]), float32s([1], [NaN]))).toBe(true);
});

test('empty tensors are equal', () => {
  expect(equalTensors(int64s([]), int64s([]))).toBe(true);
});

test('a difference far behind is found', () => {
  const long = (last: number) =>
    fromReader('uint8', [20_000_000], 20_000_000, (into, offset) => {
      into.fill(1);
      if (offset + into.length === 20_000_000) into[into.length - 1] = last;
      return into.length;
    });
  expect(equalTensors(long(1), long(1))).toBe(true);
  expect(equalTensors(long(1), long(2))).toBe(false);
  expect(hashTensor(long(1))).not.toBe(hashTensor(long(2)));
});

test('the hash stays what it was', () => {
  expect(hashTensor(tensorOf('uint8', [3], [97, 98, 99]))).toBe('1144236b0285670b521cbdf68340345343b1fe62ca46fe7ede3f9d61b25b4b42');
});
