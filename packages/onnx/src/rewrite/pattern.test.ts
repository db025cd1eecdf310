import { expect, test } from 'vitest';
import { parseGraph } from '../text/parse.ts';
import { printGraph } from '../text/print.ts';
import { integersOf } from './forms.ts';
import { anyAttributes, anyOf, attribute, constant, kept, named, oneOf, optional, value, values } from './pattern.ts';
import { rewrite } from './rewrite.ts';
import { copyOf, rule, type Rule } from './rule.ts';

/** The nodes after the rules, and why they did not fit where they did not, at the graph's last node. */
function run(text: string, r: Rule, opset = 20): { nodes: string; why: string } {
  const g = parseGraph(text, new Map([['', opset]]));
  const last = g.outputs[0]?.producer;
  let why = '';
  rewrite(g, [r], { missed: (miss) => { if (miss.node === last) why ||= miss.reason; } });
  return { nodes: nodesOf(printGraph(g)), why };
}
const nodesOf = (text: string): string => text.slice(text.indexOf('{\n') + 2, text.lastIndexOf('}')).replace(/^ +/gm, '').trim();

const x = value();
const y = value();
const toRelu = (match: Parameters<typeof rule<{ x: typeof x }>>[1]['match']): Rule => rule('r', { vars: { x }, match, build: (m, op) => op.Relu(m.x) });
const f = (body: string, more = ''): string => `g (float[2, 3] x, float[2, 3] z) => (float[2, 3] y) ${more} { ${body} }`;

test('a hole takes any value', () => {
  expect(run(f('y = Abs(x)'), toRelu(({ x }, op) => op.Abs(x))).nodes).toBe('y = Relu (x)');
});

test('one hole in two places is the same value twice', () => {
  const r = toRelu(({ x }, op) => op.Sub(x, x));
  expect(run(f('y = Sub(x, x)'), r).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Sub(x, z)'), r).why).toBe('"z" should be "x" again');
});

test.each([
  [{ rank: 2 }, ''],
  [{ rank: 3 }, '"x" has rank 2, not 3'],
  [{ dtype: 'float32' }, ''],
  [{ dtype: ['int8', 'uint8'] }, '"x" is float32, not int8 or uint8'],
  [{ dims: [null, 3] }, ''],
  [{ dims: [3, null] }, '"x" is [2, 3], not [3, ?]'],
  [{ dims: [2] }, '"x" is [2, 3], not [2]'],
] as const)('a value that should be %j: "%s"', (demand, why) => {
  const r = rule('r', { vars: { x: value(demand) }, match: ({ x }, op) => op.Abs(x), build: (m, op) => op.Relu(m.x) });
  expect(run(f('y = Abs(x)'), r).why).toBe(why);
});

test('what the model does not tell does not fit', () => {
  const r = (demand: { rank?: number; dims?: number[] }): Rule => rule('r', { vars: { x: value(demand) }, match: ({ x }, op) => op.Abs(x), build: (m, op) => op.Relu(m.x) });
  const text = 'g (float[] x) => (float[] y) { y = Abs(x) }';
  expect([run(text, r({ rank: 1 })).why, run(text, r({ dims: [1] })).why]).toEqual(['the rank of "x" is not known', 'the shape of "x" is not known']);
});

test('a constant is an initializer or a Constant node', () => {
  const r = rule('r', { vars: { x, c: constant() }, match: ({ x, c }, op) => op.Sub(x, c), build: (m, op) => op.Pow(m.x, m.c) });
  expect(run(f('y = Sub(x, c)', '<float c = {2}>'), r).nodes).toBe('y = Pow (x, c)');
  expect(run(f('c = Constant<value_float = 2.0>() y = Sub(x, c)'), r).nodes).toContain('y = Pow (x, c)');
  expect(run(f('y = Sub(x, z)'), r).why).toBe('"z" is not a constant');
});

test.each([
  ['float c = {0.5}', { scalar: 0.5 }, ''],
  ['float[1, 1] c = {0.5}', { scalar: 0.5 }, ''],
  ['float16 c = {1.4140625}', { scalar: Math.SQRT2 }, ''],
  ['float c = {1.4140625}', { scalar: Math.SQRT2 }, '"c" is 1.4140625, not 1.4142135623730951'],
  ['int64 c = {2}', { scalar: true }, ''],
  ['float[2] c = {1, 2}', { scalar: true }, '"c" has 2 elements, not one'],
  ['float[2] c = {1, 2}', { value: [1, 2] }, ''],
  ['float[2] c = {1, 3}', { value: [1, 2] }, '"c" is 3 at 1, not 2'],
  ['float c = {nan}', { scalar: 1 }, '"c" is NaN, not 1'],
  ['float c = {inf}', { scalar: Infinity }, ''],
  ['string c = {"a"}', { scalar: 1 }, '"c" holds string, no numbers'],
] as const)('%s for a constant that should be %j: "%s"', (given, demand, why) => {
  const r = rule('r', { vars: { x, c: constant(demand) }, match: ({ x, c }, op) => op.call('acme', 'Op', [x, c])[0]!, build: (m, op) => op.Relu(m.x) });
  expect(run(f('y = acme.Op(x, c)', `<${given}>`), r).why).toBe(why);
});

test('the inputs of a commutative operator may come in any order', () => {
  const r = rule('r', { vars: { a: value(), b: value() }, match: ({ a, b }, op) => op.Add(op.Abs(a), b), build: (m, op) => op.Sub(m.b, m.a) });
  expect(run(f('t = Abs(x) y = Add(t, z)'), r).nodes).toBe('y = Sub (z, x)');
  expect(run(f('t = Abs(x) y = Add(z, t)'), r).nodes).toBe('y = Sub (z, x)');
});

test('inputs stand first as they are: order is deterministic', () => {
  const r = rule('r', { vars: { a: value(), b: value() }, match: ({ a, b }, op) => op.Mul(a, b), build: (m, op) => op.Sub(m.a, m.b) });
  expect(run(f('y = Mul(z, x)'), r).nodes).toBe('y = Sub (z, x)');
});

test('of three commutative inputs every one is tried in every place', () => {
  const r = rule('r', { vars: { a: value(), b: value() }, match: ({ a, b }, op) => op.Max([op.Abs(a), op.Neg(b), a]), build: (m, op) => op.Sub(m.a, m.b) });
  expect(run(f('p = Abs(x) n = Neg(z) y = Max(x, n, p)'), r).nodes).toBe('y = Sub (x, z)');
});

test('an operator that is not commutative keeps its order', () => {
  const r = toRelu(({ x }, op) => op.Sub(x, op.Abs(x)));
  expect(run(f('t = Abs(x) y = Sub(t, x)'), r).why).toBe('"x" is an input, not made by Abs');
});

test('every way to fit is tried until `where` is content', () => {
  const r = rule('r', {
    vars: { a: value(), b: value() },
    match: ({ a, b }, op) => op.Add(op.Mul(a, b), value()),
    where: ({ a, b }) => (a.name === 'z' && b.name === 'x') || `"${a.name}" comes first`,
    build: (m, op) => op.Sub(m.a, m.b),
  });
  expect(run(f('t = Mul(x, z) y = Add(x, t)'), r).nodes).toBe('y = Sub (z, x)');
});

test('an optional input may be missing', () => {
  const r = rule('r', { vars: { x, y, c: optional(constant()) }, match: ({ x, y, c }, op) => op.Gemm(x, y, c), build: ({ x, y, c }, op) => (c ? op.Add(x, c) : op.Sub(x, y)) });
  const g = (call: string): string => `g (float[3, 3] x) => (float[3, 3] y) <float[3] c = {1, 2, 3}> { y = ${call} }`;
  expect(run(g('Gemm(x, x)'), r).nodes).toBe('y = Sub (x, x)');
  expect(run(g('Gemm(x, x, c)'), r).nodes).toBe('y = Add (x, c)');
  expect(run(g('Gemm(x, x, x)'), r).why).toBe('"x" is not a constant');
});

test('an input that the pattern does not have must be missing', () => {
  expect(run('g (float[3, 3] x) => (float[3, 3] y) { y = Gemm(x, x, x) }', toRelu(({ x }, op) => op.Gemm(x, x))).why).toBe('Gemm "y" has 3 inputs, not 2');
});

test('an attribute must be as the pattern says, by default or in words', () => {
  const r = (transB: number): Rule => toRelu(({ x }, op) => op.Gemm(x, x, undefined, { transB }));
  const g = (attrs: string): string => `g (float[3, 3] x) => (float[3, 3] y) { y = Gemm${attrs}(x, x) }`;
  expect(run(g(''), r(0)).nodes).toBe('y = Relu (x)');
  expect(run(g('<transB = 0>'), r(0)).nodes).toBe('y = Relu (x)');
  expect(run(g('<transB = 1>'), r(0)).why).toBe('Gemm "y" has transB = 1, not 0');
  expect(run(g(''), r(1)).why).toBe('Gemm "y" has transB = 0, not 1');
});

test('an attribute that the pattern does not mention must be as by default', () => {
  const g = (attrs: string): string => `g (float[3, 3] x) => (float[3, 3] y) { y = Gemm${attrs}(x, x) }`;
  expect(run(g('<transB = 0, alpha = 1.0>'), toRelu(({ x }, op) => op.Gemm(x, x))).nodes).toBe('y = Relu (x)');
  expect(run(g('<transB = 1>'), toRelu(({ x }, op) => op.Gemm(x, x))).why).toBe('Gemm "y" has transB = 1, which the pattern does not mention');
  expect(run(g('<transB = 1>'), toRelu(({ x }, op) => anyAttributes(op.Gemm(x, x)))).nodes).toBe('y = Relu (x)');
});

test('the default is that of the model\'s opset', () => {
  const r = toRelu(({ x }, op) => op.Softmax(x, { axis: 1 }));
  expect(run(f('y = Softmax(x)'), r, 11).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Softmax(x)'), r, 13).why).toBe('Softmax "y" has axis = -1, not 1');
});

test('a hole for an attribute captures what the node says, or its default', () => {
  const r = rule('r', { vars: { x, axis: attribute.int() }, match: ({ x, axis }, op) => op.LogSoftmax(x, { axis }), build: ({ x, axis }, op) => op.Softmax(x, { axis: axis + 1 }) });
  expect(run(f('y = LogSoftmax<axis = 0>(x)'), r).nodes).toBe('y = Softmax <axis: int = 1> (x)');
  expect(run(f('y = LogSoftmax(x)'), r).nodes).toBe('y = Softmax <axis: int = 0> (x)');
});

test('an attribute without default must be there, unless the rule says what stands for it', () => {
  const text = 'g (float[3, 3] x) => (float[3, 3] y) { y = Transpose(x) }';
  const strict = rule('r', { vars: { x, perm: attribute.ints() }, match: ({ x, perm }, op) => op.Transpose(x, { perm }), build: ({ x }, op) => op.Relu(x) });
  const lenient = rule('r', { vars: { x, perm: attribute.ints({ absent: undefined }) }, match: ({ x, perm }, op) => op.Transpose(x, { perm }), build: ({ x, perm }, op) => (perm ? op.Abs(x) : op.Relu(x)) });
  expect(run(text, strict).why).toBe('Transpose "y" has no perm');
  expect(run(text, lenient).nodes).toBe('y = Relu (x)');
});

test('an attribute in two places is the same one', () => {
  const r = rule('r', { vars: { x, axis: attribute.int() }, match: ({ x, axis }, op) => op.Softmax(op.LogSoftmax(x, { axis }), { axis }), build: ({ x }, op) => op.Relu(x) });
  expect(run(f('t = LogSoftmax<axis = 0>(x) y = Softmax<axis = 0>(t)'), r).nodes).toBe('y = Relu (x)');
  expect(run(f('t = LogSoftmax<axis = 0>(x) y = Softmax<axis = 1>(t)'), r).why).toBe('LogSoftmax "t" has another axis than the node before');
});

test('an attribute can be handed on as it is', () => {
  const r = rule('r', { vars: { x, perm: attribute.any() }, match: ({ x, perm }, op) => op.Abs(op.Transpose(x, { perm })), build: ({ x, perm }, op) => op.Transpose(x, { perm }) });
  expect(run('g (float[2, 2] x) => (float[2, 2] y) { t = Transpose<perm = [1, 0]>(x) y = Abs(t) }', r).nodes).toBe('y = Transpose <perm: ints = [1, 0]> (x)');
});

test('a hole for an attribute is no number in `match`', () => {
  expect(() => rule('r', { vars: { x, axis: attribute.int() }, match: ({ x, axis }, op) => op.Softmax(x, { axis: axis + 1 }), build: ({ x }) => x })).toThrow('has no value in `match`');
});

test('the first alternative that goes with the rest is taken', () => {
  const r = toRelu(({ x }, op) => op.Abs(oneOf(op.Neg(x), x)));
  expect(run(f('t = Neg(x) y = Abs(t)'), r).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Abs(x)'), r).nodes).toBe('y = Relu (x)');
});

test('the root may be one of several operators', () => {
  const r = toRelu(({ x }, op) => oneOf(op.Neg(op.Abs(x)), op.Sign(x)));
  expect(run(f('t = Abs(x) y = Neg(t)'), r).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Sign(x)'), r).nodes).toBe('y = Relu (x)');
});

test('any of several operators, and a name for the value to see which', () => {
  const r = rule('r', { vars: { x, t: value() }, match: ({ x, t }, op) => op.Abs(named(t, anyOf(['Neg', 'Tanh'], [x]))), build: ({ t }) => copyOf(t.producer!, t.producer!.inputs).output });
  expect(run(f('t = Tanh(x) y = Abs(t)'), r).nodes).toBe('y = Tanh (x)');
  expect(run(f('t = Exp(x) y = Abs(t)'), r).why).toBe('"t" is made by Exp, not made by Neg or Tanh');
});

test('operators of other domains', () => {
  const r = toRelu(({ x }, op) => op.in('com.microsoft').Gelu(x));
  expect(run(f('y = com.microsoft.Gelu(x)'), r).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Gelu(x)'), r).nodes).toBe('y = Gelu (x)');
});

test('a list takes all further inputs', () => {
  const r = rule('r', { vars: { x, rest: values(), axis: attribute.int() }, match: ({ x, rest, axis }, op) => op.Concat([op.Abs(x), rest], { axis }), build: ({ x, rest, axis }, op) => op.Concat([...rest, x], { axis }) });
  const g = (inputs: string): string => `g (float[2] x, float[2] p, float[2] q) => (float[n] y) { t = Abs(x) y = Concat<axis = 0>(${inputs}) }`;
  expect(run(g('t, p, q'), r).nodes).toBe('y = Concat <axis: int = 0> (p, q, x)');
  expect(run(g('t'), r).nodes).toBe('y = Concat <axis: int = 0> (x)');
});

test('the outputs of one node are matched together', () => {
  const r = rule('r', {
    vars: { x },
    match: ({ x }, op) => {
      const [first, second] = op.outputs(2).Split(x);
      return op.Mul(first, op.Abs(second));
    },
    build: ({ x }, op) => op.Relu(x),
  });
  const g = (split: string): string => `g (float[4] x) => (float[n] y) { ${split} u = Abs(b) y = Mul(a, u) }`;
  expect(run(g('a, b = Split<num_outputs = 2>(x)'), r).nodes).toBe('y = Relu (x)');
  expect(run(g('b, a = Split<num_outputs = 2>(x)'), r).why).toBe('"a" is output 1 of Split "b", not 0');
  expect(run(g('a, b, c = Split<num_outputs = 3>(x)'), r).why).toBe('Split "a" has 3 outputs, not 2');
  expect(run(g('a, c = Split<num_outputs = 2>(x) d, b = Split<num_outputs = 2>(x)'), r).why).toBe('"b" should be made by Split "a"');
});

test('outputs that nobody reads need not be in the pattern', () => {
  const r = toRelu(({ x }, op) => op.Dropout(x));
  expect(run(f('y, m = Dropout(x)'), r).nodes).toBe('y = Relu (x)');
  expect(run('g (float[2, 3] x) => (float[2, 3] y, bool[2, 3] n) { y, m = Dropout(x) n = Not(m) }', r).why).toBe('"m" is also read by Not "n"');
});

test('an input that older opsets have as an attribute is found there', () => {
  const r = rule('r', { vars: { x, axes: constant({ value: [1] }) }, match: ({ x, axes }, op) => op.ReduceMean(x, axes), build: ({ x, axes }, op) => op.ReduceMax(x, axes) });
  const g = (body: string): string => `g (float[2, 3] x) => (float[2, 1] y) <int64[1] axes = {1}> { ${body} }`;
  expect(run(g('y = ReduceMean(x, axes)'), r, 18).nodes).toBe('y = ReduceMax (x, axes)');
  expect(run(g('y = ReduceMean<axes = [1]>(x)'), r, 13).nodes).toBe('y = ReduceMax <axes: ints = [1]> (x)');
});

test('an attribute that is an input now is not overlooked where the pattern has no such input', () => {
  const r = toRelu(({ x }, op) => op.Clip(x, constant({ scalar: 0 })));
  expect(run(f('y = Clip<min = 0.0>(x)'), r, 6).nodes).toBe('y = Relu (x)');
  expect(run(f('y = Clip<min = 0.0, max = 6.0>(x)'), r, 6).why).toBe('Clip "y" has max = 6, which the pattern does not mention');
});

test('axes are read from wherever they are', () => {
  const axes = (text: string, opset: number): unknown => integersOf([...parseGraph(`g (float[2, 3] x, int64[1] a) => () <int64[1] c = {-1}> { ${text} }`, new Map([['', opset]])).nodes][0]!, 'axes');
  expect([axes('y = Squeeze<axes = [1]>(x)', 11), axes('y = Squeeze(x, c)', 13), axes('y = Squeeze(x, a)', 13), axes('y = Squeeze(x)', 13)]).toEqual([[1], [-1], undefined, undefined]);
});

test('inner values that are read elsewhere block the match', () => {
  const r = toRelu(({ x }, op) => op.Abs(op.Neg(x)));
  expect(run(f('t = Neg(x) y = Abs(t) u = Exp(t)'), r).why).toBe('"t" is also read by Exp "u"');
  expect(run('g (float[2] x) => (float[2] y, float[2] t) { t = Neg(x) y = Abs(t) }', r).why).toBe('"t" is a graph output');
  expect(run('g (float[2] x, bool c) => (float[2] y, float[2] w) { t = Neg(x) y = Abs(t) w = If(c)<then_branch: graph = a () => (float[2] p) { p = Exp(t) }> }', r).why).toBe('"t" is also read by Exp "p" in a subgraph');
});

test('a kept value may be read elsewhere: its node stays', () => {
  const r = toRelu(({ x }, op) => op.Abs(kept(op.Neg(x))));
  expect(run('g (float[2] x) => (float[2] y, float[2] t) { t = Neg(x) y = Abs(t) }', r).nodes).toBe('t = Neg (x)\ny = Relu (x)');
  expect(run(f('t = Neg(x) y = Abs(t)'), r).nodes).toBe('y = Relu (x)');
});

test('values of outer scopes fill holes, and are not matched through', () => {
  const g = (body: string): string => `g (float[2] x, bool c) => (float[2] w) { t = Neg(x) w = If(c)<then_branch: graph = a () => (float[2] p) { ${body} }> }`;
  const through = toRelu(({ x }, op) => op.Abs(op.Neg(x)));
  let why = '';
  rewrite(parseGraph(g('p = Abs(t)')), [through], { missed: (miss) => { why = miss.reason; } });
  expect(why).toBe('"t" is made in a graph around this one');
  expect(run(g('p = Abs(t)'), toRelu(({ x }, op) => op.Abs(x))).nodes).toContain('p = Relu (t)');
});

test('the reason is that of the attempt that got furthest', () => {
  const r = rule('needs-rank-3', { vars: { a: value({ rank: 3 }), b: value() }, match: ({ a, b }, op) => op.Relu(op.MatMul(a, b)), build: ({ a }, op) => op.Abs(a) });
  const texts: string[] = [];
  rewrite(parseGraph('g (float[2, 2] x) => (float[2, 2] y) { m = MatMul(x, x) y = Relu(m) }'), [r], { missed: (miss) => texts.push(miss.text) });
  expect(texts).toEqual(['needs-rank-3 did not fit Relu "y": "x" has rank 2, not 3']);
});

test('a variable that is never matched is a mistake of the rule', () => {
  expect(() => rule('r', { vars: { x, y }, match: ({ x }, op) => op.Abs(x), build: ({ x }) => x })).toThrow('Rule "r" never matches its variable "y".');
});

test('a variable of one alternative only must be optional', () => {
  expect(() => rule('r', { vars: { x, y }, match: ({ x, y }, op) => op.Abs(oneOf(op.Add(x, y), x)), build: ({ x }) => x })).toThrow('Rule "r" matches its variable "y" in some of its forms only.');
  expect(() => rule('r', { vars: { x, y: optional(y) }, match: ({ x, y }, op) => op.Abs(oneOf(op.Add(x, y), x)), build: ({ x }) => x })).not.toThrow();
});

test('a rule must match an operator', () => {
  expect(() => rule('r', { vars: { x }, match: ({ x }) => x, build: ({ x }) => x })).toThrow('Rule "r" must match an operator, not a bare variable.');
});

test('an attribute that stands for the caller\'s is no number', () => {
  const g = parseGraph(f('y = Softmax(x)'));
  g.outputs[0]!.producer!.setAttr('axis', { type: 'ref', to: 'a', of: 'int' });
  let why = '';
  rewrite(g, [toRelu(({ x }, op) => op.Softmax(x, { axis: 1 }))], { missed: (miss) => { why = miss.reason; } });
  expect(why).toBe('Softmax "y" has axis = the "a" of the function\'s caller, not 1');
});

/* What does not compile. */
export const mistakes = (): void => {
  // @ts-expect-error a misspelt operator
  rule('r', { vars: { x }, match: ({ x }, op) => op.Rellu(x), build: ({ x }) => x });
  // @ts-expect-error a variable that was not declared
  rule('r', { vars: { x }, match: ({ x, z }, op) => op.Add(x, z), build: ({ x }) => x });
  // @ts-expect-error a variable that was not declared, in build
  rule('r', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ z }) => z });
  // @ts-expect-error a misspelt attribute
  rule('r', { vars: { x }, match: ({ x }, op) => op.Softmax(x, { axes: 1 }), build: ({ x }) => x });
  // @ts-expect-error a text where a number belongs
  rule('r', { vars: { x, axis: attribute.string() }, match: ({ x, axis }, op) => op.Softmax(x, { axis }), build: ({ x }) => x });
  // @ts-expect-error a value is not known to be constant
  rule('r', { vars: { x }, match: ({ x }, op) => op.Abs(x), where: ({ x }) => x.constant.dims.length === 0 || 'no', build: ({ x }) => x });
  // @ts-expect-error an optional constant may be missing
  rule('r', { vars: { x, c: optional(constant()) }, match: ({ x, c }, op) => op.Clip(x, c), build: ({ x, c }) => (c.rank === 0 ? x : x) });
  // @ts-expect-error a misspelt operator in a list
  anyOf(['Relo'], [x]);
  rule('r', { vars: { x, c: constant() }, match: ({ x, c }, op) => op.Add(x, c), where: ({ c }) => c.constant.dims.length === 0 || 'no', build: ({ x }) => x });
};
