import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { attr } from '../ir/attr.ts';
import type { Node } from '../ir/graph.ts';
import { stringsOf } from '../ir/strings.ts';
import type { Tensor } from '../ir/tensor.ts';
import { tensorType } from '../ir/types.ts';
import { bigintsOf, float32sOf, numbersOf } from '../ir/values.ts';
import { parseGraph, parseModel } from './parse.ts';

const node = (text: string): Node => [...parseGraph(`g (float[4] x, float[4] w) => () { ${text} }`).nodes][0]!;
const constant = (text: string): Tensor => parseGraph(`g () => () <${text}> {}`).initializers.values().next().value!.constant;
const hexOf = (t: Tensor): string => Buffer.from(t.bytes()).toString('hex');
const inputType = (text: string): unknown => parseGraph(`g (${text} x) => () {}`).inputs[0]?.type;

test('a graph without a header has opset 20, and other domains at their newest', () => {
  const g = parseGraph('agraph (float[N, 3] x) => (float[N, 3] y) { t = Relu(x)  y = com.microsoft.FusedMatMul(t, t) }');
  expect([...g.opsets]).toEqual([['', 20], ['com.microsoft', 1]]);
  expect([...g.nodes].map((n) => [n.domain, n.opType, n.inputs.map((v) => v?.name), n.output.name])).toEqual([['', 'Relu', ['x'], 't'], ['com.microsoft', 'FusedMatMul', ['t', 't'], 'y']]);
  expect(g.outputs[0]?.type).toEqual(tensorType('float32', ['N', 3]));
});

test('given opsets count where the text has none', () => {
  expect([...parseGraph('g () => () {}', new Map([['', 11]])).opsets]).toEqual([['', 11]]);
});

test('a header says versions, producer, documentation and metadata', () => {
  const m = parseModel(`< ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3], producer_name: "p", producer_version: "1", domain: "d", model_version: 7,
    doc_string: "says \\"hi\\"", metadata_props: ["a": "b", "c": ""] >  # a comment
    g () => () {}`);
  expect(m.info).toEqual({ irVersion: 8, producerName: 'p', producerVersion: '1', domain: 'd', modelVersion: 7 });
  expect([...m.opsets]).toEqual([['', 17], ['ai.onnx.ml', 3]]);
  expect([...m.metadata]).toEqual([['a', 'b'], ['c', '']]);
  expect(m.notes?.docString).toBe('says "hi"');
  expect(m.revision).toBe(0);
});

test('types: scalars, unknown ranks, symbolic and unknown sizes, and everything that is no tensor', () => {
  expect(inputType('float')).toEqual(tensorType('float32', []));
  expect(inputType('double[]')).toEqual(tensorType('float64', undefined));
  expect(inputType('int64[N, 2, ?, "a b"]')).toEqual(tensorType('int64', ['N', 2, null, 'a b']));
  expect(inputType('seq(map(int64, string))')).toEqual({ kind: 'sequence', of: { kind: 'map', key: 'int64', of: tensorType('string', []) } });
  expect(inputType('optional(sparse_tensor(float16[3]))')).toEqual({ kind: 'optional', of: { kind: 'sparse', dtype: 'float16', dims: [3] } });
  expect(inputType('opaque(a.b, c)')).toEqual({ kind: 'opaque', domain: 'a.b', name: 'c' });
  expect(inputType('opaque(a.b)')).toEqual({ kind: 'opaque', domain: '', name: 'a.b' });
});

test('attributes have the type they say', () => {
  expect([...node('y = Foo <a: int = 1, b: float = 1, c: ints = [], d: floats = [1, 2.5], e: string = "s", f: strings = ["t"]>(x)').attrs]).toEqual([
    ['a', attr.int(1)], ['b', attr.float(1)], ['c', attr.ints([])], ['d', attr.floats([1, 2.5])], ['e', attr.string('s')], ['f', attr.strings(['t'])],
  ]);
});

test('attributes that do not say their type have the one of the schema, or else of the value', () => {
  expect([...node('y = Gemm <alpha = 1, transB = 1>(x, w)').attrs]).toEqual([['alpha', attr.float(1)], ['transB', attr.int(1)]]);
  expect([...node('y = Transpose <perm = []>(x)').attrs]).toEqual([['perm', attr.ints([])]]);
  expect([...node('y = Foo <a = 1, b = 1.5, c = [1, 2], d = [1, 2.5], e = -inf, f = 9007199254740993>(x)').attrs.values()]).toEqual([attr.int(1), attr.float(1.5), attr.ints([1, 2]), attr.floats([1, 2.5]), attr.float(-Infinity), attr.int(9007199254740993n)]);
});

test('attributes may stand before or behind the inputs', () => {
  expect([...node('y = Softmax(x) <axis = 1>').attrs]).toEqual([...node('y = Softmax <axis = 1>(x)').attrs]);
});

test('tensors, types, references and sparse tensors are attributes too', () => {
  const attrs = node('y = Foo <t = float[2] {1, 2}, n: tensor = float v = {3}, s = seq(float), r: float = @alpha, z = sparse_tensor(float[8]) {1.5, 2} int64[2] {0, 3}>(x)').attrs;
  expect([...attrs.values()].map((a) => a.type)).toEqual(['tensor', 'tensor', 'type', 'ref', 'sparse']);
  const z = attrs.get('z');
  expect(z?.type === 'sparse' && [...float32sOf(z.value)]).toEqual([1.5, 0, 0, 2, 0, 0, 0, 0]);
  const n = attrs.get('n');
  expect(n?.type === 'tensor' && [n.value.dims, [...float32sOf(n.value)]]).toEqual([[], [3]]);
});

test('missing inputs and outputs are empty names or nothing before a comma', () => {
  expect(node('y, "" = Foo(x, "", w)').inputs.map((v) => v?.name)).toEqual(['x', undefined, 'w']);
  expect(node('y = Foo(x, , w)').inputs.map((v) => v?.name)).toEqual(['x', undefined, 'w']);
  expect(node('y, "" = Foo(x,)').outputs.map((v) => v.name)).toEqual(['y', '']);
});

test('nodes have names and overloads, and every name may be quoted', () => {
  const n = node('["/a/b"] "y.1" = "my-domain"."Do it":"v 1"(x)');
  expect([n.name, n.output.name, n.domain, n.opType, n.overload]).toEqual(['/a/b', 'y.1', 'my-domain', 'Do it', 'v 1']);
});

test('subgraphs read the values around them', () => {
  const g = parseGraph(`g (bool c, float[2] x) => (float[2] y) {
    y = If(c) <then_branch = t () => (float[2] a) { a = Relu(x) }, else_branch = e () => (float[2] b) <float[2] k = {1, 2}> { b = Add(x, k) }>
  }`);
  const [then] = [...g.nodes][0]!.graphs();
  expect([...then!.nodes][0]?.inputs[0]).toBe(g.value('x'));
  expect(g.value('x')?.useCount).toBe(2);
});

test('nodes may come in any order', () => {
  const g = parseGraph('g (float x) => (float y) { y = Relu(t)  t = Neg(x) }');
  expect([...g.nodes].map((n) => n.opType)).toEqual(['Neg', 'Relu']);
});

test('values between inputs and outputs get types, and inputs get defaults', () => {
  const g = parseGraph('g (float[2] x = {1, 2}) => (float[2] y) <float[N] t> { t = Relu(x)  y = Relu(t) }');
  expect(g.value('t')?.type).toEqual(tensorType('float32', ['N']));
  expect([...float32sOf(g.inputs[0]!.default!)]).toEqual([1, 2]);
});

test('functions have attributes, defaults, opsets and types', () => {
  const m = parseModel(`<ir_version: 10, opset_import: ["" : 20, "local" : 1]>
    g (float[2] x) => (float[2] y) { y = local.f <alpha = 2.0>(x) }
    <domain: "local", overload: "o", opset_import: ["" : 18], doc_string: "d">
    f <alpha, beta: float = 0.5> (float[N] a) => (b) <float[N] t> { t = Elu <alpha: float = @alpha>(a)  b = Relu(t) }`);
  const f = m.functions.get('local::f::o')!;
  expect([f.attributes, [...f.defaults], [...f.body.opsets], f.notes?.docString]).toEqual([['alpha'], [['beta', attr.float(0.5)]], [['', 18]], 'd']);
  expect([f.body.inputs[0]?.type, f.body.value('t')?.type]).toEqual([tensorType('float32', ['N']), tensorType('float32', ['N'])]);
  expect([...[...f.body.nodes][0]!.attrs]).toEqual([['alpha', { type: 'ref', to: 'alpha', of: 'float' }]]);
});

test('numbers of every type are read exactly', () => {
  expect(hexOf(constant('float[3] w = {0.1, -0, -nan}'))).toBe('cdcccc3d000000800000c0ff');
  expect([...numbersOf(constant('double[2] w = {0.1, 1e300}'))]).toEqual([0.1, 1e300]);
  expect([...bigintsOf(constant('int64[2] w = {9223372036854775807, -9223372036854775808}'))]).toEqual([2n ** 63n - 1n, -(2n ** 63n)]);
  expect(hexOf(constant('uint64 w = {18446744073709551615}'))).toBe('ffffffffffffffff');
  expect([...numbersOf(constant('int8[2] w = {-128, 127}'))]).toEqual([-128, 127]);
  expect(hexOf(constant('int4[3] w = {-1, 7, -8}'))).toBe('7f08');
  expect(hexOf(constant('uint2[4] w = {3, 0, 1, 2}'))).toBe('93');
  expect(hexOf(constant('bool[2] w = {1, 0}'))).toBe('0100');
  expect(hexOf(constant('complex64[1] w = {1, -2}'))).toBe('0000803f000000c0');
  expect(stringsOf(constant('string[2] w = {"a \\" b \\\\", "ü\nx"}'))).toEqual(['a " b \\', 'ü\nx']);
  expect(constant('float[0] w = {}').byteLength).toBe(0);
});

test('an integer in a narrow float is its bit pattern, and a number with a point its value', () => {
  expect(hexOf(constant('float16[2] w = {15360, 1.0}'))).toBe('003c003c');
  expect(hexOf(constant('bfloat16[2] w = {16256, 1e0}'))).toBe('803f803f');
});

test('external data lies in the folder of the text, and is refused without one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-text-'));
  try {
    writeFileSync(join(folder, 'w.bin'), Float32Array.of(0, 5, 6));
    const text = 'g () => () <float[2] w = ["location": "w.bin", "offset": "4", "length": "8"]> {}';
    const path = join(folder, 'm.onnxtxt');
    writeFileSync(path, text);
    const w = parseModel(text, { path }).graph.value('w');
    expect([...float32sOf(w!.constant!)]).toEqual([5, 6]);
    expect(() => parseModel(text)).toThrow('w.bin');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const mistakes: readonly (readonly [why: string, text: string, message: string])[] = [
  ['a name that nothing makes', 'g (float x) => (float y) {\n  y = Add(x, bias)\n}', 'Line 2, column 14: nothing makes "bias".\n2 |   y = Add(x, bias)\n  |              ^'],
  ['an output that nothing makes', 'g (float x) => (float y) {}', 'Line 1, column 17: nothing makes "y"'],
  ['a missing parenthesis', 'g (float x => (float y) {}', 'Line 1, column 12: expected "," or ")", found "=>"'],
  ['a text that ends early', 'g () => () {', 'expected a node, as y = Relu(x), or "}", found the end of the text'],
  ['an unknown type', 'g (flaot[2] x) => () {}', 'Line 1, column 4: "flaot" is no type'],
  ['too few numbers', 'g () => () <float[3] w = {1, 2}> {}', 'float[3] has 3 elements, and 2 are given'],
  ['too many numbers', 'g () => () <float[1] w = {1, 2}> {}', 'float[1] has 1 elements, and 2 are given'],
  ['a huge shape with few numbers', 'g () => () <float[999999999] w = {1, 2}> {}', 'has 999999999 elements, and 2 are given'],
  ['a symbolic size of a constant', 'g () => () <float[N] w = {1}> {}', 'the sizes of a tensor that is written down must be numbers'],
  ['a number out of range', 'g () => () <int8[1] w = {200}> {}', '200 is no int8: those go from -128 to 127'],
  ['a fraction in an integer tensor', 'g () => () <int64[1] w = {0.5}> {}', 'Line 1, column 27: expected an integer, for int64, found "0.5"'],
  ['a float that is too large', 'g () => () <float[1] w = {1e39}> {}', '1e39 is too large for its type'],
  ['an unclosed string', 'g () => () { y = Foo <a = "x> () }', 'expected a closing quote'],
  ['an attribute of another type', 'g (float x) => () { y = Softmax <axis = 1.5> (x) }', 'attribute "axis" is of type int, and this value is not'],
  ['a list of different things', 'g (float x) => () { y = Foo <a = [1, "b"]> (x) }', 'attribute "a" is a list of different types'],
  ['an empty list of an unknown type', 'g (float x) => () { y = Foo <a = []> (x) }', 'write "a: ints = []"'],
  ['an unknown type of attribute', 'g (float x) => () { y = Foo <a: integer = 1> (x) }', 'expected a type of attribute (int, float, string'],
  ['an unknown field of the header', '<ir: 1> g () => () {}', 'expected one of ir_version, opset_import'],
  ['numbers that were left out', 'g () => () <float[9] w = {1, 2, …}> {}', 'found "…", where numbers were left out when this was printed'],
  ['a value without a type', 'g () => () <w = {1}> {}', '"w" needs a type before its name to have a value'],
  ['sparse indices out of order', 'g (float x) => () { y = Foo <z = sparse_tensor(float[8]) {1, 2} int64[3] {3, 0, 1}> (x) }', 'The indices of 2 values in a sparse tensor'],
];

for (const [why, text, message] of mistakes) {
  test(`${why} is told with its place`, () => {
    expect(() => parseModel(text)).toThrow(expect.objectContaining({ code: 'bad-text', message: expect.stringContaining(message) }));
  });
}

test('a long line is cut around the mistake', () => {
  const text = `g (float x) => () { ${'y = Relu(x) '.repeat(50)}`;
  const error = ((): Error => {
    try {
      parseModel(text);
    } catch (e) {
      return e as Error; // parseModel throws nothing else
    }
    throw new Error('The text is wrong.');
  })();
  expect(Math.max(...error.message.split('\n').slice(1).map((line) => line.length))).toBeLessThan(120);
});

test('nesting without end is refused before it exhausts the stack', () => {
  expect(() => parseModel(`g (${'seq('.repeat(100_000)}`)).toThrow(expect.objectContaining({ code: 'too-deep' }));
  expect(() => parseModel('g () => () {'.padEnd(200_000, 'y = F() <b = g () => () {'))).toThrow(expect.objectContaining({ code: 'too-deep' }));
});

test('two values of one name are refused', () => {
  expect(() => parseModel('g (float x) => () { y = Relu(x)  y = Neg(x) }')).toThrow(expect.objectContaining({ code: 'invalid-graph' }));
});
