import { attr, Graph, lazyTensor, memoryTensor, Model, Node, tensorOf } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { after, afterPart } from '../testing/applied.ts';
import { merge } from './merge.ts';
import { workOn } from './part.ts';

const left = async (text: string): Promise<string[]> => (await after(text, merge)).filter((line) => !line.endsWith('= Constant()'));

test('nodes that do the same with the same inputs become one', async () => {
  expect(await left('g (float[N] x) => (float[N] y) { a = Relu(x)  b = Relu(x)  y = Sub(a, b) }')).toContain('y = Sub(a, a)');
});

test('what a chain of equal nodes makes is equal', async () => {
  expect(await left('g (float[N] x) => (float[N] y) { a = Relu(x)  b = Relu(x)  c = Neg(a)  d = Neg(b)  y = Sub(c, d) }')).toContain('y = Sub(c, c)');
});

test('the order of inputs counts unless the operator commutes', async () => {
  expect(await left('g (float[N] x, float[N] z) => (float[N] y) { a = Add(x, z)  b = Add(z, x)  y = Max(a, b) }')).toContain('y = Max(a, a)');
  expect(await left('g (float[N] x, float[N] z) => (float[N] y) { a = Sub(x, z)  b = Sub(z, x)  y = Max(a, b) }')).toContain('y = Max(a, b)');
});

test('attributes are compared to the bit', async () => {
  expect(await left('g (float[N] x) => (float[N] y) { a = Elu <alpha = 0.0> (x)  b = Elu <alpha = -0.0> (x)  y = Max(a, b) }')).toContain('y = Max(a, b)');
  expect(await left('g (float[N] x) => (float[N] y) { a = Elu <alpha = 0.1> (x)  b = Elu <alpha = 0.1> (x)  y = Max(a, b) }')).toContain('y = Max(a, a)');
});

test('random draws stay apart', async () => {
  expect(await left('g (float[N] x) => (float[N] y) { a = RandomNormalLike(x)  b = RandomNormalLike(x)  y = Sub(a, b) }')).toContain('y = Sub(a, b)');
});

test('operators that nobody knows, and calls of functions, stay apart', async () => {
  expect(await left('<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]> g (float[N] x) => (float[N] y) { a = com.acme.Relu(x)  b = com.acme.Relu(x)  y = Sub(a, b) }')).toContain('y = Sub(a, b)');
});

test('nodes with subgraphs stay apart', async () => {
  const branch = 'If (c) <then_branch = t () => (float[N] p) { p = Relu(x) }, else_branch = e () => (float[N] q) { q = Neg(x) }>';
  expect(await left(`g (float[N] x, bool c) => (float[N] y) { a = ${branch}  b = ${branch.replaceAll(/\b([pqte])\b/g, '$1$1')}  y = Sub(a, b) }`)).toContain('y = Sub(a, b)');
});

test('a node in a branch may read what is made in front of it, and not what another branch makes', async () => {
  const text = `g (float[N] x, bool c) => (float[N] y) { a = Relu(x)
    b = If (c) <then_branch = t () => (float[N] p) { r = Relu(x) u = Neg(x) p = Sub(r, u) }, else_branch = e () => (float[N] q) { v = Neg(x) q = Abs(v) }>  y = Sub(a, b) }`;
  const lines = await left(text);
  expect(lines).toContain('  p = Sub(a, u)');
  expect(lines).toContain('  q = Abs(v)');
});

test('two public names stay two', async () => {
  expect(await left('g (float[N] x) => (float[N] y, float[N] z) { y = Relu(x)  z = Relu(x) }')).toEqual(['y = Relu(x)', 'z = Relu(x)']);
});

test('the name that is public stays', async () => {
  const model = await afterPart('g (float[N] x) => (float[N] y, float[N] z) { a = Relu(x)  y = Relu(x)  z = Neg(a) }', merge);
  expect(model.graph.outputs.map((v) => v.name)).toEqual(['y', 'z']);
});

test('constants with the same bytes become one', async () => {
  expect(await left('g (float[2] x) => (float[2] y) <float[2] c = {1, 2}, float[2] d = {1, 2}> { a = Sub(x, c)  y = Div(a, d) }')).toContain('y = Div(a, c)');
  expect(await left('g (float[2] x) => (float[2] y) <float[2] c = {1, 2}> { d = Constant <value = float[2] {1, 2}> ()  a = Sub(x, c)  y = Div(a, d) }')).toContain('y = Div(a, c)');
});

test('constants of another type, shape or sign of zero stay apart', async () => {
  expect(await left('g (float[2] x) => (float[2] y) <float[1] c = {0}, float[1] d = {-0.0}> { a = Sub(x, c)  y = Div(a, d) }')).toContain('y = Div(a, d)');
  expect(await left('g (float[2] x) => (float[2] y) <float[1] c = {1}, float d = {1}> { a = Sub(x, c)  y = Div(a, d) }')).toContain('y = Div(a, d)');
  expect(await left('g (float[2] x, int64[1] i) => (float[2] y, int64[2] z) <int32[2] c = {1, 0}, int64[1] d = {1}> { y = Reshape(x, d)  z = Cast <to = 7> (c) }')).toContain('z = Cast(c)');
});

test('the default of an input is not a constant', async () => {
  expect(await left('g (float[2] x, float[2] d = {1, 2}) => (float[2] y) <float[2] c = {1, 2}> { a = Sub(x, c)  y = Div(a, d) }')).toContain('y = Div(a, d)');
});

test('a constant that is an output stays', async () => {
  const model = await afterPart('g (float[2] x) => (float[2] y, float[2] d) <float[2] c = {1, 2}, float[2] d = {1, 2}> { y = Sub(x, c) }', merge);
  expect([...model.graph.initializers.keys()]).toContain('d');
});

test('excluded nodes stay', async () => {
  expect(await after('g (float[N] x) => (float[N] y) { a = Relu(x)  b = Relu(x)  y = Sub(a, b) }', merge, (n) => n.is('Relu'))).toContain('y = Sub(a, b)');
});

test('large constants that differ in one byte stay apart, wherever it is, and equal ones become one', () => {
  const size = 20_000;
  const bytes = (at?: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i === at ? 1 : 0));
  const places = [undefined, 0, 3000, 9999, size - 1, undefined, 3000];
  const graph = new Graph('g', new Map([['', 17]]));
  const inputs = places.map((at, i) => graph.addInitializer(`c${i}`, memoryTensor('uint8', [size], bytes(at))));
  const node = graph.add(new Node('Concat', inputs, { attrs: [['axis', attr.int(0)]] }));
  graph.addOutput(node.output);
  const model = new Model(graph);
  merge.run(workOn(model, [], testPassContext()));
  expect(node.inputs.map((v) => v?.name)).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c0', 'c2']);
});

test('a constant that is alone with its shape is not read', () => {
  const graph = new Graph('g', new Map([['', 17]]));
  const unread = lazyTensor('float32', [1000, 1000], () => {
    throw new Error('It was read.');
  });
  const other = tensorOf('float32', [1000], new Float32Array(1000));
  const node = graph.add(new Node('MatMul', [graph.addInitializer('w', unread), graph.addInitializer('b', other)]));
  graph.addOutput(node.output);
  merge.run(workOn(new Model(graph), [], testPassContext()));
  expect(graph.initializers.size).toBe(2);
});
