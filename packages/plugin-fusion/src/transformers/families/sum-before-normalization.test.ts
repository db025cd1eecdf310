import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { sumsBeforeNormalization } from './sum-before-normalization.ts';

const C = 'float[4] g = {1, 2, 3, 4}, float[4] b = {4, 3, 2, 1}';
const left = (body: string, outputs = 'float[N, M, 4] y'): string[] => applied(`<ir_version: 10, opset_import: ["" : 17]> f (float[N, M, 4] x, float[N, M, 4] z, float[9, 4] table, int64[N, M] ids) => (${outputs}) <${C}> { ${body} }`, sumsBeforeNormalization('onnxruntime'));
const NORMAL = 'y = LayerNormalization <axis = -1> (t, g, b)';

test('what is added and then normalized is one Sum', () => {
  expect(left(`t = Add(x, z)  ${NORMAL}`)).toEqual(['t = Sum(x, z)', 'y = LayerNormalization(t, g, b)']);
  expect(left(`s = Add(x, b)  t = Add(s, z)  ${NORMAL}`)).toEqual(['t = Sum(x, b, z)', 'y = LayerNormalization(t, g, b)']);
  expect(left(`s = Add(x, b)  t = Add(z, s)  m = ReduceMean <axes = [-1]> (t)  y = Sub(t, m)`)[0]).toBe('t = Sum(x, b, z)');
});

test('a sum that others read stays one of two', () => {
  expect(left(`s = Add(x, b)  t = Add(s, z)  ${NORMAL}  w = Relu(s)`, 'float[N, M, 4] y, float[N, M, 4] w')).toContain('t = Sum(s, z)');
});

test('look-alikes stay', () => {
  expect(left('t = Add(x, z)  y = Relu(t)')).toEqual(['t = Add(x, z)', 'y = Relu(t)']);
  expect(left(`e = Gather(table, ids)  t = Add(e, z)  ${NORMAL}`)).toContain('t = Add(e, z)'); // embeddings have an operator of their own
  expect(left(`t = Mul(x, z)  ${NORMAL}`)).toContain('t = Mul(x, z)');
});
