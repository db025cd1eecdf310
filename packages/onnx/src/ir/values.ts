import { OnnxError } from '../error.ts';
import { bitsOf, countOf, isInteger, type DType } from './dtype.ts';
import { FLOAT_FORMATS, valuesOf } from './float-formats.ts';
import { pack, unpack } from './packing.ts';
import { piecesOf, readFully } from './pieces.ts';
import { memoryTensor, type Tensor } from './tensor.ts';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/** One element of the array per element of the tensor: its value, or for narrow floats its bit pattern. */
type Elements = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;

/** Every number as a float32: floats of all widths, integers and bool. What has more digits is rounded to the nearest. Throws `unsupported` for strings and complex numbers. */
export function float32sOf(t: Tensor): Float32Array<ArrayBuffer> {
  const out = new Float32Array(countOf(t.dims));
  if (t.dtype === 'float32') readInto(t, out);
  else decode(t, out, Number);
  return out;
}

/** Every number, exact. Throws `unsupported` for strings, complex numbers, and an integer beyond 2^53 (see `bigintsOf`). */
export function numbersOf(t: Tensor): Float64Array<ArrayBuffer> {
  const out = new Float64Array(countOf(t.dims));
  decode(t, out, (value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new OnnxError('unsupported', `${value} in a ${t.dtype} tensor of [${t.dims.join(', ')}] is beyond 2^53, where numbers have gaps. Read the tensor with bigintsOf.`);
    return number;
  });
  return out;
}

/** Every integer, exact; bool gives 0 and 1. Throws `unsupported` for other types and for a uint64 beyond 2^63. */
export function bigintsOf(t: Tensor): BigInt64Array<ArrayBuffer> {
  if (!isInteger(t.dtype) && t.dtype !== 'bool') throw new OnnxError('unsupported', `A ${t.dtype} tensor has no integers. Read it with numbersOf or float32sOf.`);
  const out = new BigInt64Array(countOf(t.dims));
  forElements(t, (elements, first) => {
    for (let i = 0; i < elements.length; i++) {
      const value = BigInt(elements[i]!);
      if (value >= 2n ** 63n) throw new OnnxError('unsupported', `${value} in a uint64 tensor does not fit in an int64. Read its bytes.`);
      out[first + i] = value;
    }
  });
  return out;
}

/**
 * A tensor of these numbers, in row-major order. Floats are rounded to the nearest, ties to even, and what is too large becomes
 * what ONNX Cast makes of it by default; integers must be integers within range, and bool 0 or 1. Throws `malformed` otherwise,
 * or when there are not as many as the shape says.
 */
export function tensorOf(dtype: DType, dims: readonly number[], values: Iterable<number | bigint>): Tensor {
  const count = countOf(dims);
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) throw new OnnxError('malformed', `[${dims.join(', ')}] is not a shape. Give sizes of 0 or more.`);
  const bits = bitsOf(dtype);
  const elements = newElements(dtype, count);
  const format = FLOAT_FORMATS[dtype];
  const put = format !== undefined ? (value: number | bigint) => format.encode(Number(value)) : isInteger(dtype) || dtype === 'bool' ? integerCheck(dtype) : Number;
  let at = 0;
  for (const value of values) elements[at++] = put(value);
  if (at !== count) throw new OnnxError('malformed', `A tensor of [${dims.join(', ')}] has ${count} elements, not ${at}.`);
  return memoryTensor(dtype, dims, bits < 8 ? pack(elements as Uint8Array, bits) : elements); // elements narrower than a byte lie in a Uint8Array
}

/** A tensor of rank 0. */
export const scalar = (dtype: DType, value: number | bigint): Tensor => tensorOf(dtype, [], [value]);

/** Integers as axes and shapes are written: int64, rank 1 unless `dims` says otherwise. */
export const int64s = (values: readonly (number | bigint)[], dims: readonly number[] = [values.length]): Tensor => tensorOf('int64', dims, values);

/** A float32 tensor. A Float32Array is shared, not copied. */
export const float32s = (dims: readonly number[], values: Float32Array | readonly number[]): Tensor =>
  values instanceof Float32Array ? memoryTensor('float32', dims, values) : tensorOf('float32', dims, values);

/** A check that gives the integer as the typed array of its type takes it. */
function integerCheck(dtype: DType): (value: number | bigint) => number | bigint {
  const bits = dtype === 'bool' ? 1 : bitsOf(dtype);
  const low = dtype.startsWith('int') ? -(2 ** (bits - 1)) : 0;
  const end = low + 2 ** bits; // a power of two: comparing it with a bigint is exact
  return (value) => {
    const whole = typeof value === 'bigint' || Number.isInteger(value);
    if (!whole || value < low || value >= end) {
      throw new OnnxError('malformed', `${value} does not fit in ${dtype}, which holds integers from ${BigInt(low)} to ${BigInt(end) - 1n}. Round or clip it first.`);
    }
    return bits === 64 ? BigInt(value) : Number(value);
  };
}

/** Writes every number of `t` into `out`; `narrow` turns 64-bit integers into numbers. */
function decode(t: Tensor, out: Float32Array | Float64Array, narrow: (value: bigint) => number): void {
  const format = FLOAT_FORMATS[t.dtype];
  const table = format && valuesOf(format);
  forElements(t, (elements, first) => {
    if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) for (let i = 0; i < elements.length; i++) out[first + i] = narrow(elements[i]!);
    else if (table === undefined) out.set(elements, first);
    else for (let i = 0; i < elements.length; i++) out[first + i] = table[elements[i]!]!;
  });
}

/** Calls `visit` with a part of the elements, and the index of its first, until it saw them all. */
function forElements(t: Tensor, visit: (elements: Elements, first: number) => void): void {
  const count = countOf(t.dims);
  const bits = bitsOf(t.dtype);
  newElements(t.dtype, 0); // refuses what has no numbers, before reading
  let first = 0;
  for (const piece of piecesOf(t)) {
    const here = Math.min(count - first, Math.floor((piece.length * 8) / bits));
    if (bits >= 8) visit(newElements(t.dtype, here, piece.buffer), first);
    else visit(t.dtype.startsWith('int') ? signExtended(unpack(piece, bits, here), bits) : unpack(piece, bits, here), first);
    first += here;
  }
}

/** The same memory with the highest of the `bits` carried into the sign. */
function signExtended(codes: Uint8Array<ArrayBuffer>, bits: number): Int8Array {
  for (let i = 0; i < codes.length; i++) codes[i] = (codes[i]! << (32 - bits)) >> (32 - bits);
  return new Int8Array(codes.buffer);
}

function newElements(dtype: DType, count: number, buffer: ArrayBuffer = new ArrayBuffer(0)): Elements {
  const width = bitsOf(dtype) <= 8 ? 'uint8' : 'uint16';
  const key = dtype in ARRAYS ? (dtype as keyof typeof ARRAYS) : dtype in FLOAT_FORMATS || bitsOf(dtype) < 8 ? width : undefined;
  if (key === undefined || dtype === 'string') throw new OnnxError('unsupported', `A ${dtype} tensor is not made of real numbers. ${dtype === 'string' ? 'Use stringsOf and stringTensor.' : 'Use its bytes.'}`);
  return buffer.byteLength > 0 ? new ARRAYS[key](buffer, 0, count) : new ARRAYS[key](count);
}

/** Reads bytes straight into `out`, which may be longer than a Uint8Array can be. */
function readInto(t: Tensor, out: Float32Array<ArrayBuffer>): void {
  const longest = 2 ** 30;
  for (let offset = 0; offset < out.byteLength; offset += longest) readFully(t, new Uint8Array(out.buffer, offset, Math.min(longest, out.byteLength - offset)), offset);
}
