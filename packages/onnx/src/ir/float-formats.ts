import { type DType } from './dtype.ts';

/** A floating-point format of at most 16 bits: how a number becomes a bit pattern, and back. */
export interface FloatFormat {
  readonly bits: number;
  /** The value of a bit pattern, exact. */
  decode(code: number): number;
  /** The nearest bit pattern, ties to even; overflow, infinity and NaN as ONNX Cast has them with its default options. */
  encode(value: number): number;
}

interface Layout {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /**
   * Which patterns are no numbers. `ieee`: the largest exponent is infinity and NaN. `fn`: all ones are NaN. `fnuz`: minus
   * zero is NaN, and there is only one zero. `none`: every pattern is a number.
   */
  readonly special: 'ieee' | 'fn' | 'fnuz' | 'none';
  /** Whether what is too large becomes infinity, or the largest number. */
  readonly overflow: 'infinity' | 'largest';
}

function signed({ exponent, mantissa, bias, special, overflow }: Layout): FloatFormat {
  const bits = 1 + exponent + mantissa;
  const sign = 1 << (bits - 1);
  const ones = sign - 1;
  const infinity = ones - ((1 << mantissa) - 1);
  const largest = special === 'ieee' ? infinity - 1 : special === 'fn' ? ones - 1 : ones;
  const nan = special === 'ieee' ? infinity | (1 << (mantissa - 1)) : special === 'fn' ? ones : special === 'fnuz' ? sign : largest;
  const smallestExponent = 1 - bias;
  /** How many units of the last digit a number has: one factor per exponent from the smallest to that of the largest float64. */
  const unitsPer = Float64Array.from({ length: 1024 - smallestExponent + 1 }, (_, i) => 2 ** (mantissa - smallestExponent - i));
  return {
    bits,
    decode(code) {
      if (special === 'fnuz' && code === sign) return NaN;
      const magnitude = code & ones;
      if (magnitude > largest) return special === 'ieee' && magnitude === infinity ? (code & sign ? -Infinity : Infinity) : NaN;
      const field = magnitude >> mantissa;
      const fraction = magnitude & ((1 << mantissa) - 1);
      const value = field === 0 ? fraction * 2 ** (smallestExponent - mantissa) : (fraction + (1 << mantissa)) * 2 ** (field - bias - mantissa);
      return code & sign ? -value : value;
    },
    encode(value) {
      if (Number.isNaN(value)) return nan;
      const negative = value < 0 || Object.is(value, -0);
      const power = Math.max(exponentOf(value), smallestExponent);
      // Scaling by a power of two is exact, so this rounds once. A carry runs into the exponent, as it should.
      const units = roundToEven(Math.abs(value) * unitsPer[power - smallestExponent]!);
      let magnitude = ((power - smallestExponent) << mantissa) + units;
      if (value === Infinity || value === -Infinity || magnitude > largest) magnitude = overflow === 'infinity' ? infinity : largest;
      if (magnitude === 0 && special === 'fnuz') return 0;
      return negative ? magnitude | sign : magnitude;
    },
  };
}

/** Powers of two from 2^-127 to 2^127, the scales of the OCP microscaling formats. Rounds up, as Cast does by default. */
const e8m0: FloatFormat = {
  bits: 8,
  decode: (code) => (code === 255 ? NaN : 2 ** (code - 127)),
  encode(value) {
    if (Number.isNaN(value) || value < 0) return 255;
    if (value <= 2 ** -127) return 0;
    if (value >= 2 ** 127) return 254;
    const power = exponentOf(value);
    return power + 127 + (value > 2 ** power ? 1 : 0);
  },
};

/** The formats narrower than float32. Specified in the ONNX documents "Float stored in 8 bits" and "Float stored in 4 bits", and for six bits in the OCP microscaling formats. */
export const FLOAT_FORMATS: Readonly<Partial<Record<DType, FloatFormat>>> = {
  float16: signed({ exponent: 5, mantissa: 10, bias: 15, special: 'ieee', overflow: 'infinity' }),
  bfloat16: signed({ exponent: 8, mantissa: 7, bias: 127, special: 'ieee', overflow: 'infinity' }),
  float8e4m3fn: signed({ exponent: 4, mantissa: 3, bias: 7, special: 'fn', overflow: 'largest' }),
  float8e4m3fnuz: signed({ exponent: 4, mantissa: 3, bias: 8, special: 'fnuz', overflow: 'largest' }),
  float8e5m2: signed({ exponent: 5, mantissa: 2, bias: 15, special: 'ieee', overflow: 'largest' }),
  float8e5m2fnuz: signed({ exponent: 5, mantissa: 2, bias: 16, special: 'fnuz', overflow: 'largest' }),
  float8e8m0: e8m0,
  float4e2m1: signed({ exponent: 2, mantissa: 1, bias: 1, special: 'none', overflow: 'largest' }),
  float6e2m3: signed({ exponent: 2, mantissa: 3, bias: 1, special: 'none', overflow: 'largest' }),
  float6e3m2: signed({ exponent: 3, mantissa: 2, bias: 3, special: 'none', overflow: 'largest' }),
};

const tables = new Map<FloatFormat, Float32Array>();

/** The value of every bit pattern of a format, in order. Shared: do not write to it. */
export function valuesOf(format: FloatFormat): Float32Array {
  let table = tables.get(format);
  if (table === undefined) {
    table = Float32Array.from({ length: 2 ** format.bits }, (_, code) => format.decode(code));
    tables.set(format, table);
  }
  return table;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The largest power of two that is not above the magnitude; -1023 for zero and the smallest float64. */
function exponentOf(value: number): number {
  scratch.setFloat64(0, value);
  return ((scratch.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
