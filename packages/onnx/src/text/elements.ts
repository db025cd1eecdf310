import { bitsOf, countOf, isInteger, textOf, type DType } from '../ir/dtype.ts';
import { FLOAT_FORMATS } from '../ir/float-formats.ts';
import { pack, unpack } from '../ir/packing.ts';
import { readFully } from '../ir/pieces.ts';
import { stringBytesOf, stringTensor } from '../ir/strings.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import type { Scanner } from './scanner.ts';

/** How the elements of a type are written, and read back, bit for bit: NaN keeps its sign and loses its payload. */
interface Codec {
  /** Numbers per element: two for complex. */
  readonly perElement: number;
  /** Bytes per number. */
  readonly width: number;
  write(view: DataView, at: number): string;
  read(s: Scanner, view: DataView, at: number): void;
}

/** The elements between braces; the scanner is behind the opening one, and behind the closing one afterwards. */
export function parseElements(s: Scanner, dtype: DType, dims: readonly number[]): Tensor {
  const start = s.at;
  const count = countOf(dims);
  if (!Number.isSafeInteger(count)) s.reject(`a tensor of [${dims.join(', ')}] is too large`, start);
  if (dtype === 'string') {
    const values = s.takes('}') ? [] : closed(s, s.list(() => s.string()));
    if (values.length !== count) wrongCount(s, start, dtype, dims, values.length, count);
    return stringTensor(dims, values);
  }
  const codec = codecOf(dtype);
  const needed = count * codec.perElement;
  const available = Math.ceil((s.text.length - start) / 2) + 1; // a number and a comma each: a shape cannot ask for more memory than the text is long
  const view = new DataView(new ArrayBuffer(Math.min(needed, available) * codec.width));
  let found = 0;
  const next = (): void => {
    if (found < needed) codec.read(s, view, found * codec.width);
    else s.number();
    found++;
  };
  if (!s.takes('}')) closed(s, s.list(next));
  if (found !== needed) wrongCount(s, start, dtype, dims, found, needed);
  const bits = bitsOf(dtype);
  const bytes = new Uint8Array(view.buffer);
  return memoryTensor(dtype, dims, bits < 8 ? pack(bytes, bits) : bytes);
}

/** The elements as text, in order; only the first `most` of them. */
export function* printElements(t: Tensor, most: number): Generator<string> {
  const count = Math.min(countOf(t.dims), most);
  if (t.dtype === 'string') {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    for (const bytes of count ? stringBytesOf(t).slice(0, count) : []) yield quoted(decoder.decode(bytes));
    return;
  }
  const codec = codecOf(t.dtype);
  const bits = bitsOf(t.dtype);
  const step = 2 ** 16; // elements: whole bytes of every width
  for (let first = 0; first < count; first += step) {
    const here = Math.min(step, count - first);
    const bytes = new Uint8Array(Math.ceil((here * bits) / 8));
    readFully(t, bytes, (first * bits) / 8);
    const whole = bits < 8 ? unpack(bytes, bits, here) : bytes;
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    for (let i = 0; i < here * codec.perElement; i++) yield codec.write(view, i * codec.width);
  }
}

/** A string in quotes, as the syntax has it: a backslash before quotes and backslashes, everything else as it is. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** A short text that is read back as this float32: at most nine digits, and seven where they do. */
export function printFloat32(x: number): string {
  if (Object.is(x, -0)) return '-0';
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  const exact = String(x);
  if (exact.length <= 9) return exact;
  for (let digits = 7; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return String(short);
  }
  return String(Number(x.toPrecision(9)));
}

/** The shortest text that is read back as this float64. */
export const printFloat64 = (x: number): string => (Number.isFinite(x) && !Object.is(x, -0) ? String(x) : printFloat32(x));

/** The value of a number as written; inf and nan in any case. */
export function floatOf(text: string): number {
  if (/inf/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text); // NaN for nan
}

function closed<T>(s: Scanner, items: T): T {
  s.expect('}', '"," or ');
  return items;
}

function wrongCount(s: Scanner, start: number, dtype: DType, dims: readonly number[], found: number, needed: number): never {
  s.reject(`${textOf(dtype)}[${dims.join(', ')}] has ${needed} elements, and ${found} are given`, start);
}

function codecOf(dtype: DType): Codec {
  switch (dtype) {
    case 'float32':
      return float32(1);
    case 'complex64':
      return float32(2);
    case 'float64':
      return float64(1);
    case 'complex128':
      return float64(2);
    case 'int64':
      return { perElement: 1, width: 8, write: (v, at) => String(v.getBigInt64(at, true)), read: (s, v, at) => v.setBigInt64(at, integer(s, dtype, -(2n ** 63n), 2n ** 63n - 1n), true) };
    case 'uint64':
      return { perElement: 1, width: 8, write: (v, at) => String(v.getBigUint64(at, true)), read: (s, v, at) => v.setBigUint64(at, integer(s, dtype, 0n, 2n ** 64n - 1n), true) };
    case 'string':
      throw new TypeError('Strings have no codec.'); // both callers treat them apart
    default:
      return small(dtype);
  }
}

const float32 = (perElement: number): Codec => ({
  perElement,
  width: 4,
  write: (v, at) => sign(v.getUint8(at + 3), v.getFloat32(at, true), printFloat32),
  read: (s, v, at) => {
    const { value, isNegative } = float(s, Math.fround);
    v.setFloat32(at, value, true);
    if (Number.isNaN(value)) v.setUint32(at, isNegative ? 0xffc00000 : 0x7fc00000, true);
  },
});

const float64 = (perElement: number): Codec => ({
  perElement,
  width: 8,
  write: (v, at) => sign(v.getUint8(at + 7), v.getFloat64(at, true), printFloat64),
  read: (s, v, at) => {
    const { value, isNegative } = float(s, (x) => x);
    v.setFloat64(at, value, true);
    if (Number.isNaN(value)) v.setBigUint64(at, isNegative ? 0xfff8000000000000n : 0x7ff8000000000000n, true);
  },
});

/** `top` is the byte with the sign bit: a number does not tell the sign of NaN. */
const sign = (top: number, x: number, print: (x: number) => string): string => (Number.isNaN(x) && top >= 128 ? '-nan' : print(x));

function float(s: Scanner, round: (x: number) => number): { value: number; isNegative: boolean } {
  const start = s.at;
  const { text } = s.number();
  const exact = floatOf(text);
  const value = round(exact);
  if (!Number.isFinite(value) && /\d/.test(text)) s.reject(`${text} is too large for its type`, start);
  return { value, isNegative: text.startsWith('-') };
}

/**
 * Integers of up to 32 bits, bool, and floats of up to 16 bits. The latter are written as the integer of their bit pattern, as ONNX has it;
 * a number with a point or an exponent is read as the value it says.
 */
function small(dtype: DType): Codec {
  const bits = Math.max(8, bitsOf(dtype));
  const width = bits / 8;
  const [low, high] = range(dtype);
  const format = FLOAT_FORMATS[dtype];
  const put = (v: DataView, at: number, code: number): void => (width === 1 ? v.setUint8(at, code) : width === 2 ? v.setUint16(at, code, true) : v.setUint32(at, code, true));
  const get = (v: DataView, at: number): number => (width === 1 ? v.getUint8(at) : width === 2 ? v.getUint16(at, true) : v.getUint32(at, true));
  const negativeFrom = low < 0n ? Number(high) + 1 : Infinity;
  return {
    perElement: 1,
    width,
    write: (v, at) => {
      const code = get(v, at);
      return String(code >= negativeFrom ? code - 2 * negativeFrom : code);
    },
    read: (s, v, at) => {
      const start = s.at;
      const { text, isFloat } = s.number();
      if (isFloat && format) return put(v, at, format.encode(floatOf(text)));
      const value = isFloat ? s.fail(`an integer, for ${textOf(dtype)}`, start) : Number(text);
      if (value < low || value > high) s.reject(`${text} is no ${textOf(dtype)}: those go from ${low} to ${high}`, start);
      put(v, at, value);
    },
  };
}

function range(dtype: DType): readonly [bigint, bigint] {
  if (dtype === 'bool') return [0n, 1n];
  const bits = BigInt(bitsOf(dtype));
  return isInteger(dtype) && !dtype.startsWith('u') ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
}

function integer(s: Scanner, dtype: DType, low: bigint, high: bigint): bigint {
  const start = s.at;
  const { text, isFloat } = s.number();
  const value = isFloat ? s.fail(`an integer, for ${textOf(dtype)}`, start) : BigInt(text);
  if (value < low || value > high) s.reject(`${text} is no ${textOf(dtype)}: those go from ${low} to ${high}`, start);
  return value;
}
