import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { keptAxes, squeezedReduction } from './reduce.ts';

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

test('an axis of size 1 next to the reduced one may stay in its place', () => {
  const squeezed = (gone: number, axis: number): string[] => applied(`g (float[1, N, 4] x) => (float[] y) <int64[1] i = {${gone}}, int64[1] j = {${axis}}> { a = Squeeze(x, i)  y = ReduceMean(a, j) }`, [squeezedReduction]);
  expect(squeezed(0, 0)).toEqual(['y = ReduceMean(x, constant)']);
  expect(squeezed(0, -2)).toEqual(['y = ReduceMean(x, constant)']);
  expect(squeezed(0, 1)).toHaveLength(2);
});

test('a reduction that drops its axis has another rank', () => {
  expect(applied('g (float[1, N, 4] x) => (float[] y) <int64[1] i = {0}> { a = Squeeze(x, i)  y = ReduceMean <keepdims = 0> (a, i) }', [squeezedReduction])).toHaveLength(2);
});
