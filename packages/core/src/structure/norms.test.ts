import { inferTypes, parseModel } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { constantAt, normsOf, type Norm } from './norms.ts';

const HEAD = '<ir_version: 10, opset_import: ["" : 17, "com.microsoft" : 1]>';
const C = 'float[4] g = {1,2,3,4}, float[4] b = {5,6,7,8}, float two = {2}, float half = {0.5}, float one = {1}, float small = {1e-5}, float scalar = {3}';
function norms(body: string, inputs = 'float[N, M, 4] x, float[N, M, 4] z'): Norm[] {
  const model = parseModel(`${HEAD} f (${inputs}) => (y) <${C}> { ${body} }`);
  inferTypes(model);
  return normsOf(model.graph);
}
const said = (n: Norm | undefined): unknown => n && [n.kind, n.input?.name, n.output.name, constantAt(n.gain)?.name, constantAt(n.bias)?.name];
const ROOT = 'p = Pow(x, two)  m = ReduceMean <axes = [-1]> (p)  e = Add(m, small)  s = Sqrt(e)';

test('operators are normalizations', () => {
  expect(norms('y = LayerNormalization(x, g, b)').map(said)).toEqual([['layer', 'x', 'y', 'g', 'b']]);
  expect(norms('y = SimplifiedLayerNormalization <axis = 2> (x, g)').map(said)).toEqual([['rms', 'x', 'y', 'g', undefined]]);
  expect(norms('y = LayerNormalization <axis = 1> (x, g, b)')).toEqual([]); // over two axes
});

test('an operator that adds first says what, and where it gives the sum', () => {
  const [kept] = norms('y = com.microsoft.SkipLayerNormalization(x, z, g, b)');
  expect(said(kept)).toEqual(['layer', undefined, 'y', 'g', 'b']);
  expect(kept?.summands.map((s) => s.index)).toEqual([0, 1]);
  const [given] = norms('w, , , t = com.microsoft.SkipSimplifiedLayerNormalization(x, z, g, b)  y = Add(w, t)');
  expect(said(given)).toEqual(['rms', 't', 'w', 'g', undefined]);
  expect(given?.summands.map((s) => s.index)).toEqual([0, 1, 3]);
});

test('written out, with a division, a reciprocal or one over the root, through casts', () => {
  const all = [`${ROOT}  n = Div(x, s)  y = Mul(n, g)`, `${ROOT}  r = Reciprocal(s)  n = Mul(x, r)  y = Mul(g, n)`, `c = Cast <to = 1> (x)  ${ROOT.replace('Pow(x, two)', 'Mul(c, c)')}  r = Div(one, s)  n = Mul(c, r)  d = Cast <to = 1> (n)  y = Mul(g, d)`];
  for (const body of all) expect(norms(body).map(said), body).toEqual([['rms', 'x', 'y', 'g', undefined]]);
});

test('a layer normalization takes the mean away, and may have a bias', () => {
  const body = `a = ReduceMean <axes = [-1]> (x)  d = Sub(x, a)  ${ROOT.replace('(x, two)', '(d, two)')}  n = Div(d, s)  k = Mul(n, g)`;
  expect(norms(`${body}  y = Add(k, b)`).map(said)).toEqual([['layer', 'x', 'y', 'g', 'b']]);
  expect(norms(`${body}  y = Relu(k)`).map(said)).toEqual([['layer', 'x', 'k', 'g', undefined]]);
});

test('without a factor the output is what was divided', () => {
  expect(norms(`${ROOT}  n = Div(x, s)  y = Relu(n)`).map(said)).toEqual([['rms', 'x', 'n', undefined, undefined]]);
  expect(norms(`${ROOT}  n = Div(x, s)  y = Mul(n, scalar)`).map(said)).toEqual([['rms', 'x', 'n', undefined, undefined]]);
});

test('look-alikes are none', () => {
  expect(norms(`${ROOT.replace('[-1]', '[1]')}  n = Div(x, s)  y = Mul(n, g)`)).toEqual([]); // over another axis
  expect(norms(`${ROOT}  n = Div(z, s)  y = Mul(n, g)`)).toEqual([]); // of another value
  expect(norms(`${ROOT.replace('two', 'half')}  n = Div(x, s)  y = Mul(n, g)`)).toEqual([]); // another power
  expect(norms(`${ROOT.replace('Add(m, small)', 'Add(m, m)')}  n = Div(x, s)  y = Mul(n, g)`)).toEqual([]); // no epsilon
});
