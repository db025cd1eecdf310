import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { keptAxes } from './reduce.ts';

const left = (text: string): string[] => applied(text, [keptAxes]);

test('axes that are dropped and put back are kept', () => {
  expect(left('<ir_version: 8, opset_import: ["" : 17]> g (float[N, 3, 4] x) => (float[N, 1, 4] y) <int64[1] i = {1}> { a = ReduceMean <axes = [-2], keepdims = 0> (x)  y = Unsqueeze(a, i) }')).toEqual(['y = ReduceMean(x)']);
  expect(left('g (float[N, 3, 4] x) => (float[N, 1, 4] y) <int64[1] i = {1}> { a = ReduceMean <keepdims = 0> (x, i)  y = Unsqueeze(a, i) }')).toEqual(['y = ReduceMean(x, i)']);
});

test('another axis is put there', () => {
  expect(left('g (float[N, 3, 4] x) => (float[N, 4, 1] y) <int64[1] i = {1}, int64[1] j = {2}> { a = ReduceMean <keepdims = 0> (x, i)  y = Unsqueeze(a, j) }')).toHaveLength(2);
});

test('a reduction that others read stays as it is', () => {
  expect(left('g (float[N, 3, 4] x) => (float[N, 1, 4] y, float[N, 4] z) <int64[1] i = {1}> { a = ReduceMean <keepdims = 0> (x, i)  y = Unsqueeze(a, i)  z = Relu(a) }')).toContain('z = Relu(a)');
});
