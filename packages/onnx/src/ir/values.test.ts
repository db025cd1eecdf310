import { describe, expect, test } from 'vitest';
import { DTYPES, isFloat, isInteger, type DType } from './dtype.ts';
import { fromReader, memoryTensor, type Tensor } from './tensor.ts';
import { bigintsOf, float32s, float32sOf, int64s, numbersOf, scalar, tensorOf } from './values.ts';

const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const numeric = DTYPES.filter((dtype) => isFloat(dtype) || isInteger(dtype) || dtype === 'bool');

describe.each(numeric)('%s', (dtype) => {
  // float8e8m0 has neither zero nor anything but powers of two
  const values = dtype === 'float8e8m0' ? [1, 2, 0.5] : [1, 0, 1];

  test('numbers that it holds come back', () => {
    const t = tensorOf(dtype, [3], values);
    expect([...float32sOf(t)]).toEqual(values);
    expect([...numbersOf(t)]).toEqual(values);
    expect([t.dtype, t.dims]).toEqual([dtype, [3]]);
  });

  test('empty tensors and scalars', () => {
    expect(float32sOf(tensorOf(dtype, [0, 4], []))).toEqual(new Float32Array(0));
    expect([...numbersOf(scalar(dtype, 1))]).toEqual([1]);
    expect(scalar(dtype, 1).dims).toEqual([]);
  });

  test('as many numbers as the shape says', () => {
    expect(() => tensorOf(dtype, [2], [1])).toThrow('has 2 elements, not 1');
    expect(() => tensorOf(dtype, [2], [1, 1, 1])).toThrow('has 2 elements, not 3');
  });
});

test.each([
  ['float32', bytes(0, 0, 0xc0, 0x3f), [1.5]],
  ['float64', bytes(0, 0, 0, 0, 0, 0, 0xf8, 0x3f), [1.5]],
  ['float16', bytes(0x00, 0x3e, 0x00, 0xc0), [1.5, -2]],
  ['bfloat16', bytes(0xc0, 0x3f, 0x00, 0xc0), [1.5, -2]],
  ['float8e4m3fn', bytes(0x3c, 0xc0), [1.5, -2]],
  ['float4e2m1', bytes(0xf3, 0x01), [1.5, -6, 0.5]],
  ['int8', bytes(0xff, 0x7f), [-1, 127]],
  ['uint16', bytes(0xff, 0xff), [65535]],
  ['int32', bytes(0xfe, 0xff, 0xff, 0xff), [-2]],
  ['int64', bytes(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), [-2]],
  ['uint64', bytes(0, 0, 0, 0, 1, 0, 0, 0), [2 ** 32]],
  ['int4', bytes(0x8f, 0x07), [-1, -8, 7]],
  ['uint4', bytes(0x8f, 0x07), [15, 8, 7]],
  ['int2', bytes(0b01_10_11_00, 0b01), [0, -1, -2, 1, 1]],
  ['uint2', bytes(0b01_10_11_00, 0b01), [0, 3, 2, 1, 1]],
  ['bool', bytes(1, 0), [1, 0]],
] as [DType, Uint8Array, number[]][])('%s is read from and written as the bytes of raw_data', (dtype, raw, values) => {
  const t = memoryTensor(dtype, [values.length], raw);
  expect([...numbersOf(t)]).toEqual(values);
  expect([...float32sOf(t)]).toEqual(values);
  expect(tensorOf(dtype, [values.length], values).bytes()).toEqual(raw);
  if (isInteger(dtype) || dtype === 'bool') expect([...bigintsOf(t)]).toEqual(values.map(BigInt));
});

test('every float16 comes back from its numbers, but for the digits of NaN', () => {
  const t = memoryTensor('float16', [65536], Uint16Array.from({ length: 65536 }, (_, code) => code));
  const again = new Uint16Array(tensorOf('float16', [65536], numbersOf(t)).bytes().buffer);
  const isNaN16 = (code: number): boolean => (code & 0x7fff) > 0x7c00;
  expect(Array.from(again).filter((code, i) => code !== i && !(isNaN16(code) && isNaN16(i)))).toEqual([]);
});

test('float64 is narrowed to the nearest float32, or kept', () => {
  const t = tensorOf('float64', [2], [0.1, 1e300]);
  expect([...float32sOf(t)]).toEqual([Math.fround(0.1), Infinity]);
  expect([...numbersOf(t)]).toEqual([0.1, 1e300]);
});

test('an int64 beyond 2^53 is an error as a number and exact as a bigint', () => {
  const t = int64s([2n ** 53n, -(2n ** 63n)]);
  expect(() => numbersOf(t)).toThrow('9007199254740992 in a int64 tensor of [2] is beyond 2^53');
  expect([...bigintsOf(t)]).toEqual([2n ** 53n, -(2n ** 63n)]);
  expect([...float32sOf(t)]).toEqual([2 ** 53, -(2 ** 63)]);
  expect([...numbersOf(int64s([2n ** 53n - 1n]))]).toEqual([Number.MAX_SAFE_INTEGER]);
});

test('a uint64 beyond 2^63 does not fit in an int64', () => {
  expect(() => bigintsOf(tensorOf('uint64', [1], [2n ** 63n]))).toThrow('does not fit');
});

test.each([
  ['int4', 8],
  ['int4', -9],
  ['uint4', -1],
  ['int2', 2],
  ['uint8', 256],
  ['int8', -129],
  ['uint32', 2 ** 32],
  ['int64', 2n ** 63n],
  ['uint64', -1n],
  ['bool', 2],
  ['int32', 1.5],
  ['int32', NaN],
  ['int64', Infinity],
] as [DType, number | bigint][])('%s does not hold %s', (dtype, value) => {
  expect(() => scalar(dtype, value)).toThrow(`${value} does not fit in ${dtype}`);
});

test.each(['string', 'complex64', 'complex128'] as const)('%s has no numbers', (dtype) => {
  const t = memoryTensor(dtype, [0], bytes());
  for (const read of [float32sOf, numbersOf, bigintsOf]) expect(() => read(t)).toThrow(expect.objectContaining({ code: 'unsupported' }) as Error);
  expect(() => tensorOf(dtype, [0], [])).toThrow(expect.objectContaining({ code: 'unsupported' }) as Error);
});

test('a float tensor has no integers', () => {
  expect(() => bigintsOf(float32s([1], [1]))).toThrow('numbersOf');
});

test('a shape with a negative or broken size is refused', () => {
  for (const dims of [[-1], [1.5], [NaN]]) expect(() => tensorOf('float32', dims, [])).toThrow('is not a shape');
});

test('int64s has rank 1 and float32s the shape it is given', () => {
  expect(int64s([1, 2]).dims).toEqual([2]);
  expect(int64s([1, 2], [2, 1]).dims).toEqual([2, 1]);
  expect(float32s([1, 2], [1, 2]).dims).toEqual([1, 2]);
});

test('a Float32Array becomes a tensor without a copy', () => {
  const values = Float32Array.of(1, 2);
  const t = float32s([2], values);
  values[0] = 5;
  expect([...float32sOf(t)]).toEqual([5, 2]);
});

test.each(['float16', 'int4', 'float32', 'int64'] as const)('a %s tensor longer than one piece is read whole', (dtype) => {
  const count = dtype === 'int4' ? 30_000_000 : 7_000_000;
  const width = { float16: 2, int4: 0.5, float32: 4, int64: 8 }[dtype];
  const one = tensorOf(dtype, [2], [1, 0]).bytes(); // 1, 0, 1, 0 and so on
  const t: Tensor = fromReader(dtype, [count], count * width, (into, offset) => {
    for (let i = 0; i < into.length; i++) into[i] = one[(offset + i) % one.length]!;
    return into.length;
  });
  const values = float32sOf(t);
  expect([values.length, values[0], values[1], values[count - 2], values[count - 1]]).toEqual([count, 1, 0, 1, 0]);
  let sum = 0;
  for (const value of values) sum += value;
  expect(sum).toBe(count / 2);
});

test('a tensor whose bytes end early is truncated', () => {
  const t = fromReader('float32', [4], 16, (_, offset) => (offset === 0 ? 8 : 0));
  expect(() => float32sOf(t)).toThrow(expect.objectContaining({ code: 'truncated' }) as Error);
});
