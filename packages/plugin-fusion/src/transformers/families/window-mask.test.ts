import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { windowMasks } from './window-mask.ts';

const left = (body: string, inputs = 'float[16, 6, 4, 8] q, float[16, 6, 8, 4] k, float[1, 8, 1, 4, 4] mask', shape = '-1, 8, 6, 4, 4'): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (${inputs}) => (y) <int64[5] apart = {${shape}}, int64[4] together = {-1, 6, 4, 4}> { s = MatMul(q, k)  ${body} }`, windowMasks('onnxruntime'));
const BODY = 'a = Reshape(s, apart)  m = Add(a, mask)  t = Reshape(m, together)  y = Softmax(t)';
const KINDS = (lines: readonly string[]): string[] => lines.map((line) => line.split(' = ')[1]!.split('(')[0]!);

test('a mask of windows is repeated for each image', () => {
  expect(KINDS(left(BODY, undefined, '2, 8, 6, 4, 4'))).toEqual(expect.arrayContaining(['MatMul', 'Squeeze', 'Tile', 'Add', 'Softmax']));
  expect(KINDS(left(BODY, undefined, '2, 8, 6, 4, 4'))).not.toContain('Reshape');
});

test('the number of images comes from what the scores are made of', () => {
  expect(KINDS(left(BODY, 'float[B, 6, 4, 8] q, float[B, 6, 8, 4] k, float[1, 8, 1, 4, 4] mask'))).not.toContain('Tile'); // nothing of three axes tells it
  const split = 'x = Reshape(images, windows)  r = Reshape(x, heads)  q = Transpose <perm = [0, 2, 1, 3]> (r)  s = MatMul(q, k)';
  const lines = applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[B, 32, 48] images, float[1, 6, 8, 4] k, float[1, 8, 1, 4, 4] mask) => (y) <int64[3] windows = {-1, 4, 48}, int64[4] heads = {0, 0, 6, 8}, int64[5] apart = {-1, 8, 6, 4, 4}, int64[4] together = {-1, 6, 4, 4}> { ${split}  ${BODY} }`, windowMasks('onnxruntime'));
  expect(lines.some((line) => line.includes('Shape(x)'))).toBe(true);
  expect(KINDS(lines)).toContain('Tile');
});

test('look-alikes stay', () => {
  const stays = (body: string, inputs?: string, shape = '2, 8, 6, 4, 4'): void => expect(KINDS(left(body, inputs, shape))).not.toContain('Tile');
  const inputs = (mask: string): string => `float[16, 6, 4, 8] q, float[16, 6, 8, 4] k, float${mask} mask`;
  stays(BODY, inputs('[2, 1, 1, 4, 4]')); // of each image, not of each window
  stays(BODY, inputs('[1, 8, 1, 4, N]')); // of a size that is not known
  stays(BODY.replace('y = Softmax(t)', 'y = Relu(t)')); // no attention
  stays(`${BODY.replace('y =', 'z =')}  n = Relu(a)  o = ReduceSum(n)  y = Add(z, o)`); // scores that are read apart
});
