import { expect, test } from 'vitest';
import { attr } from '../ir/attr.ts';
import { Graph, Node, Value } from '../ir/graph.ts';
import { Model } from '../ir/model.ts';
import { tensorType } from '../ir/types.ts';
import { tensorOf } from '../ir/values.ts';
import { printFloat32 } from './elements.ts';
import { parseGraph, parseModel } from './parse.ts';
import { printGraph, printModel } from './print.ts';

test('a model reads like this', () => {
  const text = `<
  ir_version: 10,
  opset_import: ["" : 20, "com.microsoft" : 1],
  producer_name: "test"
>
main (float[N, 4] x, bool c) => (float[N, 2] y)
<float[4, 2] w = {1, 0.1, -0, inf, nan, 1e-7, 3, 4}, float[N, 2] t> {
  [first] t = com.microsoft.FusedMatMul <alpha: float = 0.5, transB: int = 0> (x, w)
  "/a/b.1", "" = LayerNormalization <axis: int = -1> (t, w, "")
  y = If (c) <then_branch: graph = yes () => (float[N, 2] p) {
    p = Relu ("/a/b.1")
  }, else_branch: graph = no () => (float[N, 2] q)
  <float one = {1}> {
    q = Add (t, one)
  }>
}
`;
  expect(printModel(parseModel(text))).toBe(text);
});

test('functions read like this', () => {
  const text = `<
  ir_version: 10,
  opset_import: ["" : 20, "local" : 1]
>
main (float x) => (float y) {
  y = local.twice <times: float = 2> (x)
}

<
  domain: "local",
  opset_import: ["" : 20]
>
twice <times, offset: float = 0.5>(float a) => (b)
<float t> {
  t = Elu <alpha: float = @times> (a)
  b = Neg (t)
}
`;
  expect(printModel(parseModel(text))).toBe(text);
});

test('long tables take a line for each entry', () => {
  const names = Array.from({ length: 8 }, (_, i) => `weight_number_${i}`);
  const text = printGraph(parseGraph(`g () => () <${names.map((name) => `float ${name} = {1}`).join(', ')}> {}`));
  expect(text.split('\n').slice(0, 3)).toEqual(['g () => ()', '<', '  float weight_number_0 = {1},']);
  expect(text.split('\n').at(-3)).toBe('> {');
});

test('words that mean something else where they stand are quoted', () => {
  const text = printGraph(parseGraph('g (float "float", float "seq") => () { "nan" = Add("float", "seq")  z = Foo("nan") <body = "inf" () => () {}> }'));
  expect(text).toContain('(float "float", float "seq")');
  expect(text).toContain('body: graph = "inf" ()');
  expect(printGraph(parseGraph(text))).toBe(text);
});

test('only the first numbers of large tensors are shown where that is asked for', () => {
  const g = parseGraph('g () => () <float[5] w = {1, 2, 3, 4, 5}, float[2] v = {6, 7}> { y = Constant <value = int64[3] {1, 2, 3}> () }');
  const text = printGraph(g, { maxElements: 2 });
  expect(text).toContain('float[5] w = {1, 2, …}, float[2] v = {6, 7}');
  expect(text).toContain('int64[3] {1, 2, …}');
  expect(() => parseGraph(text)).toThrow('left out');
  expect(printGraph(g, { maxElements: 0 })).toContain('w = {…}');
});

test('types of what nodes make may be left out', () => {
  const g = parseGraph('g (float x) => (float y) <float t> { t = Relu(x)  y = Relu(t) }');
  expect(printGraph(g, { types: false })).toBe('g (float x) => (float y) {\n  t = Relu (x)\n  y = Relu (t)\n}\n');
});

test('inferred types are not declared and not printed', () => {
  const g = parseGraph('g (float x) => (float y) { t = Relu(x)  y = Relu(t) }');
  g.value('t')?.infer(tensorType('float32', []));
  expect(printGraph(g)).not.toContain('float t');
});

test('nodes come in the order in which they compute', () => {
  const g = new Graph('g', new Map([['', 20]]));
  const x = g.addInput(new Value('x'));
  const late = new Node('Relu', [x], { outputs: ['t'] });
  g.add(new Node('Neg', [late.output], { outputs: ['y'] }));
  g.add(late);
  g.addOutput(g.value('y')!);
  expect(printGraph(g)).toBe('g (x) => (y) {\n  t = Relu (x)\n  y = Neg (t)\n}\n');
});

test('initializers of a function become constants, since a function has none', () => {
  const m = parseModel('g (float x) => (float y) { y = local.f(x) }  <domain: "local"> f (a) => (b) { b = Relu(a) }');
  const { body } = m.functions.get('local::f')!;
  const w = body.addInitializer('w', tensorOf('float32', [], [2]));
  body.setOutput(0, body.add(new Node('Mul', [body.outputs[0], w], { outputs: ['c'] })).output);
  const again = parseModel(printModel(m)).functions.get('local::f')!.body;
  expect([...again.nodes].map((n) => n.opType)).toEqual(['Constant', 'Relu', 'Mul']);
});

test('a float attribute keeps every bit that a number has', () => {
  const values = [0.1, -0, 1e-45, 3.4028234663852886e38, Infinity, -Infinity, 1 / 3, 16777217];
  const m = new Model(new Graph('g', new Map([['', 20]])));
  m.graph.add(new Node('Foo', [], { attrs: [['a', attr.floats(values)]] }));
  const back = [...parseModel(printModel(m)).graph.nodes][0]!.attrs.get('a');
  expect(back).toEqual(attr.floats(values));
});

test('float32 numbers are short and exact', () => {
  expect([0.1, 0.5, 1, 1e10, 1.17549435e-38, 0.333333343].map((x) => printFloat32(Math.fround(x)))).toEqual(['0.1', '0.5', '1', '10000000000', '1.1754944e-38', '0.33333334']);
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let i = 0; i < 200_000; i++) {
    bits[0] = (i * 2_654_435_761) >>> 0; // steps through all exponents
    if (Number.isNaN(float[0]!)) continue;
    const back = Math.fround(Number(printFloat32(float[0]!).replace('inf', 'Infinity')));
    if (!Object.is(back, float[0])) expect(back).toBe(float[0]);
  }
});
