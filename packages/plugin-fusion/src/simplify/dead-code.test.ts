import { expect, test } from 'vitest';
import { after, afterPart, applied } from '../testing/applied.ts';
import { deadCode, unusedOutputs } from './dead-code.ts';

test('what nobody reads goes, with all that only it needs', async () => {
  const model = await afterPart('g (float[N] x) => (float[N] y) <float c = {1}> { a = Add(x, c)  b = Neg(a)  y = Relu(x) }', deadCode);
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['Relu']);
  expect(model.graph.initializers.size).toBe(0);
});

test('what a branch reads is alive', async () => {
  expect(await after(`g (float[N] x, bool c) => (float[N] y) { a = Neg(x)
    y = If (c) <then_branch = t () => (float[N] p) { p = Relu(a) }, else_branch = e () => (float[N] q) { u = Neg(x)  q = Neg(x) }> }`, deadCode)).toEqual(['a = Neg(x)', 'y = If(c)', '  p = Relu(a)', '  q = Neg(x)']);
});

test('an unused input is part of the signature', async () => {
  expect((await afterPart('g (float[N] x, float[N] z) => (float[N] y) { y = Relu(x) }', deadCode)).graph.inputs).toHaveLength(2);
});

test('an optional output that nobody reads is not made', () => {
  expect(applied('g (float[N, 4] x) => (float[N, 4] y) <float[4] s = {1, 2, 3, 4}> { y, mean, deviation = LayerNormalization(x, s) }', [unusedOutputs])).toEqual(['y = LayerNormalization(x, s)']);
});

test('an output stays that is read, or lies in front of one', () => {
  expect(applied('g (float[N, 4] x) => (float[N, 4] y, float[N, 1] z) <float[4] s = {1, 2, 3, 4}> { y, mean, deviation = LayerNormalization(x, s)  z = Neg(deviation) }', [unusedOutputs])).toHaveLength(2);
});

test('the parts of a Split stay: their number says what each is', () => {
  expect(applied('g (float[4] x) => (float[2] y) { y, z = Split <num_outputs = 2> (x) }', [unusedOutputs])).toEqual(['y, z = Split(x)']);
});
