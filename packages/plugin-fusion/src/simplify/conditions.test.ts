import { assertValid } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { after, afterPart } from '../testing/applied.ts';
import { conditions } from './conditions.ts';

const branch = (condition: string, suffix = '', from = 'x'): string => `If (${condition}) <then_branch = t${suffix} () => (float[N] p${suffix}) { p${suffix} = Relu(${from}) }, else_branch = e${suffix} () => (float[N] q${suffix}) { q${suffix} = Neg(${from}) }>`;

test('a negated condition swaps the branches', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { d = Not(c)  y = ${branch('d')} }`, conditions)).toEqual(['d = Not(c)', 'y = If(c)', '  q = Neg(x)', '  p = Relu(x)']);
});

test('a negation that others read stays for all', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y, bool z) { d = Not(c)  y = ${branch('d')}  z = Identity(d) }`, conditions)).toContain('y = If(d)');
});

test('two decisions on one condition become one', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { a = ${branch('c')}  b = ${branch('c', '2')}  y = Sub(a, b) }`, conditions)).toEqual(['a, b = If(c)', '  p = Relu(x)', '  p2 = Relu(x)', '  q = Neg(x)', '  q2 = Neg(x)', 'y = Sub(a, b)']);
});

test('names that both have are told apart', async () => {
  const model = await afterPart(`g (float[N] x, bool c) => (float[N] y) { a = ${branch('c')}  b = ${branch('c')}  y = Sub(a, b) }`, conditions);
  assertValid(model);
  expect(model.graph.nodeCount).toBe(2);
});

test('public names stay', async () => {
  const model = await afterPart(`g (float[N] x, bool c) => (float[N] y, float[N] z) { z = ${branch('c')}  y = ${branch('c', '2')} }`, conditions);
  assertValid(model);
  expect(model.graph.outputs.map((v) => v.name)).toEqual(['y', 'z']);
});

test('a decision that needs what the first one, or a node behind it, makes stays', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { a = ${branch('c')}  y = ${branch('c', '2', 'a')} }`, conditions)).toHaveLength(6);
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { a = ${branch('c')}  b = Abs(a)  y = ${branch('c', '2', 'b')} }`, conditions)).toHaveLength(7);
});

test('decisions on other conditions stay', async () => {
  expect(await after(`g (float[N] x, bool c, bool d) => (float[N] y) { a = ${branch('c')}  b = ${branch('d', '2')}  y = Sub(a, b) }`, conditions)).toHaveLength(7);
});
