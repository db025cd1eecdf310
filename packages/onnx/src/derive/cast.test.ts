import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { DType } from '../ir/dtype.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import { float32s, float32sOf, int64s, tensorOf } from '../ir/values.ts';
import { castTensor, findOverflow, type CastForm } from './cast.ts';
import { TensorFolder } from './testing.ts';

const folder = new TensorFolder();
afterAll(() => folder.remove());

const forms = ['float32', 'float16', 'bfloat16'] as const;
const pairs = forms.flatMap((from) => forms.filter((to) => to !== from).map((to): [CastForm, CastForm] => [from, to]));

const values = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i) * 10 ** ((i % 12) - 6));

test.each(pairs)('%s to %s: the numbers that rounding each gives', (from, to) => {
  const tensor = tensorOf(from, [40, 5], values(200));
  const expected = tensorOf(to, [40, 5], float32sOf(tensor));
  const cast = castTensor(tensor, to);
  expect([cast.dtype, cast.dims, cast.byteLength]).toEqual([to, [40, 5], expected.byteLength]);
  expect(Buffer.compare(cast.bytes(), expected.bytes())).toBe(0);
});

test.each(pairs)('%s to %s: from file to file the bytes are the same', async (from, to) => {
  const tensor = tensorOf(from, [130, 1001], values(130 * 1001));
  const [bytes] = await folder.written(castTensor(folder.inFile(tensor), to));
  expect(Buffer.compare(bytes!, castTensor(tensor, to).bytes())).toBe(0);
});

test('a part can be read from anywhere on', () => {
  const tensor = castTensor(float32s([100], Float32Array.from(values(100))), 'float16');
  const all = tensor.bytes();
  fc.assert(fc.property(fc.nat(220), fc.nat(220), (offset, length) => {
    const into = new Uint8Array(length);
    const got = tensor.read(into, offset);
    expect(got).toBe(Math.max(0, Math.min(length, all.length - offset)));
    expect(Buffer.compare(into.subarray(0, got), all.subarray(offset, offset + got))).toBe(0);
  }));
});

test('the same form is the same tensor, and integers are refused', () => {
  const tensor = float32s([1], [1]);
  expect(castTensor(tensor, 'float32')).toBe(tensor);
  expect(() => castTensor(int64s([1]), 'float16')).toThrow('holds int64');
});

test.each<[DType, CastForm, number, number]>([
  ['float32', 'float16', 65519.99, 65520],
  ['float32', 'bfloat16', 3.396e38, (2 - 2 ** -8) * 2 ** 127],
  ['bfloat16', 'float16', 65280, 65536],
  ['float64', 'float32', 3.4028235e38, 3.5e38],
  ['float64', 'float16', 65519, 1e300],
])('%s to %s: %d still fits, and %d is found', (from, to, fits, beyond) => {
  const tensor = (...numbers: number[]): Tensor => (from === 'float64' ? memoryTensor('float64', [numbers.length], Float64Array.from(numbers)) : tensorOf(from, [numbers.length], numbers));
  expect(findOverflow(tensor(1, fits, -fits, NaN, Infinity), to)).toBeUndefined();
  const value = float32sOf(tensor(-beyond))[0]!;
  expect(findOverflow(tensor(fits, -beyond, NaN, beyond, -Infinity), to)).toEqual({ count: 2, index: 1, value: from === 'float64' ? -beyond : value });
  expect([...float32sOf(castTensor(tensor(fits, beyond), to))].map(Number.isFinite)).toEqual([true, false]);
});

test('an overflow beyond the first piece has its index in the whole', () => {
  const numbers = new Float32Array(2 ** 20 + 10);
  numbers[2 ** 20 + 7] = 1e6;
  expect(findOverflow(float32s([numbers.length], numbers), 'float16')).toEqual({ count: 1, index: 2 ** 20 + 7, value: 1e6 });
});
