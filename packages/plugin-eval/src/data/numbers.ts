import type { DType, FeedData } from '@onnxpress/core';
import { unknownType } from '../problems.ts';

/** Element types of which data can be written down or drawn at random. */
export const numberTypes = ['float32', 'float64', 'int64', 'uint64', 'int32', 'uint32', 'int16', 'uint16', 'int8', 'uint8', 'bool'] as const satisfies readonly DType[];
export type NumberType = (typeof numberTypes)[number];

export function isNumberType(dtype: string): dtype is NumberType {
  return (numberTypes as readonly string[]).includes(dtype);
}

/** `count` elements of a type, each made by `at`. */
export function filled(dtype: NumberType, count: number, at: (index: number) => number): FeedData {
  const length = { length: count };
  const element = (_: unknown, index: number): number => at(index);
  switch (dtype) {
    case 'float32': return Float32Array.from(length, element);
    case 'float64': return Float64Array.from(length, element);
    case 'int64': return BigInt64Array.from(length, (_, index) => BigInt(at(index)));
    case 'uint64': return BigUint64Array.from(length, (_, index) => BigInt(at(index)));
    case 'int32': return Int32Array.from(length, element);
    case 'uint32': return Uint32Array.from(length, element);
    case 'int16': return Int16Array.from(length, element);
    case 'uint16': return Uint16Array.from(length, element);
    case 'int8': return Int8Array.from(length, element);
    case 'uint8': case 'bool': return Uint8Array.from(length, element);
  }
}

/** Throws `unknown-type` unless numbers can be made for it. `where` begins the message: 'Input "x"'. */
export function requireNumberType(dtype: string, where: string): NumberType {
  if (isNumberType(dtype)) return dtype;
  throw unknownType(where, dtype, numberTypes);
}
