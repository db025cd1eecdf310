import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { rmsNormalizations } from './rms-normalization.ts';

const C = 'float[4] g = {1, 2, 3, 4}, float two = {2}, float three = {3}, float small = {1e-6}, float one = {1}, int64[1] last = {-1}, int64[1] first = {1}';
const left = (body: string, { opset = 18, inputs = 'float[N, M, 4] x, float[N, M, 4] z', outputs = 'float[N, M, 4] y' } = {}): string[] =>
  applied(`<ir_version: 10, opset_import: ["" : ${opset}]> f (${inputs}) => (${outputs}) <${C}> { ${body} }`, rmsNormalizations('onnxruntime'));
const ROOT = 'p = Pow(t, two)  v = ReduceMean(p, last)  e = Add(v, small)  s = Sqrt(e)';
const NORM = `${ROOT}  r = Div(one, s)  n = Mul(t, r)  y = Mul(g, n)`;

test('a sum and its normalization are one operator', () => {
  expect(left(`t = Add(x, z)  ${NORM}`)).toEqual(['y = SkipSimplifiedLayerNormalization(x, z, g)']);
  expect(left(`t = Add(x, z)  ${ROOT.replace('Pow(t, two)', 'Mul(t, t)')}  n = Div(t, s)  y = Mul(n, g)`)).toEqual(['y = SkipSimplifiedLayerNormalization(x, z, g)']);
  expect(left(`t = Add(x, z)  ${ROOT}  r = Reciprocal(s)  y = Mul(t, r)`)).toEqual(['y = SkipSimplifiedLayerNormalization(x, z, constant)']);
});

test('a sum that others read is given out too', () => {
  expect(left(`t = Add(x, z)  ${NORM}  w = Relu(t)`, { outputs: 'float[N, M, 4] y, float[N, M, 4] w' })).toEqual(['y, , , t = SkipSimplifiedLayerNormalization(x, z, g)', 'w = Relu(t)']);
});

test('without a sum it takes an opset that has the operator', () => {
  expect(left(`t = Relu(x)  ${NORM}`, { opset: 23 })).toEqual(['t = Relu(x)', 'y = RMSNormalization(t, g)']);
  expect(left(`t = Relu(x)  ${NORM}`)).toHaveLength(8);
});

test('layer normalization is left to its own rule', () => {
  const body = `m = ReduceMean(x, last)  t = Sub(x, m)  ${NORM}`;
  expect(left(body, { opset: 23 }).join()).not.toContain('RMSNormalization');
  expect(left(body.replace('Sub(x, m)', 'Sub(z, m)'), { opset: 23 }).join()).toContain('RMSNormalization(t, g)'); // less the mean of something else
});

test('look-alikes stay', () => {
  const stays = (body: string, more: Parameters<typeof left>[1] = {}): void => expect(left(`t = Add(x, z)  ${body}`, more).some((line) => line.includes('Normalization'))).toBe(false);
  stays(NORM.replace('last', 'first')); // over another axis
  stays(NORM.replace('Pow(t, two)', 'Pow(t, three)'));
  stays(NORM.replace('Pow(t, two)', 'Pow(x, two)')); // of another value
  stays(NORM.replace('Sqrt(e)', 'Sqrt(v)')); // no epsilon
  stays(NORM.replace('Div(one, s)', 'Div(two, s)'));
  stays(NORM, { inputs: 'float[N, M, 4] x, float[1, M, 4] z' });
  stays(NORM, { inputs: 'float[N, M, K] x, float[N, M, K] z' });
});
