import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attr, type Attr } from '../ir/attr.ts';
import { equalTensors } from '../ir/compare.ts';
import { bitsOf, byteLengthOf, countOf, DTYPES, type DType } from '../ir/dtype.ts';
import { Graph, Node, Value } from '../ir/graph.ts';
import { Model } from '../ir/model.ts';
import { sparseTensor } from '../ir/sparse.ts';
import { stringTensor } from '../ir/strings.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import type { Dim, ValueType } from '../ir/types.ts';
import { float32s, int64s } from '../ir/values.ts';
import { parseModel } from './parse.ts';
import { printModel } from './print.ts';

const word = fc.stringMatching(/^[A-Za-z_]\w{0,5}$/);
/** Names with everything in them that a file may hold, and words that mean something in the syntax. */
const oddName = fc.oneof(word, fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }), fc.constantFrom('float', 'seq', 'nan', 'Inf', '/a/b.0', 'a"b', 'a\\', '# no comment', '…', '\n'));
const int = fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const float = fc.float({ noNaN: true });
const dims = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 });

const dim: fc.Arbitrary<Dim> = fc.oneof(fc.nat(9), oddName, fc.constant(null));
const type: fc.Arbitrary<ValueType> = fc.letrec<{ type: ValueType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constantFrom('tensor' as const, 'sparse' as const), dtype: fc.constantFrom(...DTYPES), dims: fc.option(fc.array(dim, { maxLength: 3 }), { nil: undefined }) }),
    fc.record({ kind: fc.constantFrom('sequence' as const, 'optional' as const), of: tie('type') }),
    fc.record({ kind: fc.constant('map' as const), key: fc.constantFrom<DType>('int64', 'string'), of: tie('type') }),
    fc.record({ kind: fc.constant('opaque' as const), domain: fc.constantFrom('', 'a.b'), name: word }),
  ),
})).type;

const optionalType: fc.Arbitrary<ValueType | null> = fc.option(type);

/** Any bytes that the type can hold; NaN only in its usual form, since the syntax has no payloads. */
const tensor: fc.Arbitrary<Tensor> = fc.tuple(fc.constantFrom(...DTYPES), dims).chain(([dtype, shape]) => {
  const count = countOf(shape);
  if (dtype === 'string') return fc.array(fc.string({ unit: 'grapheme' }), { minLength: count, maxLength: count }).map((values) => stringTensor(shape, values));
  if (dtype === 'bool') return fc.array(fc.nat(1), { minLength: count, maxLength: count }).map((values) => memoryTensor(dtype, shape, Uint8Array.from(values)));
  if (dtype === 'float32' || dtype === 'complex64') return floats(count * (dtype === 'complex64' ? 2 : 1), fc.float()).map((values) => memoryTensor(dtype, shape, Float32Array.from(values)));
  if (dtype === 'float64' || dtype === 'complex128') return floats(count * (dtype === 'complex128' ? 2 : 1), fc.double()).map((values) => memoryTensor(dtype, shape, Float64Array.from(values)));
  const length = byteLengthOf(dtype, count);
  return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => memoryTensor(dtype, shape, withoutPadding(bytes, (count * bitsOf(dtype)) % 8)));
});
const floats = (count: number, value: fc.Arbitrary<number>): fc.Arbitrary<number[]> => fc.array(value, { minLength: count, maxLength: count });

/** Elements narrower than a byte leave bits of the last byte unused: zeros, as ONNX writes them. */
function withoutPadding(bytes: Uint8Array, used: number): Uint8Array {
  return used ? bytes.map((b, i) => (i === bytes.length - 1 ? b & ((1 << used) - 1) : b)) : bytes;
}

const plainAttr: fc.Arbitrary<Attr> = fc.oneof(
  int.map(attr.int),
  float.map(attr.float),
  fc.string({ unit: 'grapheme' }).map(attr.string),
  fc.array(int, { maxLength: 3 }).map(attr.ints),
  fc.array(float, { maxLength: 3 }).map(attr.floats),
  fc.array(fc.string(), { maxLength: 3 }).map(attr.strings),
  tensor.map(attr.tensor),
  type.map((value): Attr => ({ type: 'type', value })),
  fc.array(type, { maxLength: 2 }).map((value): Attr => ({ type: 'types', value })),
  fc.array(tensor, { maxLength: 2 }).map((value): Attr => ({ type: 'tensors', value })),
  fc.constant<Attr>({ type: 'sparse', value: sparseTensor([2, 3], float32s([2], [1, 2]), int64s([0, 1, 1, 2], [2, 2])) }),
);

interface NodePlan {
  readonly opType: string;
  readonly domain: string;
  readonly label: string;
  readonly attrs: readonly (readonly [string, Attr])[];
  readonly reads: readonly (number | null)[];
  readonly outputs: readonly (string | null)[];
  readonly type: ValueType | null;
  readonly body: GraphPlan | null;
}
interface GraphPlan {
  readonly name: string;
  readonly inputs: readonly (readonly [string, ValueType | null])[];
  readonly initializers: readonly (readonly [string, Tensor])[];
  readonly nodes: readonly NodePlan[];
}

const plan = fc.letrec<{ graph: GraphPlan; node: NodePlan }>((tie) => ({
  graph: fc.record({
    name: oddName,
    inputs: fc.array(fc.tuple(oddName, optionalType), { maxLength: 2 }),
    initializers: fc.array(fc.tuple(oddName, tensor), { maxLength: 2 }),
    nodes: fc.array(tie('node'), { maxLength: 3 }),
  }),
  node: fc.record({
    opType: fc.oneof(fc.constantFrom('Relu', 'Gemm', 'Softmax'), word, oddName),
    domain: fc.constantFrom('', 'com.microsoft', 'pkg.torch.2.1'),
    label: fc.oneof(fc.constant(''), oddName),
    attrs: fc.uniqueArray(fc.tuple(oddName, plainAttr), { maxLength: 2, selector: ([name]) => name }),
    reads: fc.array(fc.option(fc.nat(20)), { maxLength: 3 }),
    outputs: fc.array(fc.option(oddName), { maxLength: 2 }),
    type: optionalType,
    body: fc.option(tie('graph'), { maxDepth: 2 }),
  }),
}));

/** Builds a graph by the plan; names that are taken are changed, reads go to whatever is there. */
function grow(p: GraphPlan, taken: Set<string>, outer: readonly Value[]): Graph {
  const fresh = (name: string): string => {
    let free = name;
    while (taken.has(free)) free += '_';
    taken.add(free);
    return free;
  };
  const g = new Graph(p.name, outer.length ? undefined : new Map([['', 20], ['com.microsoft', 1], ['pkg.torch.2.1', 1]]));
  const known = [...outer];
  for (const [name, t] of p.inputs) known.push(g.addInput(new Value(fresh(name), { type: t ?? undefined })));
  for (const [name, t] of p.initializers) known.push(g.adoptInitializer(new Value(fresh(name), { constant: t })));
  for (const n of p.nodes) {
    const reads = n.reads.map((i) => (i === null || known.length === 0 ? undefined : known[i % known.length]));
    const body = n.body && grow(n.body, taken, known);
    const attrs = [...n.attrs, ...(body ? [['the body', attr.graph(body)] as const] : [])];
    const node = g.add(new Node(n.opType, reads, { domain: n.domain, name: n.label, outputs: n.outputs.map((name) => (name === null ? '' : fresh(name))), attrs }));
    for (const v of node.outputs) {
      if (v.name === '') continue;
      v.type = n.type ?? undefined;
      known.push(v);
    }
  }
  for (const v of known.slice(-2)) if (v.graph === g) g.addOutput(v);
  return g;
}

function expectSame(a: Graph, b: Graph): void {
  const shape = (g: Graph): unknown => ({
    name: g.name,
    inputs: g.inputs.map((v) => [v.name, v.declared]),
    outputs: g.outputs.map((v) => [v.name, v.declared]),
    initializers: [...g.initializers.values()].map((v) => [v.name, v.declared]),
    nodes: [...g.nodes].map((n) => [n.domain, n.opType, n.name, n.inputs.map((v) => v?.name), n.outputs.map((v) => [v.name, v.declared]), [...n.attrs].map(([name, x]) => [name, x.type, /^(int|float|string|type)s?$/.test(x.type) && x])]),
  });
  expect(shape(b)).toEqual(shape(a));
  for (const [name, v] of a.initializers) expect(equalTensors(b.initializers.get(name)!.constant, v.constant), name).toBe(true);
  const [left, right] = [[...a.nodes], [...b.nodes]];
  left.forEach((n, i) => {
    for (const [name, x] of n.attrs) {
      const y = right[i]!.attrs.get(name)!;
      if (x.type === 'tensor' && y.type === 'tensor') expect(equalTensors(x.value, y.value), name).toBe(true);
      if (x.type === 'sparse' && y.type === 'sparse') expect(equalTensors(x.value, y.value) && equalTensors(x.value.indices, y.value.indices), name).toBe(true);
      if (x.type === 'graph' && y.type === 'graph') expectSame(x.value, y.value);
    }
  });
}

test('what is printed is parsed to the same model, and printed to the same text', () => {
  fc.assert(
    fc.property(plan.graph, (p) => {
      const model = new Model(grow(p, new Set(['']), [])).settle();
      const text = printModel(model);
      const back = parseModel(text);
      expectSame(model.graph, back.graph);
      expect([...back.opsets]).toEqual([...model.opsets]);
      expect(back.info).toEqual(model.info);
      expect(printModel(back)).toBe(text);
    }),
    { numRuns: 200 },
  );
});

test('every tensor keeps its bytes', () => {
  fc.assert(
    fc.property(tensor, (t) => {
      const g = new Graph('g', new Map([['', 20]]));
      g.adoptInitializer(new Value('w', { constant: t }));
      const back = parseModel(printModel(new Model(g))).graph.value('w')!.constant!;
      expect(back.dims).toEqual(t.dims);
      expect(equalTensors(t, back)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a wrong text is refused with a place, and never otherwise', () => {
  const text = printModel(parseModel('g (float[N] x) => (float y) <float16[2] w = {1, 2}> { y = If(x) <a = b () => () { z = Foo <t = 1.5, s = ["a"]> (x, w) }> }'));
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(8), fc.string({ maxLength: 3 }), (at, length, put) => {
      const broken = text.slice(0, at) + put + text.slice(at + length);
      try {
        parseModel(broken);
      } catch (e) {
        expect(e).toMatchObject({ name: 'OnnxError', code: expect.stringMatching(/^(bad-text|invalid-graph|external-data)$/) });
      }
    }),
    { numRuns: 1000 },
  );
});
