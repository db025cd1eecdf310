import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { transposeOfTranspose, transposeToSame } from './transpose.ts';

const left = (text: string): string[] => applied(text, [transposeToSame, transposeOfTranspose]);

test('a Transpose that moves nothing goes', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) { a = Transpose <perm = [0, 1]> (x)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
});

test('a Transpose that undoes another goes with it', () => {
  expect(left('g (float[A, B, C] x) => (float[A, B, C] y) { a = Transpose <perm = [1, 2, 0]> (x)  b = Transpose <perm = [2, 0, 1]> (a)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
  expect(left('g (float[A, B, C] x) => (float[A, B, C] y) { a = Transpose(x)  b = Transpose(a)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
});

test('two are one', () => {
  const text = 'g (float[A, B, C] x) => (float[B, A, C] y) { a = Transpose <perm = [1, 2, 0]> (x)  b = Transpose <perm = [0, 2, 1]> (a)  y = Relu(b) }';
  expect(left(text)).toEqual(['b = Transpose(x)', 'y = Relu(b)']);
});

test('the first one stays for its other readers', () => {
  expect(left('g (float[A, B] x) => (float[A, B] y, float[B, A] z) { a = Transpose(x)  b = Transpose(a)  y = Relu(b)  z = Neg(a) }')).toEqual(['a = Transpose(x)', 'y = Relu(x)', 'z = Neg(a)']);
});

test('the reverse of an unknown rank is left alone', () => {
  expect(left('g (float[] x) => (float[] y) { a = Transpose(x)  y = Transpose <perm = [1, 0]> (a) }')).toHaveLength(2);
});
