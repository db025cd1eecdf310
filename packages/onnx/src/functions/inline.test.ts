import { expect, test } from 'vitest';
import { validate } from '../ir/validate.ts';
import type { Model } from '../ir/model.ts';
import { failure } from '../testing/failure.ts';
import { parseModel } from '../text/parse.ts';
import { printModel } from '../text/print.ts';
import { inlineFunctions } from './inline.ts';

const model = (graph: string, functions: string, opset = 17): Model => parseModel(`<ir_version: 9, opset_import: ["" : ${opset}, "l" : 1]> ${graph} ${functions}`);
const f = (name: string, rest: string, opset = 17): string => `<domain: "l", opset_import: ["" : ${opset}, "l" : 1]> ${name} ${rest}`;

/** The main graph afterwards, as text; it is valid, and no function is left. */
function inlined(m: Model): string {
  expect(inlineFunctions(m).kept).toEqual([]);
  expect(validate(m)).toEqual([]);
  expect([m.functions.size, m.opsets.has('l')]).toEqual([0, false]);
  return printModel(m).replace(/^<.*?>\s*/s, '').replace(/\s+/g, ' ');
}

test('what a function does takes the place of its call, under the names around it', () => {
  const m = model('g (float[2] x) => (float[2] y) { a = l.f (x)  y = Relu (a) }', f('f', '(v) => (w) { t = Neg (v)  w = Abs (t) }'));
  expect(inlined(m)).toContain('{ t = Neg (x) a = Abs (t) y = Relu (a) }');
});

test('two calls have values of their own', () => {
  const m = model('g (float[2] x) => (float[2] y) { t = l.f (x)  y = l.f (t) }', f('f', '(v) => (w) { t = Neg (v)  w = Abs (t) }'));
  expect(inlined(m)).toMatch(/\{ (\w+) = Neg \(x\) t = Abs \(\1\) (\w+) = Neg \(t\) y = Abs \(\2\) \}/);
});

test('functions in functions, to the bottom', () => {
  const m = model('g (float[2] x) => (float[2] y) { y = l.f (x) }', `${f('f', '(v) => (w) { t = l.h (v)  w = l.h (t) }')} ${f('h', '(v) => (w) { w = Neg (v) }')}`);
  expect(inlined(m)).toContain('{ t = Neg (x) y = Neg (t) }');
});

test('an attribute of the call goes where the body refers to it, through two functions', () => {
  const m = model('g (float[2, 3] x) => (float[2, 1] y) { y = l.f <k = 1> (x) }', `${f('f', '<k> (v) => (w) { w = l.h <axis : int = @k> (v) }')} ${f('h', '<axis> (v) => (w) { t = Softmax <axis : int = @axis> (v)  i = Constant <value_int : int = @axis> ()  one = Constant <value_ints = [1]> ()  j = Reshape (i, one)  w = ReduceMax <axes = [1]> (t) }')}`);
  expect(inlined(m)).toMatch(/Softmax <axis: int = 1> \(x\).*value_int: int = 1/);
});

test('an attribute that a call leaves out has its default, or is left out too', () => {
  const m = model('g (float[2, 3] x) => (float[2, 3] y) { y = l.f (x) }', f('f', '<alpha : float = 0.5> (v) => (w) { t = LeakyRelu <alpha : float = @alpha> (v)  w = Softmax <axis : int = @axis> (t) }'));
  expect(inlined(m)).toMatch(/LeakyRelu <alpha: float = 0\.5> \(x\) y = Softmax \(t\)/);
});

test('an input that a call leaves out is left out inside, also in a branch', () => {
  const body = '(v, k, low, high) => (w) { t = Clip (v, low, high)  w = If (k) <then_branch = a () => (p) { p = Clip (t, low, high) }, else_branch = b () => (p) { p = Neg (t) }> }';
  const m = model('g (float[2] x, bool k, float z) => (float[2] y) { y = l.f (x, k, , z) }', f('f', body));
  expect(inlined(m)).toMatch(/t = Clip \(x, "", z\).*p = Clip \(t, "", z\)/);
  const none = model('g (float[2] x, bool k) => (float[2] y) { y = l.f (x, k) }', f('f', body));
  expect(inlined(none)).toMatch(/t = Clip \(x\).*p = Clip \(t\)/);
});

test('names inside a branch that are known outside are changed', () => {
  const m = model('g (float[2] x, bool k) => (float[2] y, float[2] p) { p = Neg (x)  y = l.f (x, k) }', f('f', '(v, k) => (w) { w = If (k) <then_branch = a () => (p) { x = Relu (v)  p = Abs (x) }, else_branch = b () => (p) { p = Neg (v) }> }'));
  expect(inlined(m)).toMatch(/then_branch: graph = a .* (\w+_1) = Relu \(x\)\s*\w+ = Abs \(\1\)/);
});

test('sizes that have a name in a branch are not those of that name outside', () => {
  const m = model('g (float[N] x, bool k) => (float[M] y) { y = l.f (x, k) }', f('f', '(v, k) => (w) { w = If (k) <then_branch = a () => (float[N] p) { p = Concat <axis = 0> (v, v) }, else_branch = b () => (float[N] p) { p = Concat <axis = 0> (v, v) }> }'));
  expect(inlined(m)).not.toMatch(/float\[N\] p\b/);
});

test('a function that gives out what it takes', () => {
  const m = model('g (float[2] x) => (float[2] y, float[2] z) { y, z = l.f (x) }', f('f', '(v) => (v, v) { }'));
  expect(inlined(m)).toMatch(/y = Identity \(x\)\s+z = Identity \(x\)/);
});

test('calls inside a loop are inlined there', () => {
  const m = model('g (float[2] x) => (float[2] y) <int64 n = {3}> { y = Loop (n, , x) <body = b (int64 i, bool c, float[2] s) => (bool d, float[2] r) { d = Identity (c)  r = l.f (s) }> }', f('f', '(v) => (w) { w = Neg (v) }'));
  expect(inlined(m)).toContain('r = Neg (s)');
});

test('a body of an older opset is raised, and so is the model where the body is newer', () => {
  const old = model('g (float[1, 2] x) => (float[2] y) { y = l.f (x) }', f('f', '(v) => (w) { w = Squeeze <axes = [0]> (v) }', 11));
  expect(inlined(old)).toMatch(/Constant <value: tensor = int64\[1\].*\{ ?0 ?\}> \(\) y = Squeeze \(x, \w+\)/);
  const newer = model('g (float[1, 2] x) => (float[2] y) { a = l.f (x)  y = Squeeze <axes = [0]> (a) }', f('f', '(v) => (w) { w = Gelu (v) }', 20), 11);
  expect(inlined(newer)).toMatch(/a = Gelu \(x\)/);
  expect(newer.opsets.get('')).toBe(20);
});

test('a function of another version of a further domain stays, and the reason is said', () => {
  const m = parseModel(`<ir_version: 9, opset_import: ["" : 17, "l" : 1, "com.acme" : 1]> g (float[2] x) => (float[2] y) { a = l.f (x)  y = com.acme.F (a) } <domain: "l", opset_import: ["" : 17, "com.acme" : 2]> f (v) => (w) { w = com.acme.F (v) }`);
  expect(inlineFunctions(m)).toEqual({ calls: 0, kept: [expect.stringMatching(/l\.f "a" stays a call.*opset 2 of com\.acme, and the model for 1/)] });
  expect(m.functions.size).toBe(1);
});

test('functions that call each other in a circle are refused', () => {
  const m = model('g (float[2] x) => (float[2] y) { y = l.f (x) }', `${f('f', '(v) => (w) { w = l.h (v) }')} ${f('h', '(v) => (w) { w = l.f (v) }')}`);
  expect(failure(() => inlineFunctions(m)).message).toMatch(/l\.f calls itself/);
});

test('what is not wanted stays, with the functions it needs', () => {
  const m = model('g (float[2] x) => (float[2] y) { a = l.f (x)  y = l.h (a) }', `${f('f', '(v) => (w) { w = l.h (v) }')} ${f('h', '(v) => (w) { w = Neg (v) }')}`);
  expect(inlineFunctions(m, (n) => n.opType !== 'f').calls).toBe(1);
  expect([...m.functions.keys()]).toEqual(['l::f', 'l::h']);
});
