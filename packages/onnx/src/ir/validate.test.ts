import { expect, test } from 'vitest';
import { modelFromBytes } from '../io/read.ts';
import { modelBytes } from '../io/write.ts';
import { failure } from '../testing/failure.ts';
import { floats, graphOf, modelProto, node, type Fields } from '../testing/proto.ts';
import { parseModel } from '../text/parse.ts';
import { attr } from './attr.ts';
import { Graph, Node, Value } from './graph.ts';
import { Model } from './model.ts';
import { memoryTensor } from './tensor.ts';
import { tensorType } from './types.ts';
import { assertValid, validate } from './validate.ts';

const codes = (model: Model): string[] => validate(model).map((p) => p.code);

const messages = (model: Model): string => validate(model).map((p) => p.message).join('\n');

const text = (body: string, inputs = 'float[N, 4] x', outputs = 'float[N, 4] y'): Model => parseModel(`<ir_version: 10, opset_import: ["" : 21]> g (${inputs}) => (${outputs}) { ${body} }`);

const only = (model: Model): Node => [...model.graph.nodes][0]!;

test('a model with subgraphs, functions and initializers holds together', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21, "local" : 1]>
    g (float[N, 4] x, bool c) => (float[N, 4] y) <float[4] w = {1, 2, 3, 4}> {
      t = local.twice(x)
      y = If (c) <then_branch = p () => (float[N, 4] a) { a = Add(t, w) }, else_branch = q () => (float[N, 4] b) { b = Relu(x) }>
    }
    <domain: "local", opset_import: ["" : 21]> twice (u) => (v) { v = Add(u, u) }`);
  expect(validate(model)).toEqual([]);
  assertValid(model);
});

test('a Loop may run for ever and carry nothing', () => {
  const model = text('y = Loop ("", "") <body = b (int64 i, bool on) => (bool more, float[N, 4] out) { more = Identity(on) out = Relu(x) }>', 'float[N, 4] x', 'float[M, N, 4] y');
  expect(validate(model)).toEqual([]);
  expect(only(modelFromBytes(modelBytes(model))).inputs).toEqual([undefined, undefined]);
});

test('a function has no place for an initializer', () => {
  const model = parseModel('<ir_version: 10, opset_import: ["" : 21, "local" : 1]> g (float[4] x) => (float[4] y) { y = local.f(x) } <domain: "local", opset_import: ["" : 21]> f (u) => (v) { v = Relu(u) }');
  const { body } = [...model.functions.values()][0]!;
  body.outputs[0]!.producer!.setInput(0, body.addInitializer('w', memoryTensor('float32', [4], new Float32Array(4))));
  expect(messages(model)).toBe('Function "f" has the initializer "w", and the file has no place for it. Make it the output of a Constant node.');
});

test('a value that is read before it is made is named with its reader', () => {
  const model = text('a = Relu(x) y = Neg(a)');
  const [relu, neg] = [...model.graph.nodes];
  model.graph.move(neg!, { before: relu! });
  expect(validate(model)).toEqual([{ code: 'order', message: 'Input 0 of Neg "y" in graph "g" is "a", which is made only later. Call graph.sort().', node: neg, value: relu!.output }]);
});

test('a value of nobody is named with its reader', () => {
  const model = text('y = Relu(x)');
  only(model).setInput(0, new Value('ghost'));
  expect(codes(model)).toEqual(['undefined-value']);
  expect(messages(model)).toContain('Relu "y" in graph "g" is "ghost", which nothing makes');
});

test('a value of another graph cannot be seen', () => {
  const model = text('y = Relu(x)');
  only(model).setInput(0, text('y = Relu(x)').graph.inputs[0]!);
  expect(codes(model)).toContain('undefined-value');
});

test('a value inside a branch cannot be seen outside or in the other branch', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21]> g (float[4] x, bool c) => (float[4] y) {
    y = If (c) <then_branch = p () => (float[4] a) { a = Relu(x) }, else_branch = q () => (float[4] b) { b = Neg(x) }>
  }`);
  const [yes, no] = only(model).graphs();
  [...no!.nodes][0]!.setInput(0, [...yes!.nodes][0]!.output);
  expect(codes(model)).toContain('undefined-value');
});

test('a name in a branch may not be one around it', () => {
  const branch = (inside: string, name: string): Fields => ({ name, node: [node('Relu', ['x'], [inside]), node('Neg', [inside], [name])], output: [floats(name, 4)] });
  const graph = graphOf([
    node('Abs', ['x'], ['t']),
    node('If', ['c'], ['y'], { attribute: [{ name: 'then_branch', g: branch('t', 'p'), type: 5 }, { name: 'else_branch', g: branch('u', 'q'), type: 5 }] }),
  ], { input: [floats('x', 4), { name: 'c', type: { tensor_type: { elem_type: 9 } } }] });
  const model = modelFromBytes(modelProto(graph));
  expect(codes(model)).toEqual(['name']);
  expect(messages(model)).toContain('Two values are called "t", one in graph "p" and one around it.');
});

test('two branches may use one name', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21]> g (float[4] x, bool c) => (float[4] y) {
    y = If (c) <then_branch = p () => (float[4] a) { a = Relu(x) }, else_branch = q () => (float[4] a) { a = Neg(x) }>
  }`);
  expect(validate(model)).toEqual([]);
});

test('an output twice, and one without a type, are named', () => {
  const model = text('y = Relu(x)');
  model.graph.addOutput(model.graph.outputs[0]!);
  expect(messages(model)).toContain('gives out "y" twice');
  const bare = new Graph('g', new Map([['', 21]]));
  bare.addInput(new Value('x'));
  bare.addOutput(bare.add(new Node('Relu', [bare.inputs[0]], { outputs: ['y'] })).output);
  expect(messages(new Model(bare))).toBe('Input "x" has no type.\nOutput "y" has no type.');
});

test('an output of another graph is named', () => {
  const model = text('y = Relu(x)');
  model.graph.addOutput(text('z = Relu(x)', 'float[N, 4] x', 'float[N, 4] z').graph.outputs[0]!);
  expect(codes(model)).toContain('undefined-value');
});

test('an initializer has the numbers that it declares', () => {
  const graph = new Graph('g', new Map([['', 21]]));
  const four = memoryTensor('float32', [2, 2], new Float32Array(4));
  for (const [name, type] of [['same', tensorType('float32', [2, 2])], ['symbolic', tensorType('float32', ['N', null])], ['unknown', tensorType('float32')],
    ['element', tensorType('int32', [2, 2])], ['size', tensorType('float32', [2, 3])], ['rank', tensorType('float32', [4])]] as const) {
    graph.adoptInitializer(new Value(name, { constant: four, type }));
  }
  expect(validate(new Model(graph)).map((p) => [p.code, p.value?.name])).toEqual([['initializer', 'element'], ['initializer', 'size'], ['initializer', 'rank']]);
  expect(messages(new Model(graph))).toContain('"element" is declared as int32[2, 2], but its numbers are float32[2, 2]');
});

test('an operator set that is not imported is named once', () => {
  const model = text('y = Relu(x)');
  const added = model.graph.add(new Node('FusedMatMul', [model.graph.inputs[0], model.graph.inputs[0]], { domain: 'com.microsoft' }));
  model.graph.add(new Node('FusedMatMul', [added.output, added.output], { domain: 'com.microsoft' }));
  expect(codes(model)).toEqual(['opset']);
  expect(messages(model)).toContain('"com.microsoft", which is not imported');
});

test('a function imports for itself', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21, "local" : 1]> g (float[4] x) => (float[4] y) { y = local.f(x) }
    <domain: "local", opset_import: ["" : 21]> f (u) => (v) { v = Relu(u) }`);
  model.functions.get('local::f')!.body.opsets.delete('');
  expect(codes(model)).toEqual(['opset']);
});

test.each<[string, () => Model, string, RegExp]>([
  ['an operator that there is not', () => text('y = Relux(x)'), 'unknown-operator', /no operator Relux in ai.onnx 21/],
  ['an operator that is too new', () => parseModel('<ir_version: 8, opset_import: ["" : 9]> g (float[4] x) => (float[4] y) { y = Gelu(x) }'), 'unknown-operator', /ai.onnx 9 has no Gelu; it came with version 20/],
  ['too few inputs', () => text('y = Add(x)'), 'arity', /Add "y" has 1 inputs, and takes 2/],
  ['too many inputs', () => text('y = Relu(x, x)'), 'arity', /has 2 inputs, and takes 1/],
  ['too many outputs', () => text('y, z = Relu(x)'), 'arity', /has 2 outputs, and gives 1/],
  ['an attribute that it does not have', () => text('y = Relu<alpha = 1.0>(x)'), 'attribute', /"alpha", which Relu of version 14 does not have/],
  ['an attribute of another type', () => text('y = LeakyRelu<alpha : int = 1>(x)'), 'attribute', /"alpha" of LeakyRelu "y" is of type int, not float/],
  ['a missing attribute', () => text('y = Cast(x)'), 'attribute', /lacks its attribute "to"/],
])('%s is a problem of the node', (_, make, code, message) => {
  const model = make();
  const [problem] = validate(model);
  expect(problem?.code).toBe(code);
  expect(problem?.message).toMatch(message);
  expect(problem?.node).toBe(only(model));
});

test('a required input in the middle may not be left out', () => {
  const model = text('y = Where(x, x, x)');
  only(model).setInput(1, undefined);
  expect(messages(model)).toContain('lacks its input "X"');
});

test('operators of unknown domains, and of operator sets that are newer than the schemas, are left alone', () => {
  const model = text('y = Relu(x)');
  model.opsets.set('custom', 1).set('', 9999);
  model.graph.add(new Node('Anything', [undefined, model.graph.inputs[0]], { domain: 'custom', attrs: [['a', attr.int(1)]] }));
  model.graph.add(new Node('FromTheFuture', []));
  expect(validate(model)).toEqual([]);
});

test('the branches of If take nothing and give what it gives', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21]> g (float[4] x, bool c) => (float[4] y) {
    y = If (c) <then_branch = p () => (float[4] a, float[4] z) { a = Relu(x) z = Neg(x) }, else_branch = q (float[4] i) => (float[4] b) { b = Neg(x) }>
  }`);
  expect(messages(model)).toBe('"then_branch" of If "y" has 2 outputs, not 1.\n"else_branch" of If "y" has 1 inputs, not 0.');
});

test('the body of Loop takes and gives what it carries', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21]> g (float[4] x, int64 n, bool c) => (float[4] y) {
    y = Loop (n, c, x) <body = b (int64 i, bool k, float[4] v) => (bool k2, float[4] w) { k2 = Identity(k) w = Relu(v) }>
  }`);
  expect(validate(model)).toEqual([]);
  only(model).setInput(3, model.graph.inputs[0]);
  expect(codes(model)).toEqual(['subgraph']);
});

test('a call of a function has its inputs, outputs and attributes', () => {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21, "local" : 1]> g (float[4] x) => (float[4] y) { y, z = local.f(x, x) }
    <domain: "local", opset_import: ["" : 21]> f <alpha> (u) => (v) { v = LeakyRelu<alpha: float = @alpha>(u) }`);
  expect(messages(model).split('\n')).toEqual([
    'local.f "y" has 2 inputs, and its function takes 1.', 'local.f "y" has 2 outputs, and its function gives 1.', 'local.f "y" lacks the attribute "alpha" that its function asks for.',
  ]);
});

test('assertValid names the first problems and counts the rest', () => {
  const model = text(Array.from({ length: 8 }, (_, i) => `v${i} = Nope(x)`).join(' ') + ' y = Relu(x)');
  const error = failure(() => assertValid(model));
  expect(error.code).toBe('invalid-graph');
  expect(error.message).toMatch(/"v4".* And 3 more\./);
});
