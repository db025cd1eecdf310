import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { layerNormalizations } from './layer-normalization.ts';

const C = 'float[4] g = {1, 2, 3, 4}, float[4] b = {5, 6, 7, 8}, float two = {2}, float small = {1e-5}, float half = {0.5}, float one = {1}, int64[1] last = {-1}, int64[1] first = {1}, int64[1] rear = {2}';
const at = (opset: number): string => `<ir_version: 8, opset_import: ["" : ${opset}]>`;
const left = (body: string, { opset = 17, inputs = 'float[N, M, 4] x', outputs = 'float[N, M, 4] y', target = 'onnx' as 'onnx' | 'onnxruntime' } = {}): string[] =>
  applied(`${at(opset)} f (${inputs}) => (${outputs}) <${C}> { ${body} }`, layerNormalizations(target));
const MEAN = 'm = ReduceMean <axes = [-1]> (x)  d = Sub(x, m)';
const VARIANCE = 'p = Pow(d, two)  v = ReduceMean <axes = [-1]> (p)  e = Add(v, small)';
const END = 'n = Div(d, s)  k = Mul(n, g)  y = Add(k, b)';
const ONE = ['y = LayerNormalization(x, g, b)'];

test('the form that exporters write becomes one operator', () => {
  expect(left(`${MEAN} ${VARIANCE} s = Sqrt(e)  ${END}`)).toEqual(ONE);
  expect(left(`m = ReduceMean(x, last)  d = Sub(x, m)  p = Mul(d, d)  v = ReduceMean(p, rear)  e = Add(small, v)  s = Sqrt(e)  ${END}`, { opset: 18 })).toEqual(ONE);
});

test('the deviation may be a power, a reciprocal, or one divided by a root', () => {
  expect(left(`${MEAN} ${VARIANCE} s = Pow(e, half)  ${END}`)).toEqual(ONE);
  expect(left(`${MEAN} ${VARIANCE} s = Sqrt(e)  r = Reciprocal(s)  n = Mul(d, r)  k = Mul(g, n)  y = Add(b, k)`)).toEqual(ONE);
  expect(left(`${MEAN} ${VARIANCE} s = Sqrt(e)  r = Div(one, s)  n = Mul(d, r)  k = Mul(g, n)  y = Add(b, k)`)).toEqual(ONE);
});

test('without a factor, or without what is added', () => {
  const bare = `${MEAN} ${VARIANCE} s = Sqrt(e)`;
  expect(left(`${bare}  y = Div(d, s)`)).toEqual(['y = LayerNormalization(x, constant)']);
  expect(left(`${bare}  n = Div(d, s)  y = Mul(n, g)`)).toEqual(['y = LayerNormalization(x, g)']);
  expect(left(`${bare}  n = Div(d, s)  y = Add(n, b)`)).toEqual(['y = LayerNormalization(x, constant, b)']);
  expect(left(`${bare}  n = Div(d, s)  y = Mul(n, w)`, { inputs: 'float[N, M, 4] x, float[N, M, 1] w' })).toEqual([expect.stringMatching(/^n = LayerNormalization\(x, /), 'y = Mul(n, w)']);
  expect(left('t = Add(x, z)  y = LayerNormalization(t, g)', SKIP)).toEqual(['y = SkipLayerNormalization(x, z, g)']);
});

test('look-alikes stay', () => {
  const stays = (body: string, more: Parameters<typeof left>[1] = {}): void => expect(left(body, more).some((line) => line.includes('Normalization'))).toBe(false);
  stays(`${MEAN} ${VARIANCE.replace('axes = [-1]', 'axes = [1]')} s = Sqrt(e)  ${END}`); // variance over another axis
  stays(`${MEAN.replace('[-1]', '[1]')} ${VARIANCE} s = Sqrt(e)  ${END}`); // mean over another axis
  stays(`${MEAN.replace('[-1]', '[1, 2]')} ${VARIANCE.replace('[-1]', '[1, 2]')} s = Sqrt(e)  ${END}`); // over two
  stays(`${MEAN} p = Pow(d, two)  v = ReduceMean <axes = [-1]> (p)  s = Sqrt(v)  ${END}`); // no epsilon
  stays(`${MEAN} ${VARIANCE.replace('two', 'half')} s = Sqrt(e)  ${END}`); // another power
  stays(`${MEAN} p = Pow(x, two)  v = ReduceMean <axes = [-1]> (p)  e = Add(v, small)  s = Sqrt(e)  ${END}`); // not around the mean
  stays(`${MEAN} ${VARIANCE} s = Sqrt(e)  n = Div(x, s)  k = Mul(n, g)  y = Add(k, b)`); // not centered
  stays(`${MEAN} ${VARIANCE} s = Sqrt(e)  ${END}  z = Relu(d)`, { outputs: 'float[N, M, 4] y, float[N, M, 4] z' }); // a shared intermediate
  stays(`${MEAN} ${VARIANCE} s = Sqrt(e)  ${END}`, { outputs: 'float[N, M, 4] y, float[N, M, 1] v' }); // a public intermediate
  stays(`${MEAN} ${VARIANCE} s = Sqrt(e)  ${END}`, { inputs: 'float[N, M, K] x' }); // a size that is not known
  stays(`${MEAN} ${VARIANCE} s = Sqrt(e)  ${END}`, { opset: 16 }); // no such operator yet
});

const SKIP = { target: 'onnxruntime', inputs: 'float[N, M, 4] x, float[N, M, 4] z' } as const;

test('a sum and its normalization are one operator for onnxruntime, with the bias before it', () => {
  expect(left('t = Add(x, z)  y = LayerNormalization(t, g, b)', SKIP)).toEqual(['y = SkipLayerNormalization(x, z, g, b)']);
  expect(left('u = Add(x, b)  t = Add(z, u)  y = LayerNormalization(t, g, b)', SKIP)).toEqual(['y = SkipLayerNormalization(x, z, g, b, b)']);
  expect(left(`x2 = Add(x, z)  ${MEAN.replaceAll('x,', 'x2,').replace('(x)', '(x2)')} ${VARIANCE} s = Sqrt(e)  ${END}`, { ...SKIP, opset: 14 })).toEqual(['y = SkipLayerNormalization(x, z, g, b)']);
});

test('a sum that others read is given out too', () => {
  expect(left('t = Add(x, z)  y = LayerNormalization(t, g, b)  w = Relu(t)', { ...SKIP, outputs: 'float[N, M, 4] y, float[N, M, 4] w' })).toEqual(['y, , , t = SkipLayerNormalization(x, z, g, b)', 'w = Relu(t)']);
});

test('a sum that spreads, and one of values of other ranks, stays', () => {
  expect(left('t = Add(x, z)  y = LayerNormalization(t, g, b)', { ...SKIP, inputs: 'float[N, M, 4] x, float[1, M, 4] z' })).toHaveLength(2);
  expect(left('t = Add(x, z)  y = LayerNormalization(t, g, b)', { ...SKIP, inputs: 'float[N, M, 2, 4] x, float[N, M, 2, 4] z', outputs: 'float[N, M, 2, 4] y' })).toHaveLength(2);
  expect(left('t = Add(x, z)  y = LayerNormalization <axis = 1> (t, g, b)', SKIP)).toHaveLength(2);
});
