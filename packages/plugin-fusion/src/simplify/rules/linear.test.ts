import { float32sOf, inferTypes, parseModel, rewrite, tensorOf, type Model } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { affineIntoWeights } from './linear.ts';

const left = (text: string): string[] => applied(text, [affineIntoWeights]);
const W = 'float[2, 1, 1] w = {1, 2}';

function weightsOf(text: string): number[][] {
  const model: Model = parseModel(text);
  inferTypes(model);
  rewrite(model, [affineIntoWeights]);
  return [...model.graph.nodes][0]!.inputs.slice(1).map((v) => [...float32sOf(v!.constant!)]);
}

test('a BatchNormalization goes into the weights of its convolution', () => {
  const text = `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${W}, float[2] b = {1, 1}, float[2] gain = {2, 3}, float[2] shift = {5, 7}, float[2] mean = {4, 0}, float[2] var = {4, 1}> {
    a = Conv(x, w, b)  y = BatchNormalization <epsilon = 0.0> (a, gain, shift, mean, var) }`;
  expect(left(text)).toEqual(['y = Conv(x, constant, constant)']);
  expect(weightsOf(text)).toEqual([[1, 6], [2, 10]]);
});

test('Mul, Div, Add and Sub of one number per channel go too', () => {
  const text = `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${W}, float[2, 1] c = {2, 4}, float s = {8}> { a = Conv(x, w)  b = Mul(c, a)  d = Sub(b, c)  e = Add(s, d)  y = Div(e, c) }`;
  expect(left(text)).toEqual(['y = Conv(x, constant, constant)']);
  expect(weightsOf(text)).toEqual([[1, 2], [3, 1]]);
});

test('what is taken away from a constant changes its sign', () => {
  expect(weightsOf(`g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${W}, float s = {8}> { a = Conv(x, w)  y = Sub(s, a) }`)).toEqual([[-1, -2], [8, 8]]);
});

test('ConvTranspose has its channels in the second axis, and once per group', () => {
  const text = 'g (float[N, 4, 5] x) => (float[N, 4, 5] y) <float[4, 2, 1] w = {1, 1, 1, 1, 1, 1, 1, 1}, float[4, 1] c = {1, 2, 3, 4}> { a = ConvTranspose <group = 2> (x, w)  y = Mul(a, c) }';
  expect(weightsOf(text)).toEqual([[1, 2, 1, 2, 3, 4, 3, 4]]);
});

test('Gemm has its channels last, in either order of its weight, and its factors stay', () => {
  const gemm = (attributes: string): number[][] => weightsOf(`g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 1, 1, 1}, float[2] b = {1, 1}, float[2] c = {2, 3}> { a = Gemm <${attributes}> (x, w, b)  y = Mul(a, c) }`);
  expect(gemm('alpha = 0.5, beta = 10.0')).toEqual([[2, 3, 2, 3], [20, 30]]);
  expect(gemm('transB = 1')).toEqual([[2, 2, 3, 3], [2, 3]]);
});

test('a product of matrices takes factors, and with a bias becomes a Gemm', () => {
  expect(left('g (float[N, M, 2] x) => (float[N, M, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float[2] c = {2, 3}> { a = MatMul(x, w)  y = Mul(a, c) }')).toEqual(['y = MatMul(x, constant)']);
  expect(left('g (float[N, M, 2] x) => (float[N, M, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float[2] c = {2, 3}> { a = MatMul(x, w)  y = Add(a, c) }')).toHaveLength(2);
});

test('a weight that a shape fills stays filled', () => {
  const text = (c: string): string => `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <int64[3] s = {2, 1, 1}, float[2, 1] c = ${c}> { w = ConstantOfShape <value = float[1] {3}> (s)  a = Conv(x, w)  y = Mul(a, c) }`;
  expect(left(text('{2, 2}')).map((line) => line.replace(/^.* = /, ''))).toEqual(['ConstantOfShape(s)', expect.stringContaining('Conv(x, ')]);
  expect(left(text('{2, 3}'))).toHaveLength(3);
});

const keeps = (name: string, text: string): void => test(name, () => expect(left(text).join(' ')).not.toContain('constant'));
keeps('a convolution that others read stays', `g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[N, 2, 5] z) <${W}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s)  z = Relu(a) }`);
keeps('a convolution that is an output stays', `g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[N, 2, 5] a) <${W}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s) }`);
keeps('a weight that others read stays', `g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[2, 1, 1] z) <${W}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s)  z = Neg(w) }`);
keeps('a constant that widens the result stays', `g (float[1, 1, 5] x) => (float[3, 2, 5] y) <${W}, float[3, 1, 1] s = {8, 9, 10}> { a = Conv(x, w)  y = Mul(a, s) }`);
keeps('a constant along another axis stays', `g (float[1, 1, 5] x) => (float[1, 2, 5] y) <${W}, float[5] s = {8, 9, 10, 11, 12}> { a = Conv(x, w)  y = Mul(a, s) }`);
keeps('a constant of higher rank stays', `g (float[1, 1, 5] x) => (float[1, 1, 2, 5] y) <${W}, float[1, 1, 1, 1] s = {8}> { a = Conv(x, w)  y = Mul(a, s) }`);
keeps('what divides by the result stays', `g (float[1, 1, 5] x) => (float[1, 2, 5] y) <${W}, float s = {8}> { a = Conv(x, w)  y = Div(s, a) }`);
keeps('a division by 0 stays', `g (float[1, 1, 5] x) => (float[1, 2, 5] y) <${W}, float s = {0}> { a = Conv(x, w)  y = Div(a, s) }`);
keeps('a weight that the model computes stays', 'g (float[1, 1, 5] x, float[2, 1, 1] w) => (float[1, 2, 5] y) <float s = {8}> { a = Conv(x, w)  y = Mul(a, s) }');
keeps('a BatchNormalization in training stays', `g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[2] m, float[2] v) <${W}, float[2] g = {2, 3}> {
    a = Conv(x, w)  y, m, v = BatchNormalization <training_mode = 1> (a, g, g, g, g) }`);
keeps('a BatchNormalization with a variance below zero stays', `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${W}, float[2] g = {2, 3}, float[2] v = {-1, 1}> { a = Conv(x, w)  y = BatchNormalization(a, g, g, g, v) }`);

/** Integers would be bit patterns: ONNX's text has it so for half precision. */
const HALF = 'float16[2, 1, 1] w = {1.5, 2.0}, float16[2] b = {1.0, 1.0}';
const half = (constants: string, nodes: string): string => `g (float16[N, 1, 5] x) => (float16[N, 2, 5] y) <${HALF}, ${constants}> { a = Conv(x, w, b)  ${nodes} }`;

test('weights in half precision are computed in full and rounded once', () => {
  const text = half('float16[2] gain = {3.0, 0.1}, float16[2] shift = {0.1, 0.0}, float16[2] mean = {0.0, 0.0}, float16[2] var = {0.3, 1.0}', 'y = BatchNormalization <epsilon = 0.0> (a, gain, shift, mean, var)');
  expect(left(text)).toEqual(['y = Conv(x, constant, constant)']);
  const round16 = (v: number): number => float32sOf(tensorOf('float16', [1], [v]))[0]!;
  const [gain, offset, variance] = [round16(0.1), round16(0.1), round16(0.3)];
  expect(weightsOf(text)).toEqual([[round16(1.5 * (3 / Math.sqrt(variance))), round16(2 * gain)], [round16(3 / Math.sqrt(variance) + offset), round16(gain)]]);
});

test('what would be infinite in half precision stays', () => {
  expect(left(half('float16[2, 1] c = {50000.0, 1.0}', 'y = Mul(a, c)'))).toHaveLength(2);
  expect(left(half('float16[2, 1] c = {40000.0, 1.0}, float16[2, 1] d = {40000.0, 1.0}', 'e = Add(a, c)  y = Add(e, d)'))).toHaveLength(2); // the first goes
});

test('what would lose its digits in half precision stays', () => {
  expect(left(half('float16[2, 1] c = {0.00001, 1.0}', 'y = Mul(a, c)'))).toHaveLength(2);
  expect(left(half('float16[2, 1] c = {0.001, 0.0}', 'y = Mul(a, c)'))).toHaveLength(1);
});

test('what would be infinite in float32 stays', () => {
  expect(left('g (float[N, 1, 5] x) => (float[N, 2, 5] y) <float[2, 1, 1] w = {1e30, 2}, float s = {1e30}> { a = Conv(x, w)  y = Mul(a, s) }')).toHaveLength(2);
});
