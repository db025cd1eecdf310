import { expect, test } from 'vitest';
import { after } from '../testing/applied.ts';
import { knownSizes } from './known-sizes.ts';

const left = (text: string): Promise<string[]> => after(text, knownSizes);

test('the same size from two values is computed once', async () => {
  const text = 'g (float[N, 3] x, float[N, 4] z) => (int64 y) <int64 i = {0}> { s = Shape(x)  t = Shape(z)  a = Gather(s, i)  b = Gather(t, i)  y = Add(a, b) }';
  expect(await left(text)).toContain('y = Add(a, a)');
});

test('sizes of other names, types or ranks stay apart', async () => {
  expect(await left('g (float[N] x, float[M] z) => (int64[1] y) { s = Shape(x)  t = Shape(z)  y = Add(s, t) }')).toContain('y = Add(s, t)');
  expect(await left('g (float[N] x) => (int64[1] y, int32[1] z) { s = Shape(x)  t = Cast <to = 6> (s)  y = Neg(s)  z = Neg(t) }')).toContain('z = Neg(t)');
  expect(await left('g (float[N] x) => (int64[1] y, int64 z) <int64[1] i = {0}> { s = Shape(x)  t = Squeeze(s, i)  y = Neg(s)  z = Neg(t) }')).toContain('z = Neg(t)');
});

test('sizes without a name stay apart', async () => {
  expect(await left('g (float[?] x, float[?] z) => (int64[1] y) { s = Shape(x)  t = Shape(z)  y = Add(s, t) }')).toContain('y = Add(s, t)');
});

test('arithmetic that gives the same is seen', async () => {
  const text = 'g (float[N, M] x) => (int64 y) <int64 i = {0}, int64 j = {1}, int64 two = {2}> { s = Shape(x)  a = Gather(s, i)  b = Gather(s, j)  c = Add(a, b)  d = Sub(c, b)  e = Mul(d, two)  f = Add(a, a)  y = Div(e, f) }';
  const lines = await left(text);
  expect(lines).toContain('e = Mul(a, two)');
  expect(lines).toContain('y = Div(e, e)');
});

test('a size is read from the graph around a branch, and not from another branch', async () => {
  const text = `g (float[N] x, float[N] z, bool c) => (int64[1] y) { s = Shape(x)
    b = If (c) <then_branch = t () => (int64[1] p) { r = Shape(z)  p = Neg(r) }, else_branch = e () => (int64[1] q) { q = Neg(s) }>  y = Sub(s, b) }`;
  expect(await left(text)).toContain('  p = Neg(s)');
});

test('a number and a list of one are the same size where that saves a node', async () => {
  const text = (more: string, out = ''): string => `<opset_import: ["" : 17]> g (float[N, 3] p, float[M, 3] x) => (int64 a, int64[1] y${out}) <int64 i = {0}, int64[1] j = {0}, int64[1] k = {1}> {
    s = Shape(p)  t = Shape(x)  b = Gather(s, i)  c = Gather(t, i)  a = Add(b, c)  all = Concat<axis = 0>(p, x)  u = Shape(all)  l = Slice(u, j, k)  y = Neg(l)  ${more} }`;
  const lines = await left(text(''));
  expect(lines.filter((l) => l.includes('Unsqueeze'))).toEqual([expect.stringMatching(/= Unsqueeze\(a, /)]);
  expect(await left(text('z = Neg(u)', ', int64[2] z'))).toContain('y = Neg(l)'); // the shape is read anyway
});

test('an output keeps its maker', async () => {
  expect(await left('g (float[N] x, float[N] z) => (int64[1] s, int64[1] t) { s = Shape(x)  t = Shape(z) }')).toEqual(['s = Shape(x)', 't = Shape(z)']);
});
