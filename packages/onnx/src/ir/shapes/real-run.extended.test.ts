import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { modelBytes } from '../../io/write.ts';
import { openModel } from '../../io/read.ts';
import { describe as describeNode, Node, type Graph, type Value } from '../graph.ts';
import { cloneGraph, type Model } from '../model.ts';
import { describeType, type ValueType } from '../types.ts';
import { dtypeOfText, type DType } from '../dtype.ts';
import { contentsOf } from './contents.ts';
import { hasRule, inferTypes } from './infer.ts';
import { scopeFor } from './scope.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');

interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  readonly kind: string;
  readonly low?: number;
  readonly high?: number;
  readonly value?: number | string;
  readonly start?: number | string;
  readonly values?: readonly string[];
}
type Sizes = Readonly<Record<string, number>>;
interface Problem {
  readonly name: string;
  readonly file: string;
  readonly inputs: readonly InputSpec[];
  readonly cases: readonly Sizes[];
}

/** What the runtime does not have operators for. */
const FOREIGN = ['super-resolution-prepost'];

const tokens = (...names: string[]): InputSpec[] => names.map((name) => ({ name, dtype: 'int64', shape: ['b', 's'], kind: 'integers', low: 1, high: 2 }));
const texts = (name: string, file: string, third: string): Problem => ({ name, file, inputs: tokens('input_ids', 'attention_mask', third), cases: [{ b: 1, s: 7 }, { b: 3, s: 4 }] });

const graphs = shared ? join(shared, 'models/graphs') : '';
const problems: readonly Problem[] = shared
  ? [
      ...readdirSync(graphs)
        .filter((f) => f.endsWith('.onnx') && !FOREIGN.includes(f.slice(0, -5)))
        .map((f): Problem => ({ name: f, file: join(graphs, f), ...(JSON.parse(readFileSync(join(graphs, f.replace('.onnx', '.inputs.json')), 'utf8')) as Pick<Problem, 'inputs' | 'cases'>) })),
      texts('retriever-small', join(shared, 'models/retriever-small/onnx/model.onnx'), 'token_type_ids'),
      texts('all-minilm-l6-v2', join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), 'token_type_ids'),
      { ...texts('smollm2-135m', join(fixtures, 'smollm2-135m/model.onnx'), 'position_ids'), cases: [{ b: 2, s: 5 }] },
    ].filter((p) => existsSync(p.file))
  : [];

/** Any numbers within the limits will do: it is shapes that are compared. */
function feed(spec: InputSpec, sizes: Sizes): Tensor {
  const number = (v: number | string | undefined, otherwise: number): number => (typeof v === 'string' ? sizes[v.slice(1)]! : (v ?? otherwise));
  const dims = spec.shape.map((d) => (typeof d === 'string' ? sizes[d]! : d));
  const count = dims.reduce((a, b) => a * b, 1);
  const last = dims.at(-1) ?? 1;
  const span = (spec.high ?? 1) - (spec.low ?? 0);
  const at = (i: number): number => {
    if (spec.kind === 'constant') return number(spec.value, 0);
    if (spec.kind === 'arange') return number(spec.start, 0) + (i % last);
    if (spec.kind === 'mask') return 1;
    return (spec.low ?? 0) + ((i * 7919) % 97) / 97 * span;
  };
  if (spec.dtype === 'string') return new Tensor('string', Array.from({ length: count }, (_, i) => spec.values![i % spec.values!.length]!), dims);
  if (spec.dtype === 'int64') return new Tensor('int64', BigInt64Array.from({ length: count }, (_, i) => BigInt(Math.floor(at(i)))), dims);
  return new Tensor('float32', Float32Array.from({ length: count }, (_, i) => at(i)), dims);
}

type Results = InferenceSession.OnnxValueMapType;

async function runAll(model: Model, values: readonly Value[], feeds: Record<string, Tensor>): Promise<Results> {
  const copy = model.clone();
  const graph = copy.graph;
  for (const v of values) {
    const twin = graph.value(v.name)!;
    if (!twin.isOutput) graph.addOutput(twin);
  }
  for (const v of graph.outputs) v.infer(undefined);
  const session = await InferenceSession.create(modelBytes(copy), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Replaces each If of the main graph by the branch that is taken. What was copied tells what it is a copy of. */
async function takeBranches(model: Model, feeds: Record<string, Tensor>): Promise<Map<Value, Value>> {
  const origins = new Map<Value, Value>();
  for (;;) {
    const graph = model.graph;
    const choices = [...graph.nodes].filter((n) => n.is('If'));
    const ready = choices.filter((n) => n.inputs[0]!.producer?.graph === graph && upstream(n).every((u) => !choices.includes(u)));
    if (ready.length === 0) return origins;
    const results = await runAll(model, ready.map((n) => n.inputs[0]!), feeds);
    for (const n of ready) {
      const yes = Number((results[n.inputs[0]!.name] as Tensor).data[0]) !== 0;
      const branch = n.attrs.get(yes ? 'then_branch' : 'else_branch');
      if (branch?.type === 'graph') inline(graph, n, branch.value, origins);
    }
  }
}

function upstream(node: Node): Node[] {
  const seen = new Set<Node>();
  const visit = (v: Value | undefined): void => {
    if (!v?.producer || seen.has(v.producer)) return;
    seen.add(v.producer);
    v.producer.inputs.forEach(visit);
  };
  node.inputs.forEach(visit);
  return [...seen];
}

function inline(graph: Graph, choice: Node, branch: Graph, origins: Map<Value, Value>): void {
  const twins = new Map<Value, Value>();
  for (const v of branch.initializers.values()) twins.set(v, graph.addInitializer(`inlined/${v.name}`, v.constant));
  for (const n of branch.ordered()) {
    const attrs = [...n.attrs].map(([name, a]) => [name, a.type === 'graph' ? { ...a, value: cloneGraph(a.value, twins) } : a] as const);
    const m = new Node(n.opType, n.inputs.map((v) => v && (twins.get(v) ?? v)), { domain: n.domain, name: `inlined/${n.outputs[0]!.name}`, outputs: n.outputs.length, attrs });
    graph.add(m, { before: choice });
    n.outputs.forEach((v, i) => twins.set(v, m.outputs[i]!));
  }
  branch.outputs.forEach((v, i) => graph.replace(choice.outputs[i]!, twins.get(v) ?? v));
  for (const [v, w] of twins) origins.set(w, origins.get(v) ?? v);
  graph.remove(choice);
}

const realDtype = (t: Tensor): DType => dtypeOfText({ float32: 'float', float64: 'double' }[t.type as string] ?? t.type)!;

/** What is wrong with a type, seen a real tensor. */
function contradiction(type: ValueType | undefined, real: Tensor, evaluate: (d: string) => number | undefined): string | undefined {
  if (!type) return undefined;
  if (type.kind !== 'tensor') return `is a tensor`;
  if (type.dtype !== realDtype(real)) return `has ${real.type}`;
  if (!type.dims) return undefined;
  const differs = type.dims.length !== real.dims.length || type.dims.some((d, i) => d !== null && (typeof d === 'number' ? d : evaluate(d)) !== real.dims[i]);
  return differs ? `has [${real.dims.join(', ')}]` : undefined;
}

/** The same for known integers in a value. */
function wrongContents(v: Value, real: Tensor, evaluate: (d: string) => number | undefined): string | undefined {
  const known = contentsOf(v);
  if (!known || !(real.data instanceof BigInt64Array || real.data instanceof Int32Array)) return undefined;
  const wrong = known.length !== real.data.length || known.some((d, i) => d !== null && (typeof d === 'number' ? d : evaluate(d)) !== Number(real.data[i]));
  return wrong ? `is [${[...real.data].join(', ')}], not [${known.join(', ')}]` : undefined;
}

describe.skipIf(!shared)('inferred types against real runs (needs ONNXPRESS_SHARED)', () => {
  test.each(problems.flatMap((p) => p.cases.map((sizes, i) => ({ ...p, sizes, title: `${p.name} ${i}` }))))('no run contradicts what is inferred: $title', async ({ file, inputs, sizes }) => {
    const model = openModel(file);
    inferTypes(model);
    const flat = openModel(file);
    const feeds = Object.fromEntries(inputs.map((i) => [i.name, feed(i, sizes)]));
    const origins = await takeBranches(flat, feeds);
    const inferred = (v: Value): Value | undefined => {
      const original = origins.get(v);
      return original ? twinOf(model, flat, original) : model.graph.value(v.name);
    };
    const values = [...flat.graph.nodes].flatMap((n) => (n.is('Constant') ? [] : n.outputs)).filter((v) => v.name !== '' && v.type?.kind !== 'sequence');
    const results = await runAll(flat, values, feeds);
    const { sizes: algebra } = scopeFor(model.graph);
    const names = new Map<string, number>();
    const evaluate = (d: string): number | undefined => algebra.evaluate(d, names);
    const seen = [...Object.entries(feeds), ...values.map((v) => [v.name, results[v.name]] as const)].flatMap(([name, real]) => {
      const v = model.graph.value(name) ?? inferred(flat.graph.value(name)!);
      return v && real instanceof Tensor ? [{ v, real }] : [];
    });
    for (const { v, real } of seen) v.dims?.forEach((d, i) => typeof d === 'string' && algebra.names(d)[0] === d && !names.has(d) && names.set(d, real.dims[i]!));
    const problemsSeen: string[] = [];
    let known = 0;
    for (const { v, real } of seen) {
      const wrong = contradiction(v.type, real, evaluate) ?? wrongContents(v, real, evaluate);
      if (wrong) problemsSeen.push(`${v.producer?.opType ?? 'input'} "${v.name}" ${describeType(v.type)} ${wrong}`);
      if (v.dims?.every((d) => d !== null)) known++;
    }
    expect(problemsSeen.slice(0, 10)).toEqual([]);
    expect(known / values.length, 'known shapes').toBeGreaterThan(MOSTLY);
  }, 120_000);

  test.each(problems)('every operator of $name has a rule', ({ file }) => {
    const without = [...openModel(file).nodes()].filter((n) => !hasRule(n)).map(describeNode);
    expect(without).toEqual([]);
  });
});

/** Inference that says nothing contradicts nothing: so much of the values has a known shape. Least in silero-vad, where branches differ in rank. */
const MOSTLY = 0.6;

/** The value of the same name in the same subgraph of the other model. */
function twinOf(to: Model, from: Model, v: Value): Value | undefined {
  const matches = [...to.graphs()].flatMap((g) => g.value(v.name) ?? []);
  return matches.length === 1 && from !== to ? matches[0] : undefined;
}
