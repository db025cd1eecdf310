import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { dropout, identity, sameOperands, splitIntoOne } from './identity.ts';

const left = (text: string): string[] => applied(text, [identity, splitIntoOne, sameOperands, dropout]);

test('what does nothing goes', () => {
  expect(left('g (float[N] x) => (float[N] y) { a = Identity(x)  b = Concat <axis = 0> (a)  c = Sum(b)  d = Max(c, c)  [s] e = Split <num_outputs = 1> (d)  y = Relu(e) }')).toEqual(['y = Relu(x)']);
});

test('an Identity that gives out an input, or a value twice, keeps a public name', () => {
  expect(left('g (float[N] x) => (float[N] y) { y = Identity(x) }')).toEqual(['y = Identity(x)']);
  expect(left('g (float[N] x) => (float[N] y, float[N] z) { y = Relu(x)  z = Identity(y) }')).toEqual(['y = Relu(x)', 'z = Identity(y)']);
});

test('the maker of an output takes its name', () => {
  expect(left('g (float[N] x) => (float[N] y) { a = Relu(x)  y = Identity(a) }')).toEqual(['y = Relu(x)']);
});

test('the sum of a value with itself is not the value', () => {
  expect(left('g (float[N] x) => (float[N] y) { y = Sum(x, x) }')).toEqual(['y = Sum(x, x)']);
});

test('Dropout in inference goes', () => {
  expect(left('<ir_version: 7, opset_import: ["" : 10]> g (float[N] x) => (float[N] y) { a, mask = Dropout <ratio = 0.5> (x)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
  expect(left('g (float[N] x) => (float[N] y) <float r = {0.5}, bool t = {0}> { a = Dropout(x, r, t)  y = Relu(a) }')).toEqual(['y = Relu(x)']);
});

test('Dropout stays in training, where a caller may say so, and where its mask is read', () => {
  expect(left('g (float[N] x) => (float[N] y) <float r = {0.5}, bool t = {1}> { a = Dropout(x, r, t)  y = Relu(a) }')).toHaveLength(2);
  expect(left('g (float[N] x, bool t) => (float[N] y) <float r = {0.5}> { a = Dropout(x, r, t)  y = Relu(a) }')).toHaveLength(2);
  expect(left('g (float[N] x) => (bool[N] y) { a, m = Dropout(x)  y = Not(m) }')).toHaveLength(2);
  expect(left('<ir_version: 3, opset_import: ["" : 6]> g (float[N] x) => (float[N] y) { a = Dropout(x)  y = Relu(a) }')).toHaveLength(2);
});

test('what a subgraph reads is read there under its new name', () => {
  expect(left(`g (float[N] x, bool c) => (float[N] y) { a = Identity(x)
    y = If (c) <then_branch = t () => (float[N] p) { p = Relu(a) }, else_branch = e () => (float[N] q) { q = Neg(a) }> }`)).toEqual(['y = If(c)', '  p = Relu(x)', '  q = Neg(x)']);
});

test('the result of a branch is made in the branch', () => {
  expect(left(`g (float[N] x, bool c) => (float[N] y) {
    y = If (c) <then_branch = t () => (float[N] p) { p = Identity(x) }, else_branch = e () => (float[N] q) { q = Neg(x) }> }`)).toContain('  p = Identity(x)');
});
