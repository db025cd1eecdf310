import { expect, test } from 'vitest';
import { byteLengthOf, codeOf, countOf, DTYPES, type DType } from '../ir/dtype.ts';
import { stringBytesOf, stringsOf } from '../ir/strings.ts';
import type { Tensor } from '../ir/tensor.ts';
import { failure } from '../testing/failure.ts';
import { graphOf, modelProto, node, proto, type Fields } from '../testing/proto.ts';
import { modelFromBytes } from './read.ts';

const withInitializer = (tensor: Fields | Uint8Array): Uint8Array => modelProto(graphOf([node('Relu', ['x'], ['y'])], { initializer: [tensor] }));

const read = (tensor: Fields | Uint8Array): Tensor => modelFromBytes(withInitializer(tensor)).graph.initializers.get('w')!.constant;

const hex = (tensor: Tensor): string => Buffer.from(tensor.bytes()).toString('hex');

/** How TensorProto stores two elements of each type in its typed fields, and what raw data has for them. */
const TYPED: readonly [DType, Fields, string, dims?: readonly number[]][] = [
  ['float32', { float_data: [1, -2] }, '0000803f000000c0'],
  ['complex64', { float_data: [1, -2] }, '0000803f000000c0', [1]],
  ['float64', { double_data: [1, -2] }, '000000000000f03f00000000000000c0'],
  ['complex128', { double_data: [1, -2] }, '000000000000f03f00000000000000c0', [1]],
  ['int64', { int64_data: [-1n, 2n ** 40n] }, 'ffffffffffffffff0000000000010000'],
  ['uint64', { uint64_data: [2n ** 64n - 1n, 1n] }, 'ffffffffffffffff0100000000000000'],
  ['uint32', { uint64_data: [2n ** 32n - 1n, 1n] }, 'ffffffff01000000'],
  ['int32', { int32_data: [-1, 7] }, 'ffffffff07000000'],
  ['int16', { int32_data: [-2, 7] }, 'feff0700'],
  ['uint16', { int32_data: [65535, 7] }, 'ffff0700'],
  ['int8', { int32_data: [-2, 7] }, 'fe07'],
  ['uint8', { int32_data: [255, 7] }, 'ff07'],
  ['bool', { int32_data: [1, 0] }, '0100'],
  ['float16', { int32_data: [0x3c00, 0xc000] }, '003c00c0'],
  ['bfloat16', { int32_data: [0x3f80, 0xc000] }, '803f00c0'],
  ['float8e4m3fn', { int32_data: [0x38, 0xb8] }, '38b8'],
  ['float8e4m3fnuz', { int32_data: [0x38, 0xb8] }, '38b8'],
  ['float8e5m2', { int32_data: [0x3c, 0xbc] }, '3cbc'],
  ['float8e5m2fnuz', { int32_data: [0x3c, 0xbc] }, '3cbc'],
  ['float8e8m0', { int32_data: [0x7f, 0x80] }, '7f80'],
  ['int4', { int32_data: [0xe1] }, 'e1'],
  ['uint4', { int32_data: [0xe1] }, 'e1'],
  ['float4e2m1', { int32_data: [0xe1] }, 'e1'],
  ['float6e2m3', { int32_data: [0x21, 0x0b] }, 'e102'],
  ['float6e3m2', { int32_data: [0x21, 0x0b] }, 'e102'],
  ['int2', { int32_data: [0x0e] }, '0e'],
  ['uint2', { int32_data: [0x0e] }, '0e'],
];

test.each(TYPED)('%s in its typed field becomes raw bytes', (dtype, data, expected, dims = [2]) => {
  const fields: Fields = { name: 'w', dims, data_type: codeOf(dtype), ...data };
  const tensor = read(fields);
  expect(tensor.dtype).toBe(dtype);
  expect(tensor.byteLength).toBe(expected.length / 2);
  expect(hex(tensor)).toBe(expected);
  expect(hex(read(proto('TensorProto', fields, false)))).toBe(expected); // numbers written one by one
});

test('every type but strings is covered above', () => {
  expect(TYPED.map(([dtype]) => dtype).sort()).toEqual(DTYPES.filter((dtype) => dtype !== 'string').sort());
});

test.each(DTYPES.filter((dtype) => dtype !== 'string'))('%s as raw data is read as it is, and in ranges', (dtype) => {
  const bytes = Uint8Array.from({ length: byteLengthOf(dtype, 5) }, (_, i) => i + 1);
  const tensor = read({ name: 'w', dims: [5], data_type: codeOf(dtype), raw_data: bytes });
  expect(tensor.bytes()).toEqual(bytes);
  const part = new Uint8Array(bytes.length + 9);
  expect(tensor.read(part, 1)).toBe(bytes.length - 1);
  expect(part.subarray(0, bytes.length - 1)).toEqual(bytes.subarray(1));
});

test('typed data is read in ranges too', () => {
  const tensor = read({ name: 'w', dims: [4], data_type: codeOf('int64'), int64_data: [1, 2, 3, 4] });
  const part = new Uint8Array(8);
  expect(tensor.read(part, 16)).toBe(8);
  expect(new BigInt64Array(part.buffer)).toEqual(BigInt64Array.of(3n));
});

test('strings follow one another behind their lengths, and need not be UTF-8', () => {
  expect(stringsOf(read({ name: 'w', dims: [3], data_type: codeOf('string'), string_data: ['a', '', 'héé'] }))).toEqual(['a', '', 'héé']);
  expect(stringBytesOf(read({ name: 'w', dims: [1], data_type: codeOf('string'), string_data: [new Uint8Array([255])] }))).toEqual([new Uint8Array([255])]);
});

test('a tensor without elements needs no data', () => {
  expect(read({ name: 'w', dims: [0, 3], data_type: 1 }).bytes()).toEqual(new Uint8Array(0));
});

test.each<[string, Fields, RegExp]>([
  ['no type', { float_data: [1] }, /no element type/],
  ['a type that ONNX does not have', { data_type: 99, raw_data: new Uint8Array(4) }, /element type 99/],
  ['too many raw bytes', { dims: [1], data_type: 1, raw_data: new Uint8Array(5) }, /5 bytes, but float32 \[1\] needs 4/],
  ['no data', { dims: [2], data_type: 1 }, /no data/],
  ['a negative size', { dims: [-1], data_type: 1, raw_data: new Uint8Array(4) }, /shape \[-1\]/],
  ['an absurd size', { dims: [2n ** 31n, 2n ** 31n], data_type: 1, raw_data: new Uint8Array(4) }, /shape/],
  ['an absurd size of typed data', { dims: [2n ** 40n], data_type: 7, int64_data: [1] }, /fewer numbers/],
  ['the wrong field', { dims: [1], data_type: 7, float_data: [1] }, /field that int64 does not use/],
  ['too few strings', { dims: [2], data_type: 8, string_data: ['a'] }, /1 strings/],
])('a tensor with %s is refused by its name', (_, fields, message) => {
  const error = failure(() => read({ name: 'w', ...fields }));
  expect(error.message).toMatch(message);
  expect(error.message).toContain('"w"');
});

test.each<[string, Fields]>([
  ['few', { dims: [3], data_type: 7, int64_data: [1, 2] }],
  ['many', { dims: [1], data_type: 7, int64_data: [1, 2] }],
])('a tensor with too %s numbers is refused when it is read', (_, fields) => {
  const tensor = read({ name: 'w', ...fields });
  expect(failure(() => tensor.bytes()).message).toMatch(/"w" has \d+ bytes of numbers/);
});

test('a tensor in an attribute is named by its node in messages', () => {
  const bad = node('Constant', [], ['y'], { name: 'k', attribute: [{ name: 'value', type: 4, t: { data_type: 1, dims: [2] } }] });
  // fields in the order of their numbers, as protobuf writes them
  const { name, op_type, attribute, ...rest } = bad;
  expect(failure(() => modelFromBytes(modelProto(graphOf([{ ...rest, name, op_type, attribute }])))).message).toContain('value of Constant "k"');
});

test('the bytes of a scalar are those of one element', () => {
  expect(countOf(read({ name: 'w', data_type: 1, float_data: [3] }).dims)).toBe(1);
});
