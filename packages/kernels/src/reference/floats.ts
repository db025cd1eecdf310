import { roundHalfToEven } from './rounding.ts';

/** A binary floating-point format, said with numbers. */
export interface Format {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** The pattern of the largest number; what is above it is `overflow`. */
  readonly largest: number;
  readonly overflow: number;
  /** The pattern of infinity, where the format has one. */
  readonly infinity?: number;
  readonly nan: number;
}

export const FLOAT16: Format = { exponentBits: 5, fractionBits: 10, bias: 15, largest: 0x7bff, overflow: 0x7c00, infinity: 0x7c00, nan: 0x7e00 };
export const BFLOAT16: Format = { exponentBits: 8, fractionBits: 7, bias: 127, largest: 0x7f7f, overflow: 0x7f80, infinity: 0x7f80, nan: 0x7fc0 };
export const E4M3FN: Format = { exponentBits: 4, fractionBits: 3, bias: 7, largest: 0x7e, overflow: 0x7e, nan: 0x7f };
export const E5M2: Format = { exponentBits: 5, fractionBits: 2, bias: 15, largest: 0x7b, overflow: 0x7b, infinity: 0x7c, nan: 0x7e };

/** The pattern of the nearest number, ties to even. */
export function encode(value: number, format: Format): number {
  if (Number.isNaN(value)) return format.nan;
  const sign = value < 0 || Object.is(value, -0) ? 1 << (format.exponentBits + format.fractionBits) : 0;
  const size = Math.abs(value);
  let exponent = 1 - format.bias;
  while (size >= 2 ** (exponent + 1) && exponent <= format.bias + 1) exponent++;
  // As a whole number of last digits at this exponent; a carry into the next exponent counts on.
  const digits = size === Infinity ? Infinity : roundHalfToEven(size / 2 ** (exponent - format.fractionBits));
  const pattern = digits + (exponent - 1 + format.bias) * 2 ** format.fractionBits;
  return sign | (pattern > format.largest ? format.overflow : pattern);
}

/** The number of a pattern. */
export function decode(pattern: number, format: Format): number {
  const sign = pattern >> (format.exponentBits + format.fractionBits) ? -1 : 1;
  const size = pattern & (2 ** (format.exponentBits + format.fractionBits) - 1);
  if (size > format.largest) return size === format.infinity ? sign * Infinity : NaN;
  const exponent = size >> format.fractionBits;
  const fraction = size % 2 ** format.fractionBits;
  const digits = exponent === 0 ? fraction : fraction + 2 ** format.fractionBits;
  return sign * digits * 2 ** (Math.max(exponent, 1) - format.bias - format.fractionBits);
}
