import type { Graph, Value } from '../graph.ts';
import { axisOf } from '../grid/grid.ts';
import type { Dim, ValueType } from '../types.ts';
import { joinContents, knownContents, noteContents } from './contents.ts';
import type { Facts } from './facts.ts';
import { inferGraph, setType, type Found } from './infer.ts';
import { joinTypes, mapDims } from './merge.ts';
import { innerNames, type Scope } from './scope.ts';

/** Infers everything in a node's subgraphs, and from that the node's outputs. */
export function inferSubgraphs(f: Facts, scope: Scope): readonly Found[] {
  const { node } = f;
  if (node.is('If')) return branches(f, scope);
  if (node.is('Loop')) return loop(f, scope);
  if (node.is('Scan') && f.opset >= 9) return scan(f, scope);
  if (node.is('SequenceMap')) return overSequence(f, scope);
  for (const g of node.graphs()) runGraph(g, [], scope);
  return [];
}

const found = (v: Value | undefined): Found => ({ type: v?.type, contents: v && knownContents(v) });

/** Gives the inputs their types and contents, infers everything, and tells what comes out. */
function runGraph(graph: Graph, given: readonly Found[], scope: Scope): Found[] {
  for (const [i, v] of graph.inputs.entries()) {
    setType(v, given[i]?.type, scope);
    noteContents(v, given[i]?.contents);
  }
  inferGraph(graph, scope);
  return graph.outputs.map(found);
}

const bodyOf = (f: Facts, name: string): Graph | undefined => {
  const a = f.node.attrs.get(name);
  return a?.type === 'graph' ? a.value : undefined;
};

const join = (a: Found | undefined, b: Found | undefined): Found => ({ type: joinTypes(a?.type, b?.type), contents: joinContents(a?.contents, b?.contents) });

function branches(f: Facts, scope: Scope): Found[] {
  const [whenTrue, whenFalse] = ['then_branch', 'else_branch'].map((name) => bodyOf(f, name)).map((g) => g && runGraph(g, [], scope));
  if (!whenTrue || !whenFalse) return [];
  const condition = f.numbers(0)?.[0];
  if (condition !== undefined) return condition !== 0 ? whenTrue : whenFalse;
  return f.node.outputs.map((_, i) => join(whenTrue[i], whenFalse[i]));
}

/** Runs a body until what goes in is also what comes out: then it holds in every round. `others` are the body's inputs that are not state. */
function settle(body: Graph, initial: readonly Found[], run: (state: readonly Found[]) => readonly Found[], scope: Scope): { state: readonly Found[]; results: readonly Found[] } {
  const inner = innerNames(body, scope);
  let state = initial;
  for (let round = 0; ; round++) {
    const results = run(state).map((r) => outside(r, inner, scope));
    const next = state.map((s, i) => coarser(join(s, results[i]), round));
    if (next.every((s, i) => alike(s, state[i]!))) return { state: next, results };
    state = next;
  }
}

/** What is still changing after a few rounds is given up, so that this ends. */
function coarser(s: Found, round: number): Found {
  if (round < 4) return s;
  if (round < 8) return { type: s.type && mapDims(s.type, () => null) };
  return { type: undefined };
}

const alike = (a: Found, b: Found): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What can be said outside a body: nothing in names that mean something else in each round. */
function outside(r: Found, inner: ReadonlySet<string>, scope: Scope): Found {
  const says = (d: Dim): Dim => (scope.sizes.names(d).some((name) => inner.has(name)) ? null : d);
  return { type: r.type && mapDims(r.type, says), contents: r.contents && { dims: r.contents.dims, values: r.contents.values.map(says) } };
}

/** Body: iteration, condition, state → condition, state, one slice of each scan output. */
function loop(f: Facts, scope: Scope): Found[] {
  const body = bodyOf(f, 'body');
  if (!body) return [];
  const scalar = (dtype: 'int64' | 'bool'): Found => ({ type: { kind: 'tensor', dtype, dims: [] } });
  const initial = f.node.inputs.slice(2).map(found);
  const { state, results } = settle(body, initial, (s) => runGraph(body, [scalar('int64'), scalar('bool'), ...s], scope).slice(1), scope);
  const trips = tripCount(f, body);
  const slices = results.slice(state.length).map(({ type }): Found => {
    // Without a single round the runtime makes up what it does not know, so that names hold only where there is one.
    const told = type && (scope.sizes.atLeast(trips, 1) ? type : mapDims(type, (d) => (typeof d === 'number' ? d : null)));
    return { type: told?.kind === 'tensor' ? { ...told, dims: told.dims && [trips, ...told.dims] } : undefined };
  });
  return [...state, ...slices];
}

/** How many rounds there are, where only the count decides. */
function tripCount(f: Facts, body: Graph): Dim {
  const [most, goesOn] = [f.has(0) ? (f.contents(0)?.[0] ?? null) : null, body.outputs[0]];
  const starts = !f.has(1) || f.numbers(1)?.[0] === 1;
  const passed = goesOn?.producer?.is('Identity') ? goesOn.producer.inputs[0] : goesOn;
  const always = passed === body.inputs[1] || (passed !== undefined && knownContents(passed)?.values[0] === 1);
  return starts && always ? f.sizes.known(f.sizes.max(0, most)) : null;
}

/** Body: state, one slice of each scan input → state, one slice of each scan output. */
function scan(f: Facts, scope: Scope): Found[] {
  const body = bodyOf(f, 'body');
  const count = f.node.int('num_scan_inputs');
  if (!body || count === undefined) return [];
  const states = f.node.inputs.length - count;
  const axes = f.node.ints('scan_input_axes');
  let length: Dim = null;
  const slices = f.node.inputs.slice(states).map((v, i): Found => {
    const { type } = found(v);
    const axis = type?.kind === 'tensor' && type.dims ? axisOf(axes?.[i] ?? 0, type.dims.length) : undefined;
    if (type?.kind !== 'tensor' || axis === undefined) return { type: type?.kind === 'tensor' ? { ...type, dims: undefined } : undefined };
    length ??= scope.sizes.known(type.dims![axis]!);
    return { type: { ...type, dims: type.dims!.filter((_, at) => at !== axis) } };
  });
  const initial = f.node.inputs.slice(0, states).map(found);
  const { state, results } = settle(body, initial, (s) => runGraph(body, [...s, ...slices], scope), scope);
  const outAxes = f.node.ints('scan_output_axes');
  const stacked = results.slice(states).map(({ type }, i): Found => ({ type: stack(type, outAxes?.[i] ?? 0, length) }));
  return [...state, ...stacked];
}

function stack(type: ValueType | undefined, at: number, length: Dim): ValueType | undefined {
  if (type?.kind !== 'tensor') return undefined;
  const axis = type.dims && axisOf(at, type.dims.length + 1);
  return { ...type, dims: axis === undefined ? undefined : [...type.dims!.slice(0, axis), length, ...type.dims!.slice(axis)] };
}

function overSequence(f: Facts, scope: Scope): Found[] {
  const body = bodyOf(f, 'body');
  if (!body) return [];
  const given = f.node.inputs.map((v): Found => (v?.type?.kind === 'sequence' ? { type: v.type.of } : found(v)));
  const inner = innerNames(body, scope);
  return runGraph(body, given, scope).map((r): Found => {
    const { type } = outside(r, inner, scope);
    return { type: type && { kind: 'sequence', of: type } };
  });
}
