import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { expand, reshapeByConstant, reshapeOfReshape, reshapeToSame, squeezePair } from './reshape.ts';

const RULES = [reshapeToSame, squeezePair, reshapeOfReshape, reshapeByConstant, expand];
const left = (text: string): string[] => applied(text, RULES);

test('a reshape to the shape that is there goes', () => {
  expect(left('g (float[N, 4] x) => (float[N, 4] y) <int64[2] s = {-1, 4}> { a = Reshape(x, s)  b = Flatten(a)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
});

test('a reshape of unknown effect stays', () => {
  expect(left('g (float[N, M] x) => (float[] y) <int64[2] s = {-1, 4}> { a = Reshape(x, s)  y = Relu(a) }')).toHaveLength(2);
  expect(left('g (float[] x) => (float[] y) { a = Flatten(x)  y = Relu(a) }')).toHaveLength(2);
  expect(left('g (float[?, 4] x) => (float[?, 4] y, int64[2] z) <int64[2] s = {4, -1}> { a = Reshape(x, s)  y = Relu(a)  z = Shape(x) }')).toHaveLength(3);
});

test('Squeeze undoes Unsqueeze, whatever the shape', () => {
  expect(left('g (float[] x) => (float[] y) <int64[1] i = {0}> { a = Unsqueeze(x, i)  b = Squeeze(a, i)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
  expect(left('<ir_version: 7, opset_import: ["" : 11]> g (float[] x) => (float[] y) { a = Squeeze <axes = [1]> (x)  b = Unsqueeze <axes = [1]> (a)  y = Relu(b) }')).toEqual(['y = Relu(x)']);
});

test('Squeeze of other axes than were added does something', () => {
  expect(left('g (float[1, N] x) => (float[] y) <int64[1] i = {0}, int64[1] j = {1}> { a = Unsqueeze(x, i)  b = Squeeze(a, j)  y = Relu(b) }').at(-1)).toBe('y = Relu(x)');
  expect(left('g (float[] x) => (float[] y) <int64[1] i = {0}, int64[1] j = {1}> { a = Unsqueeze(x, i)  b = Squeeze(a, j)  y = Relu(b) }')).toHaveLength(3);
});

test('a chain of reshapes is one', () => {
  expect(left('g (float[N, 4, 6] x) => (float[N, 24] y) <int64[3] s = {0, 2, 12}, int64[2] t = {0, -1}> { a = Reshape(x, s)  b = Reshape(a, t)  y = Relu(b) }')).toEqual(['b = Reshape(x, constant)', 'y = Relu(b)']);
});

test('a chain of Unsqueezes is one', () => {
  expect(left('g (float[N, M] x) => (float[N, 1, 1, M] y) <int64[1] i = {1}> { a = Unsqueeze(x, i)  b = Unsqueeze(a, i)  y = Relu(b) }')).toEqual(['b = Unsqueeze(x, constant)', 'y = Relu(b)']);
});

test('Unsqueezes of unknown rank are one where they count from the front', () => {
  const chain = (first: number, second: number): string[] => left(`g (float[] x) => (float[] y) <int64[1] i = {${first}}, int64[1] j = {${second}}> { a = Unsqueeze(x, i)  b = Unsqueeze(a, j)  y = Relu(b) }`);
  expect(chain(0, 0)).toEqual(['b = Unsqueeze(x, constant)', 'y = Relu(b)']);
  expect(chain(0, -1)).toHaveLength(3);
});

test('a step of the chain that others read stays', () => {
  expect(left('g (float[N, 4, 6] x) => (float[N, 24] y, float[N, 2, 12] z) <int64[3] s = {0, 2, 12}, int64[2] t = {0, -1}> { a = Reshape(x, s)  y = Reshape(a, t)  z = Relu(a) }')).toHaveLength(3);
  expect(left('g (float[N, 4, 6] x) => (float[N, 24] y, float[N, 2, 12] a) <int64[3] s = {0, 2, 12}, int64[2] t = {0, -1}> { a = Reshape(x, s)  y = Reshape(a, t) }')).toHaveLength(2);
});

test('a shape that is computed from the sizes that stay is a constant', () => {
  const text = `g (float[N, S, 12] x) => (float[N, S, 3, 4] y) <int64 i0 = {0}, int64 i1 = {1}, int64[1] u = {0}, int64[2] heads = {3, 4}> {
    s = Shape(x)  n = Gather(s, i0)  m = Gather(s, i1)  nu = Unsqueeze(n, u)  mu = Unsqueeze(m, u)
    t = Concat <axis = 0> (nu, mu, heads)  a = Reshape(x, t)  y = Relu(a) }`;
  expect(left(text)).toEqual(['a = Reshape(x, constant)', 'y = Relu(a)']);
});

test('a shape of two sizes that come from elsewhere stays', () => {
  const text = 'g (float[N, S, 12] x, float[A, B] z) => (float[A, B, C] y) <int64[1] c = {-1}> { s = Shape(z)  t = Concat <axis = 0> (s, c)  y = Reshape(x, t) }';
  expect(left(text)).toHaveLength(3);
});

test('where zeros are sizes, a shape that may have one stays', () => {
  const text = 'g (float[N, M] x, int64[2] s) => (float[] y) { y = Reshape <allowzero = 1> (x, s) }';
  expect(left(text)).toEqual(['y = Reshape(x, s)']);
});

test('Expand to the shape that is there goes', () => {
  expect(left('g (float[N, 3] x) => (float[N, 3] y) { s = Shape(x)  a = Expand(x, s)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
  expect(left('g (float[N, 3] x) => (float[N, 3] y) <int64[1] one = {1}> { a = Expand(x, one)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
});

test('Expand by sizes that are there already, and by numbers, needs no computed shape', () => {
  const text = 'g (float[N, 1, 3] x) => (float[N, 2, 3] y) <int64[1] z = {0}, int64[1] e = {1}, int64[2] r = {2, 3}> { s = Shape(x)  n = Slice(s, z, e)  t = Concat <axis = 0> (n, r)  y = Expand(x, t) }';
  expect(left(text)).toEqual(['y = Expand(x, constant)']);
});

test('Expand to a larger size, or to one that is not known, stays', () => {
  expect(left('g (float[1, 3] x, float[N, 3] z) => (float[N, 3] y) { s = Shape(z)  a = Expand(x, s)  y = Relu(a) }')).toHaveLength(3);
  expect(left('g (float[1, 3] x) => (float[1, 1, 3] y) <int64[3] s = {1, 1, 1}> { a = Expand(x, s)  y = Relu(a) }')).toHaveLength(2);
});
