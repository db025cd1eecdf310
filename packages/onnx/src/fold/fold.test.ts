import { expect, test } from 'vitest';
import { Model } from '../ir/model.ts';
import { describe as nameOf, type Graph } from '../ir/graph.ts';
import { bigintsOf, float32s, numbersOf } from '../ir/values.ts';
import { parseGraph, parseModel } from '../text/parse.ts';
import { fold, type FoldOptions } from './fold.ts';

async function folded(text: string, options: FoldOptions = {}): Promise<{ g: Graph; ops: string[]; reasons: string[]; count: number }> {
  const model = text.startsWith('<') ? parseModel(text) : new Model(parseGraph(text));
  const { folded: count, leftAlone } = await fold(model, options);
  return { g: model.graph, ops: [...model.graph.nodes].map((n) => n.opType), reasons: leftAlone.map(({ node, reason }) => `${nameOf(node)}: ${reason}`), count };
}
const integers = (g: Graph, name: string): number[] => Array.from(bigintsOf(g.value(name)!.constant!), Number);

test('what reads constants alone becomes one, under its name', async () => {
  const { g, ops, count } = await folded('g (int64[2] x) => (int64[2] y) <int64[2] a = {1, 2}, int64[2] b = {3, 4}> { s = Add(a, b) t = Mul(s, b) y = Add(x, t) }');
  expect(ops).toEqual(['Add']);
  expect([...g.initializers.keys()]).toEqual(['t']);
  expect([integers(g, 't'), count]).toEqual([[12, 24], 2]);
});

test('a constant that somebody else reads stays', async () => {
  const { g } = await folded('g (int64[2] x) => (int64[2] y) <int64[2] a = {1, 2}> { s = Neg(a) t = Add(x, s) y = Add(t, a) }');
  expect([...g.initializers.keys()]).toEqual(['a', 's']);
});

test('what depends on an input stays, and what is beside it goes', async () => {
  const { ops } = await folded('g (int64[2] x) => (int64[2] y) <int64[2] a = {1, 2}> { s = Neg(x) t = Neg(a) y = Add(s, t) }');
  expect(ops).toEqual(['Neg', 'Add']);
});

test('the shape of what has a known size is known', async () => {
  const { g, ops } = await folded(`g (float[N, 3, 8] x) => (y) <int64[1] at = {2}, int64[2] rest = {0, -1}> {
    s = Shape(x) last = Gather(s, at) n = Concat<axis = 0>(rest, last) y = Reshape(x, n) }`);
  expect(ops).toEqual(['Reshape']);
  expect(integers(g, 'n')).toEqual([0, -1, 8]);
});

test('a size that has a name is no constant', async () => {
  const { ops } = await folded('g (float[N, 3] x) => (y) <int64[1] at = {0}> { s = Shape(x) n = Gather(s, at) y = Expand(x, n) }');
  expect(ops).toEqual(['Shape', 'Gather', 'Expand']);
});

test('a graph output keeps its name and type, and is made by a Constant', async () => {
  const { g, ops } = await folded('g () => (int64[2] y) <int64[2] a = {1, 2}> { y = Neg(a) }');
  expect([ops, g.outputs.map((v) => v.name), integers(g, 'y')]).toEqual([['Constant'], ['y'], [-1, -2]]);
});

test('a default that a caller may override is no constant', async () => {
  const { ops } = await folded('g (int64[2] a) => (int64[2] y) <int64[2] a = {1, 2}> { y = Neg(a) }');
  expect(ops).toEqual(['Neg']);
});

test.each([
  ['int32 wraps around', 'int32[1] a = {2147483647}, int32[1] b = {1}', 'Add(a, b)', [-2147483648]],
  ['Div rounds towards zero', 'int64[2] a = {-7, 7}, int64[1] b = {2}', 'Div(a, b)', [-3, 3]],
  ['Mod has the sign of the divisor', 'int64[4] a = {-7, 7, -7, 7}, int64[4] b = {3, 3, -3, -3}', 'Mod(a, b)', [2, 1, -1, -2]],
  ['fmod has the sign of the dividend', 'int64[2] a = {-7, 7}, int64[2] b = {3, -3}', 'Mod<fmod = 1>(a, b)', [-1, 1]],
  ['Slice backwards', 'int64[5] a = {0, 1, 2, 3, 4}, int64[1] s = {-1}, int64[1] e = {-9223372036854775808}, int64[1] x0 = {0}, int64[1] m = {-2}', 'Slice(a, s, e, x0, m)', [4, 2, 0]],
  ['Range', 'int64 a = {5}, int64 b = {0}, int64 c = {-2}', 'Range(a, b, c)', [5, 3, 1]],
  ['Where', 'bool[2] c = {1, 0}, int64 a = {5}, int64[2] b = {8, 9}', 'Where(c, a, b)', [5, 9]],
  ['NonZero', 'int64[2, 2] a = {0, 3, 4, 0}', 'NonZero(a)', [0, 1, 1, 0]],
  ['Cast of fractions', 'float[3] a = {-1.7, 0.5, 2.0}', 'Cast<to = 7>(a)', [-1, 0, 2]],
  ['comparison of fractions', 'float[2] a = {0.5, 1.0}, float b = {0.75}', 'Less(a, b)', [1, 0]],
  ['ReduceProd', 'int64[2, 2] a = {1, 2, 3, 4}, int64[1] b = {1}', 'ReduceProd<keepdims = 0>(a, b)', [2, 12]],
  ['Transpose', 'int64[2, 3] a = {1, 2, 3, 4, 5, 6}', 'Transpose(a)', [1, 4, 2, 5, 3, 6]],
  ['Pad', 'int64[2] a = {1, 2}, int64[2] p = {1, 2}, int64 v = {7}', 'Pad(a, p, v)', [7, 1, 2, 7, 7]],
  ['ScatterND', 'int64[3] a = {1, 2, 3}, int64[1, 1] i = {1}, int64[1] u = {9}', 'ScatterND(a, i, u)', [1, 9, 3]],
])('integers are exact: %s', async (_, constants, call, expected) => {
  const { g, ops } = await folded(`g () => (y) <${constants}> { y = ${call} }`);
  expect([ops, integers(g, 'y')]).toEqual([['Constant'], expected]);
});

test('64 bits are exact', async () => {
  const { g } = await folded('g () => (y) <int64[1] a = {9007199254740993}, int64[1] b = {3}> { y = Mul(a, b) }');
  expect([...bigintsOf(g.value('y')!.constant!)]).toEqual([27021597764222979n]);
});

test('elements of any type are moved bit by bit', async () => {
  const { g } = await folded('g () => (y) <float[2, 2] a = {1.5, 2.5, 3.5, 4.5}, int64[1] i = {1}> { t = Transpose(a) r = Gather(t, i) y = Squeeze(r, z) z = Constant<value_ints = [0]>() }');
  expect([...numbersOf(g.value('y')!.constant!)]).toEqual([2.5, 4.5]);
});

test.each([
  ['a division by zero', 'int64[1] a = {1}, int64[1] b = {0}', 'Div(a, b)', 'Div "y": it takes a runtime'],
  ['an index that is out of range', 'int64[2] a = {1, 2}, int64 b = {5}', 'Gather(a, b)', 'Gather "y": it takes a runtime'],
  ['a fraction too large for an integer', 'float[1] a = {1e30}', 'Cast<to = 6>(a)', 'Cast "y": it takes a runtime'],
  ['random numbers', '', 'RandomNormal<shape = [2]>()', 'RandomNormal "y": it draws random numbers'],
  ['an unknown operator', 'int64[1] a = {1}', 'other.Thing(a)', 'other.Thing "y": nothing is known of the operator'],
  ['a quantized constant', 'int8[2] a = {1, 2}, float s = {0.5}', 'DequantizeLinear(a, s)', 'DequantizeLinear "y": its constant is stored in quantized form'],
])('left alone: %s', async (_, constants, call, reason) => {
  const { ops, reasons } = await folded(`g () => (y) ${constants && `<${constants}>`} { y = ${call} }`);
  expect(ops).toHaveLength(1);
  expect(reasons[0]).toContain(reason);
});

test('a constant that would grow stays small, and what leads to it is folded', async () => {
  const { ops, reasons } = await folded('g (float[1000, 1000] x) => (y) <int64 k = {500}, int64[1] at = {0}> { n = Add(k, k) u = Unsqueeze(n, at) d = Concat<axis = 0>(u, u) z = ConstantOfShape(d) y = Add(x, z) }');
  expect(ops).toEqual(['ConstantOfShape', 'Add']);
  expect(reasons).toEqual(['ConstantOfShape "z": the model would grow by 3999984 bytes']);
});

test('a large constant may become another of the same size', async () => {
  const text = 'g (float[N, 600] x) => (y) { w = Transpose<perm = [1, 0]>(c) y = MatMul(x, w) }';
  const big = (): Model => {
    const model = new Model(parseGraph(text.replace('c)', 'x)')));
    const transpose = [...model.graph.nodes][0]!;
    transpose.setInput(0, model.graph.addInitializer('c', float32s([700, 600], Float32Array.from({ length: 420_000 }, (_, i) => i))));
    return model;
  };
  const model = big();
  await fold(model);
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['MatMul']);
  expect([...numbersOf(model.graph.value('w')!.constant!).subarray(0, 3)]).toEqual([0, 600, 1200]);

  const tied = big();
  tied.graph.addOutput(tied.graph.value('c')!);
  expect((await fold(tied)).leftAlone.map((l) => l.reason)).toEqual(['the model would grow by 1680000 bytes']);
});

test('a total is kept over many small folds', async () => {
  const { ops } = await folded(`g (x) => (y, z) <int64[1] n = {100}> { a = ConstantOfShape(n) b = ConstantOfShape(n) y = Add(x, a) z = Add(x, b) }`.replace('(x)', '(float[100] x)'), { maxBytes: 500, maxTotalBytes: 600 });
  expect(ops.filter((op) => op === 'ConstantOfShape')).toHaveLength(1);
});

test('fractions are for the runtime, all at once', async () => {
  const asked: string[] = [];
  const evaluate: FoldOptions['evaluate'] = (model) => {
    asked.push([...model.graph.nodes].map((n) => n.opType).join(' '));
    return Promise.resolve(model.graph.outputs.map((_, i) => float32s([2], [i + 1, i + 2])));
  };
  const { g, ops } = await folded('g (float[2] x) => (y) <float[2] a = {1.0, 4.0}> { s = Sqrt(a) e = Exp(s) l = Log(a) t = Add(x, e) y = Mul(t, l) }', { evaluate });
  expect([asked, ops]).toEqual([['Sqrt Exp Log'], ['Add', 'Mul']]);
  expect([...numbersOf(g.value('l')!.constant!)]).toEqual([2, 3]);
});

test('what the runtime cannot do is left alone, and the rest is folded', async () => {
  const evaluate: FoldOptions['evaluate'] = (model) => {
    if ([...model.graph.nodes].some((n) => n.opType === 'Exp')) return Promise.reject(new Error('no kernel for Exp'));
    return Promise.resolve(model.graph.outputs.map(() => float32s([2], [1, 2])));
  };
  const { ops, reasons } = await folded('g (float[2] x) => (y) <float[2] a = {1.0, 4.0}> { e = Exp(a) l = Log(a) t = Add(x, e) y = Mul(t, l) }', { evaluate });
  expect(ops).toEqual(['Exp', 'Add', 'Mul']);
  expect(reasons).toEqual(['Exp "e": it cannot be computed: no kernel for Exp']);
});

test('a value that must stay is computed as before', async () => {
  const { ops, reasons } = await folded('g (int64[2] x) => (y) <int64[2] a = {1, 2}> { s = Neg(a) t = Neg(s) y = Add(x, t) }', { keep: (v) => v.name === 't' });
  expect(ops).toEqual(['Neg', 'Add']);
  expect(reasons).toEqual(['Neg "t": it was asked to stay']);
});

test('a name that both branches use is the name of both constants', async () => {
  const { g } = await folded(`g (bool c, float x) => (float y) <float a = {1.0}, float b = {2.0}> {
    y = If(c) <then_branch = t () => (u) { s = Mul(a, b) u = Add(x, s) }, else_branch = e () => (v) { s = Add(a, b) v = Add(x, s) }> }`, { evaluate: (m) => Promise.resolve(m.graph.outputs.map(() => float32s([], [3]))) });
  const branches = [...g.nodes][0]!.graphs();
  expect(branches.map((b) => [...b.initializers.keys()])).toEqual([['s'], ['s']]);
});

test('branches are folded too, also by what lies around them', async () => {
  const { g } = await folded(`g (bool c, int64[2] x) => (y) <int64[2] a = {1, 2}> { s = Neg(a)
    y = If(c) <then_branch = t () => (u) { n = Neg(s) u = Add(x, n) }, else_branch = e () => (v) { v = Neg(x) }> }`);
  expect([...g.nodes].map((n) => [n.opType, ...n.graphs().map((b) => [...b.nodes].map((m) => m.opType).join(' '))])).toEqual([['If', 'Add', 'Neg']]);
});

test('a function body is folded into Constant nodes', async () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 20, "local" : 1]> g (int64[2] x) => (y) { y = local.f(x) }
    <domain: "local", opset_import: ["" : 20]> f(a) => (b) { k = Constant<value_ints = [1, 2]>() m = Neg(k) b = Add(a, m) }`);
  await fold(model);
  const [f] = model.functions.values();
  expect([...f!.body.nodes].map((n) => n.opType)).toEqual(['Constant', 'Add']);
});

test('folding a second time changes nothing', async () => {
  const model = new Model(parseGraph('g (int64[2] x) => (int64[2] y) <int64[2] a = {1, 2}> { s = Neg(a) y = Add(x, s) }'));
  await fold(model);
  const before = model.revision;
  expect((await fold(model)).folded).toBe(0);
  expect(model.revision).toBe(before);
});
