import { expect, test } from 'vitest';
import { parseGraph, parseModel } from '../../text/parse.ts';
import { Node, type Graph } from '../graph.ts';
import { describeType } from '../types.ts';
import { contentsOf } from './contents.ts';
import { inferNode, inferTypes } from './infer.ts';

function inferred(text: string): Graph {
  const g = parseGraph(text);
  inferTypes(g);
  return g;
}
const typeIn = (g: Graph, name: string): string => describeType(g.value(name)?.type);

test('shapes flow through their arithmetic', () => {
  const g = inferred(`g (float[batch, sequence, 64] x) => (y) <int64 zero = {0}, int64 one = {1}, int64[1] at = {0}, int64[1] heads = {4}, int64[1] rest = {-1}, int64 four = {4}> {
    s = Shape(x) b = Gather(s, zero) l = Gather(s, one) n = Mul(b, four)
    b1 = Unsqueeze(n, at) l1 = Unsqueeze(l, at) shape = Concat<axis = 0>(b1, l1, rest) y = Reshape(x, shape) }`);
  expect(contentsOf(g.value('shape')!)).toEqual(['4*batch', 'sequence', -1]);
  expect(typeIn(g, 'y')).toBe('float32[4*batch, sequence, 16]');
});

test('a mask made of a range broadcasts to what it masks', () => {
  const g = inferred(`g (int64[batch, sequence] x, float[batch, sequence, sequence] scores) => (y) <int64 zero = {0}, int64 one = {1}, int64[1] first = {0}, float low = {-1.0}> {
    s = Shape(x) l = Gather(s, one) r = Range(zero, l, one) row = Unsqueeze(r, first) column = Unsqueeze(r, last) last = Constant<value_ints = [1]>()
    causal = LessOrEqual(row, column) y = Where(causal, scores, low) }`);
  expect(typeIn(g, 'causal')).toBe('bool[sequence, sequence]');
  expect(typeIn(g, 'y')).toBe('float32[batch, sequence, sequence]');
});

test('a shape that chooses between two known ones', () => {
  const g = inferred(`g (float[N, 3] x) => (y) <int64[2] shape = {-1, 3}, int64 two = {2}, int64[2] minus = {-1, -1}> {
    s = Shape(x) e = Equal(shape, minus) w = Where(e, s, shape) o = ConstantOfShape(s) y = Expand(x, w) }`);
  expect(contentsOf(g.value('w')!)).toEqual(['N', 3]);
  expect(typeIn(g, 'y')).toBe('float32[N, 3]');
  expect(typeIn(g, 'o')).toBe('float32[N, 3]');
});

test('what is not known stays unknown, and what is beside it does not', () => {
  const g = inferred('g (float[N, 3] x, int64[2] shape) => (y) { y = Reshape(x, shape) z = Reshape(x, y) }');
  expect(typeIn(g, 'y')).toBe('float32[?, ?]');
  expect(typeIn(g, 'z')).toBe('float32');
});

test('a dimension of an input without a name gets one', () => {
  expect(typeIn(inferred('g (float[?, 3] x) => (y) { y = Concat<axis = 0>(x, x) }'), 'y')).toBe('float32[2*x.0, 3]');
});

test('names that stand for nothing in particular do not become equal', () => {
  const g = inferred('g (float["?", 3] x, float["?", 3] v) => (y) { y = Concat<axis = 0>(x, v) }');
  expect(typeIn(g, 'y')).toBe('float32[v.0 + x.0, 3]');
});

test('a name of the file that looks like an expression is none', () => {
  const g = inferred('g (float[past] x, float[1] one, float["past + 1"] mask) => (y) { y = Concat<axis = 0>(x, one) z = Identity(mask) }');
  expect([typeIn(g, 'y'), typeIn(g, 'z')]).toEqual(['float32[(past + 1)]', 'float32[past + 1]']);
});

test('a name of the file that is proved to mean what it looks like does', () => {
  const g = inferred('g (float[past] x, float[1] one, float["past + 1"] mask) => (float["past + 1"] y) { y = Concat<axis = 0>(x, one) z = Add(y, mask) }');
  expect([typeIn(g, 'y'), typeIn(g, 'z')]).toEqual(['float32[past + 1]', 'float32[past + 1]']);
});

test('the more precise of the declared and the inferred size wins', () => {
  const g = inferred('g (float[N, 8] x, int64[2] s) => (float[?, M] y) { y = Relu(x) z = Reshape(x, s) }');
  expect(typeIn(g, 'y')).toBe('float32[N, 8]');
  expect(describeType(g.value('y')!.declared)).toBe('float32[?, M]');
});

test('a declared size that cannot be true stays, and is reported', () => {
  const g = parseGraph('g (float[N, 8] x) => (float[N, 9] y) { y = Relu(x) }');
  const seen: string[] = [];
  inferTypes(g, { contradicts: (v, type) => seen.push(`${v.name} ${describeType(type)}`) });
  expect(seen).toEqual(['y float32[N, 8]']);
  expect(typeIn(g, 'y')).toBe('float32[N, 9]');
});

test('inference is no change to the model', () => {
  const g = parseGraph('g (float[N, 8] x) => (y) { y = Relu(x) }');
  const before = g.revision;
  inferTypes(g);
  expect(g.revision).toBe(before);
  expect(g.value('y')!.declared).toBeUndefined();
});

test('a new node is inferred by itself', () => {
  const g = inferred('g (float[N, 8] x) => (y) { y = Relu(x) }');
  const node = g.add(new Node('Concat', [g.value('y'), g.value('x')], { attrs: [['axis', { type: 'int', value: 0 }]], outputs: ['c'] }));
  inferNode(node);
  expect(typeIn(g, 'c')).toBe('float32[2*N, 8]');
});

test('the branches of an If agree as far as they do', () => {
  const g = inferred(`g (bool c, float[N, 3] x) => (y) {
    y = If(c) <then_branch = t () => (a) { a = Relu(x) }, else_branch = e () => (b) { b = Concat<axis = 0>(x, x) }> }`);
  expect(typeIn(g, 'y')).toBe('float32[?, 3]');
});

test('a Loop whose state grows has no known length, and one that keeps it has', () => {
  const g = inferred(`g (int64 n, float[N] x, float[M] v) => (y) {
    y, z, steps = Loop(n, , x, v) <body = b (int64 i, bool c, float[k] a, float[l] u) => (c2, a2, u2, o) { c2 = Identity(c) a2 = Concat<axis = 0>(a, a) u2 = Relu(u) o = Identity(u) }> }`);
  expect([typeIn(g, 'y'), typeIn(g, 'z'), typeIn(g, 'steps')]).toEqual(['float32[?]', 'float32[M]', 'float32[?, ?]']);
});

test('a Loop that runs a known number of times stacks as much', () => {
  const g = inferred(`g (float[M] v) => (y) <int64 n = {5}> {
    z, y = Loop(n, , v) <body = b (int64 i, bool c, float[l] u) => (c2, u2, o) { c2 = Identity(c) u2 = Relu(u) o = Identity(u) }> }`);
  expect(typeIn(g, 'y')).toBe('float32[5, M]');
});

test('a Scan slices its inputs and stacks its results', () => {
  const g = inferred(`g (float[H] h, float[S, H] x) => (y) {
    z, y = Scan<num_scan_inputs = 1, body = b (float[H] s, float[H] i) => (s2, o) { s2 = Add(s, i) o = Identity(s2) }>(h, x) }`);
  expect([typeIn(g, 'z'), typeIn(g, 'y')]).toEqual(['float32[H]', 'float32[S, H]']);
});

test('a call of a function is inferred with the types and attributes of the call', () => {
  const m = parseModel(`<ir_version: 10, opset_import: ["" : 20, "local" : 1]> g (float[N, 3] x) => (y, z) { y = local.twice<along = 0>(x) z = local.twice<along = 1>(x) }
    <domain: "local", opset_import: ["" : 20]> twice<along>(a) => (b) { c = Relu(a) b = Concat<axis: int = @along>(c, c) }`);
  inferTypes(m);
  expect([typeIn(m.graph, 'y'), typeIn(m.graph, 'z')]).toEqual(['float32[2*N, 3]', 'float32[N, 6]']);
  expect(typeIn([...m.functions.values()][0]!.body, 'c')).toBe('float32[N, 3]');
});

test('a type that was inferred before does not stay when what it came from has changed', () => {
  const g = inferred('g (float[N, 3] x, float[N, 5] v) => (y) { y = Relu(x) z = Relu(y) }');
  g.value('y')!.producer!.setInput(0, g.value('v'));
  inferTypes(g);
  expect(typeIn(g, 'z')).toBe('float32[N, 5]');
});

test('a wrong model is no reason to throw', () => {
  const g = inferred('g (float[N, 3] x, int64[1] i) => (y) { y = Transpose<perm = [0, 7, 9]>(x) z = Squeeze<axes = [5]>(x) u = Gather(x, i, i) w = Reshape() v = Conv(x, y) }');
  expect(typeIn(g, 'w')).toBe('unknown type');
});
