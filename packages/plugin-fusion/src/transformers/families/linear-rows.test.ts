import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { linearRowsOf } from './linear-rows.ts';

const CONSTANTS = 'int64[2] rows = {-1, 4}, int64[3] tokens = {2, 5, 3}, float[4, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[3, 4] u = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[3] b = {1, 2, 3}, float[1] c = {1}';
const left = (body: string): string[] => applied(`<ir_version: 8, opset_import: ["" : 17]> g (float[2, 5, 4] x) => (y) <${CONSTANTS}> { ${body} }`, linearRowsOf('onnxruntime'));
const BODY = 'r = Reshape(x, rows)  p = Gemm(r, w, b)  y = Reshape(p, tokens)';

test('rows times weights are tokens times weights', () => {
  const [product, sum] = left(BODY);
  expect(product).toMatch(/= MatMul\(x, w\)$/);
  expect(sum).toBe(`y = Add(${product!.split(' = ')[0]}, b)`);
  expect(left(BODY.replace('(r, w, b)', '(r, w)'))).toEqual(['y = MatMul(x, w)']);
});

test('weights that are turned change their rows and columns', () => {
  expect(left(BODY.replace('Gemm(r, w, b)', 'Gemm <transB = 1> (r, u, b)'))[0]).toMatch(/= MatMul\(x, constant\)$/);
  expect(left(`${BODY.replace('Gemm(r, w, b)', 'Gemm <transB = 1> (r, u, b)').replace('y =', 'z =')}  y = MatMul(z, u)`)).toHaveLength(4); // tied to another reader
});

test('look-alikes stay', () => {
  const stays = (body: string): void => expect(left(body).join('\n')).not.toContain('MatMul');
  stays(BODY.replace('Gemm(', 'Gemm <alpha = 2.0> ('));
  stays(BODY.replace('(r, w, b)', '(r, w, c)')); // one number for all columns
  stays(BODY.replace('tokens)', 'other)').replace('y =', 'other = Constant <value_ints = [5, 2, 3]> ()  y =')); // other tokens
  stays(`${BODY.replace('y =', 'z =')}  q = Relu(p)  s = ReduceSum(q)  y = Add(z, s)`); // the product is read elsewhere
});
