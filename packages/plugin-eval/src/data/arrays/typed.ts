import type { DType, FeedData } from '@onnxpress/core';

/** Little-endian bytes as the array that JavaScript has for a type; not copied, so they must begin where their memory does. Types without one stay bytes. */
export function arrayOf(dtype: DType, bytes: Uint8Array): FeedData {
  const { buffer, byteOffset } = bytes;
  const count = (size: number): number => bytes.byteLength / size;
  switch (dtype) {
    case 'float32': return new Float32Array(buffer, byteOffset, count(4));
    case 'float64': return new Float64Array(buffer, byteOffset, count(8));
    case 'int64': return new BigInt64Array(buffer, byteOffset, count(8));
    case 'uint64': return new BigUint64Array(buffer, byteOffset, count(8));
    case 'int32': return new Int32Array(buffer, byteOffset, count(4));
    case 'uint32': return new Uint32Array(buffer, byteOffset, count(4));
    case 'int16': return new Int16Array(buffer, byteOffset, count(2));
    case 'uint16': case 'float16': case 'bfloat16': return new Uint16Array(buffer, byteOffset, count(2));
    case 'int8': return new Int8Array(buffer, byteOffset, bytes.byteLength);
    default: return bytes;
  }
}
