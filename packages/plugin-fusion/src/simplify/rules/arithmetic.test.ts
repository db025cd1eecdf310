import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { neutralOperand } from './arithmetic.ts';

const left = (text: string): string[] => applied(text, [neutralOperand]);

test('a neutral operand goes with its operator', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <float[1] one = {1}> { a = Mul(one, x)  b = Div(a, one)  c = Pow(b, one)  y = Relu(c) }')).toEqual(['y = Relu(x)']);
  expect(left('g (bool[N] x) => (bool[N] y) <bool t = {1}, bool f = {0}> { a = And(x, t)  b = Or(f, a)  y = Not(b) }')).toEqual(['y = Not(x)']);
});

test('zero is neutral for integers, and with the right sign for floats', () => {
  expect(left('g (int64[N] x) => (int64[N] y) <int64 zero = {0}> { a = Add(x, zero)  b = Sub(a, zero)  y = Abs(b) }')).toEqual(['y = Abs(x)']);
  expect(left('g (float[N] x) => (float[N] y) <float z = {0}, float n = {-0.0}> { a = Add(x, n)  b = Sub(a, z)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
});

test('0.0 added, or -0.0 taken away, changes -0.0', () => {
  expect(left('g (float[N] x) => (float[N] y) <float z = {0}> { a = Add(x, z)  y = Relu(a) }')).toEqual(['a = Add(x, z)', 'y = Relu(a)']);
  expect(left('g (float[N] x) => (float[N] y) <float n = {-0.0}> { a = Sub(x, n)  y = Relu(a) }')).toEqual(['a = Sub(x, n)', 'y = Relu(a)']);
});

test('what does not commute is neutral on its own side only', () => {
  expect(left('g (float[N] x) => (float[N] y) <float one = {1}> { a = Div(one, x)  b = Pow(one, a)  y = Sub(one, b) }')).toHaveLength(3);
});

test('an operand that widens the result stays', () => {
  expect(left('g (float[N] x) => (float[M, N] y) <float[1, 1] one = {1}> { a = Mul(x, one)  y = Relu(a) }')).toHaveLength(2);
  expect(left('g (float[1] x) => (float[2] y) <float[2] one = {1, 1}> { a = Mul(x, one)  y = Relu(a) }')).toHaveLength(2);
});

test('an operand that may widen a value of unknown rank stays', () => {
  expect(left('g (float[] x) => (float[] y) <float[1] one = {1}> { a = Mul(x, one)  y = Relu(a) }')).toHaveLength(2);
});

test('an input with a default is no constant', () => {
  expect(left('g (float[N] x, float one = {1}) => (float[N] y) { a = Mul(x, one)  y = Relu(a) }')).toHaveLength(2);
});

test('before opset 7 an attribute says how inputs are spread', () => {
  expect(left('<ir_version: 4, opset_import: ["" : 6]> g (float[N] x) => (float[N] y) <float[1] one = {1}> { a = Mul <broadcast = 1> (x, one)  y = Relu(a) }')).toHaveLength(2);
});

test('an operator of the same name in another domain means something else', () => {
  expect(left('<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]> g (float[N] x) => (float[N] y) <float one = {1}> { a = com.acme.Mul(x, one)  y = Relu(a) }')).toHaveLength(2);
});
