import { assertValid, parseModel, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { extract } from './extract.ts';

const MODEL = 'g (float[N, 2] x, float[N, 2] z) => (float[N, 2] y, float[N, 2] u) <float[2] c = {1, 2}> { a = Relu (x)  b = Add (a, c)  d = Mul (b, z)  y = Neg (d)  u = Abs (a) }';

function cut(options: { inputs?: string[]; outputs?: string[] }, text = MODEL): Model {
  const m = parseModel(text);
  void extract.run(m, { inputs: [], outputs: [], ...options }, testPassContext());
  assertValid(m);
  return m;
}
const signature = (m: Model): string => `${m.graph.inputs.map((v) => v.name).join(', ')} => ${m.graph.outputs.map((v) => v.name).join(', ')}`;

test('what lies between the values stays, under its names', () => {
  const m = cut({ inputs: ['a', 'z'], outputs: ['d'] });
  expect([signature(m), shown(m)]).toEqual(['z, a => d', ['b = Add(a, c)', 'd = Mul(b, z)']]);
  expect([m.graph.inputs[1]?.declared, m.graph.outputs[0]?.declared]).toEqual([expect.objectContaining({ dims: ['N', 2] }), expect.objectContaining({ dims: ['N', 2] })]);
});

test('without inputs the model’s own stay, as far as they are needed', () => {
  expect(signature(cut({ outputs: ['b'] }))).toBe('x => b');
});

test('without outputs the model’s own stay', () => {
  expect(signature(cut({ inputs: ['a', 'd'] }))).toBe('a, d => y, u');
});

test('globs name several values', () => {
  expect(signature(cut({ inputs: ['x', 'z'], outputs: ['[bd]'] }))).toBe('x, z => b, d');
});

test('a weight can become an input', () => {
  expect(signature(cut({ inputs: ['a', 'c'], outputs: ['b'] }))).toBe('a, c => b');
});

test('what a branch reads from outside can be given', () => {
  const m = cut({ inputs: ['a', 'k'], outputs: ['y'] }, 'g (float[N] x, bool k) => (float[N] y) { a = Relu (x)  y = If (k) <then_branch = t () => (float[N] p) { p = Neg (a) }, else_branch = e () => (float[N] a) { }> }');
  expect(signature(m)).toBe('k, a => y');
  expect(shown(m)).toEqual(['y = If(k)', '  p = Neg(a)']);
});

test('a value that is needed and not given is named, with who reads it', () => {
  expect(() => cut({ inputs: ['a'], outputs: ['d'] })).toThrow('"z" is needed by Mul "d" and cannot be computed from the given inputs. Give it too');
});

test('an input that leads to nothing is named', () => {
  expect(() => cut({ inputs: ['x', 'z'], outputs: ['u'] })).toThrow('No output needs the input "z"');
});

test('a name that is not there finds the near one, and a glob without a match shows what there is', () => {
  expect(() => cut({ outputs: ['dd'] })).toThrow(/"dd" under outputs names no value.*Did you mean "d"\?/);
  expect(() => cut({ inputs: ['/encoder/*'] })).toThrow(/"\/encoder\/\*" under inputs names no value.*There are: "x", "z"/);
});

test('a value that is asked for at both ends is refused', () => {
  expect(() => cut({ inputs: ['a'], outputs: ['a'] })).toThrow('"a" is asked for as an input and as an output');
});

const cases = passCases(extract, {
  changes: [{ name: 'the middle of a model', model: MODEL, options: { inputs: ['b', 'z'], outputs: ['y'] }, check: (m) => expect(signature(m)).toBe('z, b => y') }],
  keeps: [{ name: 'a model of which everything is wanted', model: MODEL }, { name: 'a model that has these outputs', model: MODEL, options: { outputs: ['y', 'u'] } }],
  rejects: [{ name: 'an option that is not there', options: { from: ['a'] }, says: /unknown option "from"/ }],
  notRun: 'the result has other inputs',
});
for (const c of cases) test(c.name, c.run);
