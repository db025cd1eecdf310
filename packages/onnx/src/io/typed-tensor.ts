import { OnnxError } from '../error.ts';
import { bitsOf, type DType } from '../ir/dtype.ts';
import { pack } from '../ir/packing.ts';
import { assertFits, fromReader, type Tensor } from '../ir/tensor.ts';
import { ByteList } from '../wire/byte-list.ts';
import { Reader, type Range } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';
import type { ByteSource } from '../wire/source.ts';

const TENSOR = FIELD.TensorProto;

/** The fields that hold a tensor's elements one by one. */
export type TypedField =
  | typeof TENSOR.float_data
  | typeof TENSOR.int32_data
  | typeof TENSOR.int64_data
  | typeof TENSOR.uint64_data
  | typeof TENSOR.double_data
  | typeof TENSOR.string_data;

const INT32_TYPES: ReadonlySet<DType> = new Set([
  'int32', 'int16', 'uint16', 'int8', 'uint8', 'bool', 'float16', 'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz',
  'float8e8m0', 'int4', 'uint4', 'float4e2m1', 'int2', 'uint2', 'float6e2m3', 'float6e3m2',
]);

/** How many bytes of raw data one number of the field becomes, as TensorProto says; undefined where the type does not use the field. */
export function elementBytes(dtype: DType, field: TypedField): 1 | 2 | 4 | 8 | undefined {
  switch (field) {
    case TENSOR.float_data:
      return dtype === 'float32' || dtype === 'complex64' ? 4 : undefined;
    case TENSOR.double_data:
      return dtype === 'float64' || dtype === 'complex128' ? 8 : undefined;
    case TENSOR.int64_data:
      return dtype === 'int64' ? 8 : undefined;
    case TENSOR.uint64_data:
      return dtype === 'uint64' ? 8 : dtype === 'uint32' ? 4 : undefined;
    case TENSOR.int32_data:
      if (!INT32_TYPES.has(dtype)) return undefined;
      return bitsOf(dtype) === 32 ? 4 : bitsOf(dtype) === 16 ? 2 : 1; // elements narrower than a byte are packed, a byte in each number; those of six bits come one by one
    case TENSOR.string_data:
      return undefined;
  }
}

/** Bytes that a string of that many UTF-8 bytes takes in a tensor: see Tensor. */
export const stringBytes = (length: number): number => 4 + length;

/** A tensor whose elements are numbers or strings of a TensorProto, turned into bytes when somebody reads them. */
export function typedTensor(source: ByteSource, range: Range, dtype: DType, dims: readonly number[], field: TypedField, byteLength: number, label: string): Tensor {
  const tensor: Tensor = {
    ...fromReader(dtype, dims, byteLength, (into, offset) => {
      const part = convert().subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    }),
    bytes: () => convert(),
  };
  const convert = (): Uint8Array => {
    assertFits(tensor);
    const bytes = field === TENSOR.string_data ? strings(source, range, byteLength) : numbers(source, range, dtype, field, byteLength);
    if (bytes.length === byteLength) return bytes;
    throw new OnnxError('malformed', `Tensor "${label}" has ${bytes.length} bytes of numbers, but ${dtype} [${dims.join(', ')}] needs ${byteLength}. The model is damaged: download or export it again.`);
  };
  return tensor;
}

function numbers(source: ByteSource, range: Range, dtype: DType, field: TypedField, byteLength: number): Uint8Array {
  const width = elementBytes(dtype, field)!; // the caller has checked that the type uses the field
  const oneByOne = bitsOf(dtype) === STRADDLING_BITS;
  const expected = oneByOne ? Math.floor((byteLength * 8) / STRADDLING_BITS) : byteLength;
  const list = new ByteList(Math.max(expected, 1));
  const reader = new Reader(source, range);
  while (list.length <= expected && reader.next()) {
    if (reader.field !== field) continue;
    if (field === TENSOR.float_data || field === TENSOR.double_data) reader.fixedBytes(width === 8 ? 8 : 4, list);
    else reader.integerBytes(width, list);
  }
  return oneByOne ? pack(list.bytes, STRADDLING_BITS) : list.bytes;
}

/** Elements that do not fit a whole number of times into a byte: as raw data four of them take three bytes. */
const STRADDLING_BITS = 6;

function strings(source: ByteSource, range: Range, byteLength: number): Uint8Array {
  const list = new ByteList(Math.max(byteLength, 1));
  const reader = new Reader(source, range);
  while (reader.next()) {
    if (reader.field !== TENSOR.string_data) continue;
    const text = reader.bytes();
    const all = list.grow(stringBytes(text.length));
    const at = list.length - stringBytes(text.length);
    new DataView(all.buffer).setUint32(at, text.length, true);
    all.set(text, at + 4);
  }
  return list.bytes;
}
