import { expect, test } from 'vitest';
import { parseModel } from '@onnxpress/onnx';
import type { Feed } from '../services/tokens.ts';
import { distance, ROUNDING_TOLERANCE, toleranceFor } from './distance.ts';

const feed = (data: Float32Array, dims = [data.length]): Feed => ({ dtype: 'float32', dims, data });

test('distance is relative to the largest entry', () => {
  expect(distance(feed(Float32Array.of(1, -8)), feed(Float32Array.of(1, -6)))).toBe(0.25);
});

test('NaN equals NaN, and infinity itself', () => {
  const odd = Float32Array.of(NaN, Infinity, 1);
  expect(distance(feed(odd), feed(odd.slice()))).toBe(0);
  expect(distance(feed(odd), feed(Float32Array.of(NaN, 1, 1)))).toBe('was Infinity and is 1 at element 1');
});

test('another shape or type is no number', () => {
  expect(distance(feed(new Float32Array(4)), feed(new Float32Array(4), [2, 2]))).toBe('was [4] and is [2, 2]');
});

test('the low numbers of a mask hide nothing', () => {
  const masked = Float32Array.from({ length: 40 }, (_, i) => (i === 3 ? -3e38 : 1));
  const other = masked.slice();
  other[0] = 2;
  expect(distance(feed(masked), feed(other))).toBe(1);
});

test('whole numbers are numbers, and half precision too', () => {
  const whole = (n: bigint): Feed => ({ dtype: 'int64', dims: [1], data: BigInt64Array.of(n) });
  expect(distance(whole(4n), whole(5n))).toBe(0.25);
  const half = (bits: number): Feed => ({ dtype: 'float16', dims: [1], data: Uint16Array.of(bits) });
  expect(distance(half(0x4400), half(0x4500))).toBe(0.25); // 4 and 5
});

test('what is computed in half precision may be apart by more, and what is only stored so may not', () => {
  const of = (body: string): number => toleranceFor(parseModel(`<ir_version: 8, opset_import: ["" : 17]> ${body}`));
  expect(of('g (float[2] x) => (float[2] y) <float16[2] w = {1, 2}> { c = Cast <to = 1> (w)  y = Mul(x, c) }')).toBe(ROUNDING_TOLERANCE);
  expect(of('g (float[2] x) => (float[2] y) <float16[2] w = {1, 2}> { a = Cast <to = 10> (x)  b = Mul(a, w)  y = Cast <to = 1> (b) }')).toBeGreaterThan(ROUNDING_TOLERANCE);
});
