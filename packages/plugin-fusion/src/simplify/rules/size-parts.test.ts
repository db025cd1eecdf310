import { expect, test } from 'vitest';
import { parseModel, rewrite } from '@onnxpress/core';
import { applied } from '../../testing/applied.ts';
import { sizeParts } from './size-parts.ts';

const left = (text: string): string[] => applied(text, [sizeParts]);
const ends = (text: string): unknown[] => {
  const model = parseModel(text);
  rewrite(model, [sizeParts]);
  return [...model.graph.nodes].map((n) => [n.int('start'), n.int('end')]);
};

test('sizes in a row are a part of Shape', () => {
  expect(left('g (float[N, M, 3] x) => (int64[2] y) <int64[2] i = {1, 2}> { s = Shape(x)  y = Gather(s, i) }')).toEqual(['y = Shape(x)']);
  expect(ends('g (float[N, M, 3] x) => (int64[2] y) <int64[2] i = {1, 2}> { s = Shape(x)  y = Gather(s, i) }')).toEqual([[1, 3]]);
  expect(ends('g (float[N, M, 3] x) => (int64[1] y) <int64[1] i = {-1}> { s = Shape(x)  y = Gather(s, i) }')).toEqual([[-1, undefined]]);
  expect(ends('g (float[N, M, 3] x) => (int64[2] y) <int64[1] i = {1}, int64[1] e = {9223372036854775807}> { s = Shape(x)  y = Slice(s, i, e) }')).toEqual([[1, undefined]]);
});

test('a size that becomes a list is a part of Shape', () => {
  expect(ends('g (float[N, M, 3] x) => (int64[1] y) <int64 i = {0}, int64[1] u = {0}> { s = Shape(x)  n = Gather(s, i)  y = Unsqueeze(n, u) }')).toEqual([[undefined, 1]]);
});

test('a single size, sizes out of order and sizes across the end stay', () => {
  expect(left('g (float[N, M, 3] x) => (int64 y) <int64 i = {0}> { s = Shape(x)  y = Gather(s, i) }')).toHaveLength(2);
  expect(left('g (float[N, M, 3] x) => (int64[2] y) <int64[2] i = {1, 0}> { s = Shape(x)  y = Gather(s, i) }')).toHaveLength(2);
  expect(left('g (float[N, M, 3] x) => (int64[2] y) <int64[2] i = {-1, 0}> { s = Shape(x)  y = Gather(s, i) }')).toHaveLength(2);
});

test('before opset 15 Shape has no parts', () => {
  expect(left('<ir_version: 7, opset_import: ["" : 14]> g (float[N, M, 3] x) => (int64[2] y) <int64[2] i = {1, 2}> { s = Shape(x)  y = Gather(s, i) }')).toHaveLength(2);
});
