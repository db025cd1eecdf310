import type { Feed } from '@onnxpress/core';
import { notComparable } from '../problems.ts';

/** What a model gave out, as numbers of float32; whole numbers may be rounded. Throws `not-comparable` for strings and types without an array. */
export function floatsOf(name: string, { dtype, data }: Feed): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16' && (data instanceof Uint16Array || data instanceof Uint8Array)) return Float32Array.from(halves(data), fromHalf);
  if (dtype === 'bfloat16' && (data instanceof Uint16Array || data instanceof Uint8Array)) return fromBrain(halves(data));
  if (Array.isArray(data) || !isNumeric(dtype)) throw notComparable(name, dtype);
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

const isNumeric = (dtype: string): boolean => /^(float(16|32|64)|u?int(8|16|32|64)|bool)$/.test(dtype);

function halves(data: Uint16Array | Uint8Array): Uint16Array {
  if (data instanceof Uint16Array) return data;
  return new Uint16Array(data.slice().buffer); // a copy starts aligned
}

/** IEEE 754 binary16. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of float32. */
function fromBrain(data: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
}
