import { assertValid } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { after, afterPart } from '../testing/applied.ts';
import { inlineIf } from './inline-if.ts';

const BRANCHES = '<then_branch = t () => (float[N] p) <float k = {2}> { r = Mul(x, k)  p = Relu(r) }, else_branch = e () => (float[N] q) { q = Neg(x) }>';

test('the branch that is taken takes the place of the If', async () => {
  expect(await after(`g (float[N] x) => (float[N] y) <bool c = {1}> { a = If (c) ${BRANCHES}  y = Abs(a) }`, inlineIf)).toEqual(['r = Mul(x, k)', 'p = Relu(r)', 'y = Abs(p)']);
  expect(await after(`g (float[N] x) => (float[N] y) <bool c = {0}> { y = If (c) ${BRANCHES} }`, inlineIf)).toEqual(['y = Neg(x)']);
});

test('a condition on a known size is known', async () => {
  expect(await after(`g (float[N] x) => (float[N] y) <int64 one = {1}> { s = Shape(x)  r = Size(s)  c = Equal(r, one)  y = If (c) ${BRANCHES} }`, inlineIf)).toContain('y = Relu(r_1)');
});

test('a condition that the model computes stays', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { y = If (c) ${BRANCHES} }`, inlineIf)).toHaveLength(4);
});

test('a branch that gives out what lies around it needs no node', async () => {
  const text = 'g (float[N] x) => (float[N] y) <bool c = {1}> { z = Relu(x)  a = If (c) <then_branch = t () => (float[N] z) {}, else_branch = e () => (float[N] q) { q = Neg(x) }>  y = Abs(a) }';
  expect(await after(text, inlineIf)).toEqual(['z = Relu(x)', 'y = Abs(z)']);
});

test('names that are taken around the branch, or in another one, are not taken twice', async () => {
  const other = 'If (d) <then_branch = v () => (float[N] p) { r = Abs(x)  p = Sin(r) }, else_branch = w () => (float[N] q) { q = Cos(x) }>';
  const model = await afterPart(`g (float[N] x, bool d) => (float[N] y) <bool c = {1}> { b = ${other}  a = If (c) ${BRANCHES}  y = Add(a, b) }`, inlineIf);
  assertValid(model);
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['If', 'Mul', 'Relu', 'Add']);
});

test('an If in the branch that is taken is inlined too', async () => {
  const text = `g (float[N] x) => (float[N] y) <bool c = {1}> { y = If (c) <then_branch = t2 () => (float[N] m) { m = If (c) ${BRANCHES} }, else_branch = e2 () => (float[N] n) { n = Neg(x) }> }`;
  expect(await after(text, inlineIf)).toEqual(['r = Mul(x, k)', 'y = Relu(r)']);
});

test('an excluded If stays', async () => {
  expect(await after(`g (float[N] x) => (float[N] y) <bool c = {1}> { y = If (c) ${BRANCHES} }`, inlineIf, (n) => n.is('If'))).toHaveLength(4);
});
