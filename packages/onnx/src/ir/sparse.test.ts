import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DType } from './dtype.ts';
import { sparseTensor } from './sparse.ts';
import { isSparse } from './tensor.ts';
import { float32sOf, int64s, tensorOf } from './values.ts';

const values = (dtype: DType, list: number[]) => tensorOf(dtype, [list.length], list);

test('positions in the flattened tensor', () => {
  const t = sparseTensor([2, 3], values('float32', [5, 7]), int64s([1, 5]));
  expect([...float32sOf(t)]).toEqual([0, 5, 0, 0, 0, 7]);
  expect([t.dtype, t.dims, t.byteLength, isSparse(t)]).toEqual(['float32', [2, 3], 24, true]);
});

test('coordinates', () => {
  const t = sparseTensor([2, 3], values('float32', [5, 7]), int64s([0, 1, 1, 2], [2, 2]));
  expect([...float32sOf(t)]).toEqual([0, 5, 0, 0, 0, 7]);
});

test('nothing written down is all zeros', () => {
  expect([...float32sOf(sparseTensor([2], values('float16', []), int64s([])))]).toEqual([0, 0]);
});

test.each(['float32', 'float16', 'uint8', 'int4', 'int2', 'int64'] as const)('%s: any range is the same part of the dense form', (dtype) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 1), { minLength: 1, maxLength: 40 }), fc.nat(100), fc.nat(50), (dense, offset, length) => {
      const positions = dense.flatMap((value, i) => (value === 0 ? [] : [i]));
      const t = sparseTensor([dense.length], values(dtype, positions.map(() => 1)), int64s(positions));
      const whole = values(dtype, dense).bytes();
      expect(t.bytes()).toEqual(whole);
      const into = new Uint8Array(length).fill(99);
      const got = t.read(into, offset);
      expect(into.subarray(0, got)).toEqual(whole.subarray(offset, offset + length));
    }),
    { numRuns: 100 },
  );
});

test.each([
  ['outside', [0, 6], 'outside'],
  ['negative', [-1, 0], 'outside'],
  ['twice', [1, 1], 'come after'],
  ['not ascending', [2, 1], 'come after'],
])('a position that is %s is noticed', (_, positions, says) => {
  expect(() => sparseTensor([2, 3], values('float32', [5, 7]), int64s(positions)).bytes()).toThrow(says);
});

test('a coordinate outside its axis is noticed though the position lies within', () => {
  expect(() => sparseTensor([2, 3], values('float32', [5]), int64s([0, 4], [1, 2])).bytes()).toThrow('outside');
});

test('parts that do not fit together are refused', () => {
  const two = values('float32', [5, 7]);
  expect(() => sparseTensor([6], two, int64s([1]))).toThrow('int64 of [2] or [2, 1]');
  expect(() => sparseTensor([2, 3], two, int64s([1, 2, 3, 4, 5, 6], [2, 3]))).toThrow('[2, 2]');
  expect(() => sparseTensor([6], two, tensorOf('int32', [2], [0, 1]))).toThrow('not int32');
  expect(() => sparseTensor([6], tensorOf('float32', [2, 1], [5, 7]), int64s([0, 1]))).toThrow('rank 1');
});
