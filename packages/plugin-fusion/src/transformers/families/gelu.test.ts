import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import type { Target } from '../target.ts';
import { gelus } from './gelu.ts';

const C = 'float root = {1.4142135623730951}, float inverse = {0.7071067811865476}, float other = {1.5}, float one = {1}, float half = {0.5}, float two = {2}, float three = {3}, float slope = {1.702}, float c = {0.7978845608028654}, float k = {0.044715}, float[4] b = {1, 2, 3, 4}, float[1] narrow = {1}';
const left = (body: string, target: Target = 'onnxruntime', opset = 20, outputs = 'float[N, 4] y'): string[] => applied(`<ir_version: 9, opset_import: ["" : ${opset}]> f (float[N, 4] x) => (${outputs}) <${C}> { ${body} }`, gelus(target));

const ERF = 'd = Div(x, root)  e = Erf(d)  s = Add(e, one)';
const EXACT = [`${ERF} m = Mul(x, s)  y = Mul(m, half)`, `${ERF} h = Mul(half, s)  y = Mul(h, x)`, `${ERF} h = Mul(x, half)  y = Mul(h, s)`, `${ERF.replace('Div(x, root)', 'Mul(inverse, x)')} m = Mul(x, s)  y = Mul(m, half)`];

test('GELU by the error function, its factors in any order', () => {
  for (const body of EXACT) expect(left(body)).toEqual(['y = Gelu(x)']);
  for (const body of EXACT) expect(left(body, 'onnx')).toEqual(['y = Gelu(x)']);
  expect(left(EXACT[0]!, 'onnx', 19)).toHaveLength(5);
});

test('GELU by the hyperbolic tangent, with the cube in each of its forms', () => {
  const end = 't = Tanh(q)  s = Add(t, one)  h = Mul(x, half)  y = Mul(h, s)';
  expect(left(`p = Pow(x, three)  a = Mul(p, k)  u = Add(x, a)  q = Mul(u, c)  ${end}`)).toEqual(['y = FastGelu(x)']);
  expect(left(`p2 = Mul(x, x)  p = Mul(x, p2)  a = Mul(k, p)  u = Add(x, a)  q = Mul(c, u)  ${end}`)).toEqual(['y = FastGelu(x)']);
  expect(left(`p2 = Mul(x, x)  a = Mul(p2, k)  u = Add(one, a)  w = Mul(x, c)  q = Mul(w, u)  ${end}`, 'onnx')).toEqual(['y = Gelu(x)']);
  expect(left(`p = Mul(x, k)  a = Mul(p, x)  u = Add(a, one)  w = Mul(x, c)  q = Mul(w, u)  ${end}`)).toEqual(['y = FastGelu(x)']);
  expect(left(`p = Pow(x, two)  a = Mul(p, k)  u = Add(x, a)  q = Mul(u, c)  ${end}`)).toHaveLength(8); // a square is no cube
});

test('a value times its sigmoid, with a slope or without', () => {
  expect(left('m = Mul(x, slope)  s = Sigmoid(m)  y = Mul(x, s)')).toEqual(['y = QuickGelu(x)']);
  expect(left('s = Sigmoid(x)  y = Mul(s, x)')).toEqual(['y = QuickGelu(x)']);
  expect(left('s = Sigmoid(x)  y = Mul(s, x)', 'onnx')).toHaveLength(2);
  expect(left('m = Mul(x, b)  s = Sigmoid(m)  y = Mul(x, s)')).toHaveLength(3); // a slope per column
});

test('a bias goes in where it has one number per column', () => {
  expect(left(`z = Add(x, b)  ${EXACT[0]!.replaceAll('x,', 'z,')}`)).toEqual(['y = BiasGelu(x, b)']);
  expect(left('z = Add(x, b)  y = Gelu <approximate = "tanh"> (z)')).toEqual(['y = FastGelu(x, b)']);
  expect(left('z = Add(x, narrow)  y = Gelu(z)')).toHaveLength(2);
  expect(left('z = Add(x, b)  y = Gelu(z)  w = Relu(z)', 'onnxruntime', 20, 'float[N, 4] y, float[N, 4] w')).toHaveLength(3);
});

test('look-alikes stay', () => {
  expect(left(EXACT[0]!.replace('root', 'other'))).toHaveLength(5); // another scale
  expect(left(EXACT[0]!.replace('half', 'one'))).toHaveLength(5); // twice as much
  expect(left(EXACT[0]!.replace('Add(e, one)', 'Add(e, half)'))).toHaveLength(5);
  expect(left(`${EXACT[0]!}  z = Relu(e)`, 'onnxruntime', 20, 'float[N, 4] y, float[N, 4] z')).toHaveLength(6); // a shared intermediate
});
