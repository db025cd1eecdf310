import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DType } from './dtype.ts';
import { FLOAT_FORMATS, valuesOf, type FloatFormat } from './float-formats.ts';

const all = Object.entries(FLOAT_FORMATS) as [DType, FloatFormat][];
const of = (dtype: DType): FloatFormat => FLOAT_FORMATS[dtype]!;

/** The definition on paper: (-1)^s 2^(e-bias) (1 + m/2^M), and without the 1 one exponent up where e is 0. */
function onPaper(code: number, exponentBits: number, mantissaBits: number, bias: number): number {
  const text = code.toString(2).padStart(1 + exponentBits + mantissaBits, '0');
  const e = parseInt(text.slice(1, 1 + exponentBits), 2);
  const m = parseInt(text.slice(1 + exponentBits), 2) / 2 ** mantissaBits;
  const magnitude = e === 0 ? 2 ** (1 - bias) * m : 2 ** (e - bias) * (1 + m);
  return text.startsWith('1') ? -magnitude : magnitude;
}

const IEEE: [DType, number, number, number][] = [
  ['float16', 5, 10, 15],
  ['bfloat16', 8, 7, 127],
  ['float8e5m2', 5, 2, 15],
];

test.each(IEEE)('every bit pattern of %s is what IEEE 754 says', (dtype, exponentBits, mantissaBits, bias) => {
  const largestExponent = 2 ** exponentBits - 1;
  for (let code = 0; code < 2 ** of(dtype).bits; code++) {
    const e = (code >> mantissaBits) & largestExponent;
    const m = code & (2 ** mantissaBits - 1);
    const sign = code >> (exponentBits + mantissaBits) ? -1 : 1;
    const expected = e === largestExponent ? (m === 0 ? sign * Infinity : NaN) : onPaper(code, exponentBits, mantissaBits, bias);
    if (!Object.is(of(dtype).decode(code), expected)) expect([code, of(dtype).decode(code)]).toEqual([code, expected]);
  }
});

test.each([
  ['float8e4m3fn', 4, 3, 7, [0x7f, 0xff], 448],
  ['float8e4m3fnuz', 4, 3, 8, [0x80], 240],
  ['float8e5m2fnuz', 5, 2, 16, [0x80], 57344],
  ['float4e2m1', 2, 1, 1, [], 6],
  ['float6e2m3', 2, 3, 1, [], 7.5],
  ['float6e3m2', 3, 2, 3, [], 28],
] as [DType, number, number, number, number[], number][])('every bit pattern of %s is what its table says', (dtype, exponentBits, mantissaBits, bias, nans, largest) => {
  const codes = Array.from({ length: 2 ** of(dtype).bits }, (_, code) => code);
  for (const code of codes) expect([code, of(dtype).decode(code)]).toEqual([code, nans.includes(code) ? NaN : onPaper(code, exponentBits, mantissaBits, bias)]);
  expect(Math.max(...codes.filter((code) => !nans.includes(code)).map((code) => of(dtype).decode(code)))).toBe(largest);
});

test('float4e2m1 has the sixteen values of its document', () => {
  const half = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
  expect([...valuesOf(of('float4e2m1'))]).toEqual([...half, ...half.map((v) => -v)]);
});

test('float8e8m0 has powers of two and one NaN', () => {
  const table = valuesOf(of('float8e8m0'));
  expect([table[0], table[1], table[127], table[254], table[255]]).toEqual([2 ** -127, 2 ** -126, 1, 2 ** 127, NaN]);
});

test.each(all)('%s: a value that a pattern stands for becomes that pattern', (_, format) => {
  for (let code = 0; code < 2 ** format.bits; code++) {
    const value = format.decode(code);
    if (Math.abs(value) < Infinity && format.encode(value) !== code) expect([value, format.encode(value)]).toEqual([value, code]);
  }
});

test.each(all)('%s: a float32 holds every value exactly', (_, format) => {
  const table = valuesOf(format);
  for (let code = 0; code < 2 ** format.bits; code++) if (!Object.is(table[code], format.decode(code))) expect(table[code]).toBe(format.decode(code));
});

describe.each(all.filter(([dtype]) => dtype !== 'float8e8m0'))('%s rounds', (_, format) => {
  const finite = Array.from({ length: 2 ** (format.bits - 1) }, (_, code) => code).filter((code) => Number.isFinite(format.decode(code)));
  const largest = format.decode(finite.at(-1)!);

  test('halfway to the even pattern, and anything beside it to the nearer', () => {
    for (const code of finite.slice(0, -1)) {
      const [low, high] = [format.decode(code), format.decode(code + 1)];
      const middle = (low + high) / 2; // exact: both have few digits
      const nudge = (high - low) / 1024;
      const got = [middle - nudge, middle, middle + nudge].map(format.encode);
      const expected = [code, code % 2 === 0 ? code : code + 1, code + 1];
      if (got.join() !== expected.join()) expect([middle, got]).toEqual([middle, expected]);
    }
  });

  test('symmetrically', () => {
    fc.assert(
      fc.property(fc.double({ min: -2 * largest, max: 2 * largest, noNaN: true }), (value) => {
        const [plus, minus] = [format.decode(format.encode(Math.abs(value))), format.decode(format.encode(-Math.abs(value)))];
        expect(minus).toBe(plus === 0 && format.encode(-0) === 0 ? 0 : -plus);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  // the table "default" of ONNX Cast; x is NaN, Inf, -Inf, too large, -0
  ['float16', [NaN, Infinity, -Infinity, Infinity, -0]],
  ['bfloat16', [NaN, Infinity, -Infinity, Infinity, -0]],
  ['float8e4m3fn', [NaN, 448, -448, 448, -0]],
  ['float8e4m3fnuz', [NaN, 240, -240, 240, 0]],
  ['float8e5m2', [NaN, 57344, -57344, 57344, -0]],
  ['float8e5m2fnuz', [NaN, 57344, -57344, 57344, 0]],
  ['float4e2m1', [6, 6, -6, 6, -0]],
] as [DType, number[]][])('%s takes what is no number as Cast does', (dtype, expected) => {
  const format = of(dtype);
  expect([NaN, Infinity, -Infinity, 1e300, -0].map((value) => format.decode(format.encode(value)))).toEqual(expected);
});

test('float16 overflows from halfway to the next power of two on', () => {
  const { encode, decode } = of('float16');
  expect([65519.99, 65520].map((value) => decode(encode(value)))).toEqual([65504, Infinity]);
});

test('float8e8m0 rounds up to a power of two and stays in range', () => {
  const { encode, decode } = of('float8e8m0');
  const cases = [[0, 2 ** -127], [1, 1], [1.001, 2], [3, 4], [2 ** -126 * 1.5, 2 ** -125], [1e300, 2 ** 127], [Infinity, 2 ** 127], [NaN, NaN]] as const;
  for (const [value, expected] of cases) expect([value, decode(encode(value))]).toEqual([value, expected]);
});
