import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { padByNothing, sliceOfAll, tileByOnes } from './parts.ts';

const left = (text: string): string[] => applied(text, [sliceOfAll, padByNothing, tileByOnes]);

test('a Slice that takes everything goes', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <int64[1] s = {0}, int64[1] e = {9223372036854775807}, int64[1] a = {0}> { t = Slice(x, s, e, a)  y = Relu(t) }')).toEqual(['y = Relu(x)']);
  expect(left('<ir_version: 5, opset_import: ["" : 9]> g (float[N, 3] x) => (float[N, 3] y) { t = Slice <starts = [0], ends = [3], axes = [1]> (x)  y = Relu(t) }')).toEqual(['y = Relu(x)']);
});

test('a Slice to a size that has the same name goes', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <int64[1] z = {0}, int64[1] one = {1}> { s = Shape(x)  n = Slice(s, z, one)  t = Slice(x, z, n, z)  y = Relu(t) }').at(-1)).toBe('y = Relu(x)');
});

test('a Slice that leaves something out, turns around or goes to an unknown size stays', () => {
  expect(left('g (float[N, 3] x) => (float[N, 2] y) <int64[1] s = {1}, int64[1] e = {3}, int64[1] a = {1}> { t = Slice(x, s, e, a)  y = Relu(t) }')).toHaveLength(2);
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <int64[1] s = {-1}, int64[1] e = {-9223372036854775807}, int64[1] a = {1}, int64[1] st = {-1}> { t = Slice(x, s, e, a, st)  y = Relu(t) }')).toHaveLength(2);
  expect(left('g (float[N, 3] x, int64[1] e) => (float[M, 3] y) <int64[1] s = {0}> { t = Slice(x, s, e, s)  y = Relu(t) }')).toHaveLength(2);
  expect(left('g (float[N, 3] x, int64[1] steps) => (float[] y) <int64[1] s = {0}, int64[1] e = {9223372036854775807}, int64[1] a = {1}> { t = Slice(x, s, e, a, steps)  y = Relu(t) }')).toHaveLength(2);
});

test('Pad by nothing and Tile by ones go', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <int64[4] p = {0, 0, 0, 0}, int64[2] r = {1, 1}> { a = Pad(x, p)  b = Tile(a, r)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
  expect(left('<ir_version: 5, opset_import: ["" : 9]> g (float[N, 3] x) => (float[N, 3] y) { a = Pad <pads = [0, 0, 0, 0]> (x)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
});

test('Pad and Tile that do something stay', () => {
  expect(left('g (float[N, 3] x) => (float[N, 4] y) <int64[4] p = {0, 0, 0, 1}, int64[2] r = {1, 2}> { a = Pad(x, p)  b = Tile(a, r)  y = Relu(b) }')).toHaveLength(3);
});
