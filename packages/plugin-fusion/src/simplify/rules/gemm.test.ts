import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { matmulAddToGemm } from './gemm.ts';

const sum = (a: string, b: string, c: string, rest = ''): string[] => applied(`g (${a} a, ${b} b, ${c} c) => (float[] y${rest && ', float[] z'}) { p = MatMul(a, b)  y = Add(p, c)  ${rest} }`, [matmulAddToGemm]);

test('a product of matrices and a sum are one Gemm', () => {
  expect(sum('float[N, 2]', 'float[2, 3]', 'float[3]')).toEqual(['y = Gemm(a, b, c)']);
  expect(sum('float[N, 2]', 'float[2, 3]', 'float[N, 3]')).toEqual(['y = Gemm(a, b, c)']);
  expect(sum('float[N, 2]', 'float[2, 3]', 'float[1]')).toEqual(['y = Gemm(a, b, c)']);
});

test('a bias that may widen the product stays', () => {
  expect(sum('float[1, 2]', 'float[2, 3]', 'float[M, 3]')).toHaveLength(2);
  expect(sum('float[N, 2]', 'float[2, 1]', 'float[3]')).toHaveLength(2);
  expect(sum('float[N, 2]', 'float[2, 3]', 'float[4, 1, 3]')).toHaveLength(2);
  expect(sum('float[N, 2]', 'float[2, ?]', 'float[?]')).toHaveLength(2);
});

test('products of other ranks and of integers stay', () => {
  expect(sum('float[B, N, 2]', 'float[2, 3]', 'float[3]')).toHaveLength(2);
  expect(sum('float[]', 'float[2, 3]', 'float[3]')).toHaveLength(2);
  expect(sum('int32[N, 2]', 'int32[2, 3]', 'int32[3]')).toHaveLength(2);
});

test('a product that others read stays', () => {
  expect(sum('float[N, 2]', 'float[2, 3]', 'float[3]', 'z = Relu(p)')).toHaveLength(3);
});
