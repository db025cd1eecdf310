import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attr } from '../ir/attr.ts';
import { Graph, Node, Value } from '../ir/graph.ts';
import { tensorType } from '../ir/types.ts';
import { validate } from '../ir/validate.ts';
import { Model } from '../ir/model.ts';
import { kept, oneOf, value } from './pattern.ts';
import { rewrite } from './rewrite.ts';
import { nodeRule, rule, type Rule } from './rule.ts';

const [x, y, z] = [value(), value(), value()];

/** Exact in floating point, so that any wrong step shows. Together they share inner values, replace several at once, and make work for each other. */
const RULES: readonly Rule[] = [
  rule('identity', { vars: { x }, match: ({ x }, op) => op.Identity(x), build: ({ x }) => x }),
  rule('neg-neg', { vars: { x }, match: ({ x }, op) => op.Neg(kept(op.Neg(x))), build: ({ x }) => x }),
  rule('abs-of', { vars: { x }, match: ({ x }, op) => op.Abs(oneOf(op.Abs(x), op.Neg(x))), build: ({ x }, op) => op.Abs(x) }),
  rule('add-neg', { vars: { x, y }, match: ({ x, y }, op) => op.Add(x, op.Neg(y)), build: ({ x, y }, op) => op.Sub(x, y) }),
  rule('sub-neg', { vars: { x, y }, match: ({ x, y }, op) => op.Sub(x, op.Neg(y)), build: ({ x, y }, op) => op.Add(x, y) }),
  rule('min-max', { vars: { x, y, z }, match: ({ x, y, z }, op) => op.Min([op.Max([x, y]), op.Max([y, z])]), build: ({ x, y, z }, op) => op.Max([y, op.Min([x, z])]) }),
  rule('both', {
    vars: { x, y },
    match: ({ x, y }, op) => {
      const sum = op.Add(x, y);
      return [op.Abs(sum), sum];
    },
    build: ({ x, y }, op) => {
      const [sum, abs] = op.call('acme', 'SumAndAbs', [x, y], {}, 2);
      return [abs, sum];
    },
  }),
  nodeRule('sub-self', { operators: ['Sub'], apply: (n, op) => (n.inputs[1]?.producer?.is('Sub') && n.inputs[1].producer.inputs[0] === n.inputs[0] ? op.Identity(n.inputs[1].producer.inputs[1]!) : 'no difference of a difference') }),
];

const UNARY = ['Identity', 'Neg', 'Abs'] as const;
const BINARY = ['Add', 'Sub', 'Min', 'Max'] as const;

/** What integers the outputs are: a plain interpreter. */
function outputsOf(g: Graph, inputs: ReadonlyMap<Value, number>): number[] {
  const known = new Map(inputs);
  const at = (v: Value | undefined): number => known.get(v!)!;
  const scope = (s: Graph): number[] => {
    for (const n of s.ordered()) {
      const [a, b] = [at(n.inputs[0]), at(n.inputs[1])];
      const results: Record<string, () => number[]> = {
        Identity: () => [a], Neg: () => [-a], Abs: () => [Math.abs(a)], Add: () => [a + b], Sub: () => [a - b], Min: () => [Math.min(a, b)], Max: () => [Math.max(a, b)],
        SumAndAbs: () => [a + b, Math.abs(a + b)], If: () => scope(n.graphs()[0]!),
      };
      n.outputs.forEach((v, i) => known.set(v, results[n.opType]!()[i]!));
    }
    return s.outputs.map(at);
  };
  return scope(g);
}

type Step = readonly [what: number, a: number, b: number, deep: boolean];

function build(steps: readonly Step[], outputs: readonly number[]): Graph {
  const type = tensorType('int64', []);
  const g = new Graph('g', new Map([['', 20], ['acme', 1]]));
  const visible = ['p', 'q'].map((name) => g.addInput(new Value(name, { type })));
  const which = g.addInput(new Value('which', { type: tensorType('bool', []) }));
  const add = (to: Graph, [what, a, b]: Step, values: readonly Value[]): Value => {
    const [v, w] = [values[values.length - 1 - (a % values.length)]!, values[values.length - 1 - (b % values.length)]!];
    const opType = [...UNARY, ...BINARY][what % 7]!;
    const out = to.add(new Node(opType, what % 7 < 3 ? [v] : [v, w])).output;
    out.type = type;
    return out;
  };
  steps.forEach((step, i) => {
    if (!step[3]) visible.push(add(g, step, visible));
    else {
      const inner = new Graph(`inner_${i}`, g.opsets);
      const first = add(inner, step, visible);
      inner.addOutput(add(inner, [step[1], 0, step[2], false], [...visible, first]));
      const out = g.add(new Node('If', [which], { attrs: [['then_branch', attr.graph(inner)], ['else_branch', attr.graph(emptyLike(inner, visible[0]!))]] })).output;
      out.type = type;
      visible.push(out);
    }
  });
  for (const o of new Set(outputs.map((o) => visible.length - 1 - (o % visible.length)))) if (visible[o]!.producer) g.addOutput(visible[o]!);
  return g;
}

function emptyLike(inner: Graph, v: Value): Graph {
  const other = new Graph(`${inner.name}_else`, inner.opsets);
  other.addOutput(other.add(new Node('Identity', [v])).output);
  return other;
}

const graphs = fc.tuple(fc.array(fc.tuple(fc.nat(1000), fc.nat(4), fc.nat(4), fc.boolean()), { minLength: 1, maxLength: 25 }), fc.array(fc.nat(6), { minLength: 1, maxLength: 3 }));

test('rules that are right leave every output as it was, and the graph valid', () => {
  let fired = 0;
  fc.assert(
    fc.property(graphs, fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }), ([steps, outputs], p, q) => {
      const g = build(steps, outputs);
      const names = g.outputs.map((v) => v.name);
      const values = new Map([[g.inputs[0]!, p], [g.inputs[1]!, q]]);
      const before = outputsOf(g, values);
      for (const count of rewrite(g, RULES).values()) fired += count;
      expect(outputsOf(g, values).map((v) => v + 0)).toEqual(before.map((v) => v + 0));
      expect(g.outputs.map((v) => v.name)).toEqual(names);
      expect(validate(new Model(g))).toEqual([]);
    }),
    { numRuns: 300, seed: 1 },
  );
  expect(fired).toBeGreaterThan(300);
});

test('where rewriting ends, no rule fits any more, in whatever order the nodes were visited', () => {
  fc.assert(
    fc.property(graphs, fc.boolean(), ([steps, outputs], backwards) => {
      const g = build(steps, outputs);
      for (const n of backwards ? [...g.nodes] : []) g.move(n, { before: [...g.nodes][0]! });
      rewrite(g, RULES);
      expect([...rewrite(g, RULES)]).toEqual([]);
    }),
    { numRuns: 300, seed: 2 },
  );
});
