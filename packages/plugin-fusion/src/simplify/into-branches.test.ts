import { assertValid } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { after, afterPart } from '../testing/applied.ts';
import { intoBranches } from './into-branches.ts';

const model = (then: string, rest: string): string => `g (float[N] x, bool c) => (float[] y) <int64[1] i = {0}> { a = If (c) <then_branch = t () => (float[] p) { ${then} }, else_branch = e () => (float[] q) { q = Identity(x) }>  ${rest} }`;

test('an Unsqueeze behind a decision takes the place of an Identity in a branch', async () => {
  const text = model('p = Unsqueeze(x, i)', 'b = Unsqueeze(a, i)  y = Relu(b)');
  assertValid(await afterPart(text, intoBranches));
  expect(await after(text, intoBranches)).toEqual(['a = If(c)', '  p = Unsqueeze(x, i)', '  b_1 = Unsqueeze(p, i)', '  b_2 = Unsqueeze(x, i)', 'y = Relu(a)']);
});

test('it stays where a branch would get one more node', async () => {
  expect(await after(model('p = Relu(x)', 'b = Unsqueeze(a, i)  y = Relu(b)'), intoBranches)).toHaveLength(5);
});

test('it stays where others read the result of the decision', async () => {
  expect(await after(model('p = Unsqueeze(x, i)', 'b = Unsqueeze(a, i)  d = Shape(a)  y = Reshape(b, d)'), intoBranches)).toHaveLength(6);
});

test('an output keeps its maker', async () => {
  expect(await after(model('p = Unsqueeze(x, i)', 'y = Unsqueeze(a, i)'), intoBranches)).toContain('y = Unsqueeze(a, i)');
});
