import { float32sOf, inferTypes, parseModel, rewrite } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { affineInFront } from './linear-front.ts';

const left = (text: string): string[] => applied(text, [affineInFront]);
const W = 'float[1, 2, 1] w = {1, 10}, float[2, 1] c = {2, 3}';

function weightsOf(text: string): number[][] {
  const model = parseModel(text);
  inferTypes(model);
  rewrite(model, [affineInFront]);
  return [...model.graph.nodes][0]!.inputs.slice(1).map((v) => [...float32sOf(v!.constant!)]);
}

test('a scale and a shift at an input go into the convolution behind it', () => {
  expect(weightsOf(`g (float[N, 2, 5] x) => (float[N, 1, 5] y) <${W}> { a = Mul(x, c)  y = Conv(a, w) }`)).toEqual([[2, 30]]);
  expect(weightsOf(`g (float[N, 2, 5] x) => (float[N, 1, 5] y) <${W}, float[1] b = {7}> { a = Sub(x, c)  y = Conv(a, w, b) }`)).toEqual([[1, 10], [7 - 2 - 30]]);
});

test('into a product of matrices too, from either side of the matrix', () => {
  expect(weightsOf('g (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 2, 3, 4, 5, 6}, float[2] c = {2, 3}> { a = Add(x, c)  y = MatMul(a, w) }')).toEqual([[1, 2, 3, 4, 5, 6], [14, 19, 24]]);
  expect(weightsOf('g (float[N, 2] x) => (float[N, 3] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}, float[2] c = {2, 3}> { a = Div(x, c)  y = Gemm <transB = 1> (a, w) }')[0]).toEqual([0.5, 2 / 3, 1.5, 4 / 3, 2.5, 2].map(Math.fround));
});

test('groups read channels of their own', () => {
  expect(weightsOf('g (float[N, 2, 5] x) => (float[N, 4, 5] y) <float[4, 1, 1] w = {1, 2, 3, 4}, float[2, 1] c = {2, 3}> { a = Mul(x, c)  y = Conv <group = 2> (a, w) }')).toEqual([[2, 4, 9, 12]]);
});

test('a shift stays where zeros are put around, a scale goes', () => {
  expect(left(`g (float[N, 2, 5] x) => (float[N, 1, 7] y) <${W}> { a = Add(x, c)  y = Conv <pads = [1, 1]> (a, w) }`)).toHaveLength(2);
  expect(left(`g (float[N, 2, 5] x) => (float[N, 1, 7] y) <${W}> { a = Mul(x, c)  y = Conv <pads = [1, 1]> (a, w) }`)).toHaveLength(1);
});

test('what is read elsewhere, spreads, or belongs to an activation stays', () => {
  expect(left(`g (float[N, 2, 5] x) => (float[N, 1, 5] y, float[N, 2, 5] a) <${W}> { a = Mul(x, c)  y = Conv(a, w) }`)).toHaveLength(2);
  expect(left(`g (float[N, 1, 5] x) => (float[N, 1, 5] y) <${W}> { a = Mul(x, c)  y = Conv(a, w) }`)).toHaveLength(2);
  expect(left(`g (float[N, 2, 5] x) => (float[N, 1, 5] y) <${W}> { r = Erf(x)  a = Mul(r, c)  y = Conv(a, w) }`)).toHaveLength(3);
  expect(left(`g (float[N, 2, 5] x) => (float[N, 1, 5] y, float[1, 2, 1] z) <${W}> { a = Mul(x, c)  y = Conv(a, w)  z = Neg(w) }`)).toHaveLength(3);
  expect(left('g (float[N, 4, 2] x) => (float[N, 4, 3] y) <float[2, 3] w = {1, 2, 3, 4, 5, 6}, float[2] c = {2, 3}> { a = Add(x, c)  y = MatMul(a, w) }')).toHaveLength(2);
});
