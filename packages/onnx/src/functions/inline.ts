import { OnnxError } from '../error.ts';
import type { Attr } from '../ir/attr.ts';
import { describe, Node, type Graph, type Value } from '../ir/graph.ts';
import { cloneGraph, type FunctionDef, type Model } from '../ir/model.ts';
import { versionsOf } from '../ir/schema.ts';
import { inferTypes } from '../ir/shapes/infer.ts';
import type { ValueType } from '../ir/types.ts';
import { raiseOpset } from '../opset/raise.ts';
import { calledBy, dropUncalled, nodesIn } from './uncalled.ts';

export interface Inlined {
  /** How many calls were replaced. */
  readonly calls: number;
  /** Why some calls stay, one sentence each. */
  readonly kept: readonly string[];
}

/**
 * Replaces calls of the model's own functions, also of functions in functions, by what the functions do, and drops the functions that nothing calls any more. What the function
 * makes keeps its names where they are free. Where functions were written for other opsets of ai.onnx, everything is raised to the newest of them. `mayInline` is asked for each
 * call; a call of a function whose other domains have versions unlike the model's stays. Throws `invalid-graph` where functions call each other in a circle.
 */
export function inlineFunctions(model: Model, mayInline: (call: Node) => boolean = () => true): Inlined {
  if (model.functions.size === 0) return { calls: 0, kept: [] };
  refuseCircles(model);
  const kept = new Set<string>();
  raiseTogether(model, kept);
  let calls = 0;
  const open = [...nodesIn(model.graph)];
  for (let node = open.pop(); node; node = open.pop()) {
    const f = calledBy(node, model);
    if (!f || !node.graph || !mayInline(node)) continue;
    const why = whyNot(node, f);
    if (why !== undefined) {
      kept.add(`${describe(node)} stays a call: ${why}`);
      continue;
    }
    for (const made of inline(node, node.graph, f)) open.push(made, ...made.graphs().flatMap((g) => [...nodesIn(g)]));
    calls++;
  }
  if (calls > 0) {
    dropUncalled(model);
    inferTypes(model);
  }
  return { calls, kept: [...kept] };
}

/** One opset of ai.onnx for all: nodes of one graph cannot have several. */
function raiseTogether(model: Model, kept: Set<string>): void {
  const opsets = [model.graph, ...[...model.functions.values()].map((f) => f.body)].flatMap((g) => g.opsets.get('') ?? []);
  if (new Set(opsets).size < 2) return;
  try {
    raiseOpset(model, Math.max(...opsets));
  } catch (e) {
    if (!(e instanceof OnnxError)) throw e;
    kept.add(`Functions of other opsets stay. ${e.message}`);
  }
}

function whyNot(node: Node, f: FunctionDef): string | undefined {
  const [here, there] = [node.graph!.opsets, f.body.opsets]; // the caller looked whether it is in a graph
  const other = [...there].find(([domain, version]) => here.has(domain) && here.get(domain) !== version);
  if (other) return `its function is written for opset ${other[1]} of ${other[0] || 'ai.onnx'}, and the model for ${here.get(other[0])}. Export both with the same.`;
  const missing = f.body.outputs.findIndex((v, i) => v.isInput && node.inputs[f.body.inputs.indexOf(v)] === undefined && (node.outputs[i]?.isUnused ?? true) === false);
  if (missing >= 0) return `its function gives out its input "${f.body.outputs[missing]!.name}", which the call leaves out.`;
  const absent = new Set(f.body.inputs.filter((_, i) => !node.inputs[i]));
  const deep = [...nodesIn(f.body)].flatMap((n) => n.graphs()).flatMap((g) => g.outputs).find((v) => absent.has(v));
  return deep && `a branch of its function gives out its input "${deep.name}", which the call leaves out.`;
}

/** Puts a copy of the body in the place of the call; gives the nodes of the copy. */
function inline(call: Node, graph: Graph, f: FunctionDef): Node[] {
  for (const [domain, version] of f.body.opsets) if (!graph.opsets.has(domain)) graph.opsets.set(domain, version);
  const twins = new Map<Value, Value>();
  const absent = new Set<Value>();
  f.body.inputs.forEach((v, i) => {
    const given = call.inputs[i];
    if (given) twins.set(v, given);
    else absent.add(v);
  });
  const attributes = new Map([...f.defaults, ...call.attrs]);
  const made: Node[] = [];
  for (const n of f.body.ordered()) {
    const node = copied(n, call, graph, twins, absent, attributes);
    graph.add(node, { before: call });
    for (const inner of node.graphs()) renameClashes(inner);
    made.push(node);
  }
  const named: { readonly value: Value; readonly name: string }[] = [];
  call.outputs.forEach((v, i) => {
    const given = f.body.outputs[i];
    const by = given && (twins.get(given) ?? given);
    if (!by || v.isUnused) return;
    const { name } = v;
    graph.replace(v, by);
    if (by.producer && made.includes(by.producer) && !by.isOutput) named.push({ value: by, name });
  });
  graph.remove(call);
  for (const { value, name } of named) if (graph.freshName(name) === name) graph.rename(value, name);
  return made;
}

/** A copy of a node of a body: it reads what the call gives, and has the attributes of the call where it refers to them. */
function copied(n: Node, call: Node, graph: Graph, twins: Map<Value, Value>, absent: ReadonlySet<Value>, attributes: ReadonlyMap<string, Attr>): Node {
  const attrs = [...n.attrs].flatMap(([name, a]): (readonly [string, Attr])[] => {
    if (a.type === 'ref') return given(a.to, attributes).map((by) => [name, by] as const);
    if (a.type === 'graph') return [[name, { ...a, value: bodyCopy(a.value, twins, absent, attributes) }]];
    if (a.type === 'graphs') return [[name, { ...a, value: a.value.map((g) => bodyCopy(g, twins, absent, attributes)) }]];
    return [[name, a]];
  });
  const taken = new Set<string>();
  const outputs = n.outputs.map((v) => {
    if (v.name === '') return '';
    let name = graph.freshName(v.name);
    for (let i = 1; taken.has(name); i++) name = graph.freshName(`${v.name}_${i}`);
    taken.add(name);
    return name;
  });
  const inputs = n.inputs.map((v) => (v && absent.has(v) ? undefined : v && (twins.get(v) ?? v)));
  const name = call.name && n.name ? `${call.name}/${n.name}` : n.name || call.name;
  const copy = new Node(n.opType, trimmed(inputs, n), { domain: n.domain, overload: n.overload, name, outputs, attrs, notes: n.notes });
  n.outputs.forEach((v, i) => twins.set(v, copy.outputs[i]!)); // as many
  return copy;
}

/** What the call says for an attribute: one, or none where it says nothing and there is no default. */
function given(name: string, attributes: ReadonlyMap<string, Attr>): Attr[] {
  const a = attributes.get(name);
  if (!a) return [];
  if (a.type === 'graph') return [{ ...a, value: cloneGraph(a.value) }];
  return a.type === 'graphs' ? [{ ...a, value: a.value.map((g) => cloneGraph(g)) }] : [a];
}

/** Places at the end that hold nothing say nothing, but for those that the operator wants. */
function trimmed(inputs: readonly (Value | undefined)[], n: Node): (Value | undefined)[] {
  const least = versionsOf(n.domain, n.opType).at(-1)?.minInputs ?? 0;
  return inputs.slice(0, Math.max(inputs.findLastIndex((v) => v !== undefined) + 1, least));
}

/** A copy of a subgraph of a body. Sizes that have a name there need not be those of that name outside. */
function bodyCopy(inner: Graph, twins: Map<Value, Value>, absent: ReadonlySet<Value>, attributes: ReadonlyMap<string, Attr>): Graph {
  const copy = cloneGraph(inner, twins);
  for (const v of [...copy.inputs, ...copy.outputs]) if (v.graph === copy) forgetNames(v);
  for (const n of nodesIn(copy)) {
    n.inputs.forEach((v, i) => v && absent.has(v) && n.setInput(i, undefined));
    for (const v of n.outputs) forgetNames(v);
    for (const [name, a] of [...n.attrs]) if (a.type === 'ref') n.setAttr(name, given(a.to, attributes)[0]);
    for (const g of n.graphs()) for (const v of [...g.inputs, ...g.outputs]) if (v.graph === g) forgetNames(v);
  }
  return copy;
}

function forgetNames(v: Value): void {
  const unnamed = (t: ValueType): ValueType => {
    if (t.kind === 'tensor') return { ...t, dims: t.dims?.map((d) => (typeof d === 'string' ? null : d)) };
    return t.kind === 'sequence' || t.kind === 'optional' ? { ...t, of: unnamed(t.of) } : t;
  };
  if (v.constant ?? v.default) return;
  v.type = v.declared && unnamed(v.declared);
}

/** A name inside may not be one that is known around it. */
function renameClashes(inner: Graph): void {
  const own = [...inner.inputs, ...inner.initializers.values(), ...[...inner.nodes].flatMap((n) => n.outputs)].filter((v) => v.name !== '');
  for (const v of own) if (inner.parent?.resolve(v.name)) inner.rename(v, inner.freshName(v.name));
  for (const n of inner.nodes) for (const g of n.graphs()) renameClashes(g);
}

function refuseCircles(model: Model): void {
  const state = new Map<FunctionDef, 'open' | 'done'>();
  const visit = (f: FunctionDef): void => {
    if (state.get(f) === 'done') return;
    if (state.get(f) === 'open') throw new OnnxError('invalid-graph', `Function ${f.domain}.${f.name} calls itself, directly or through others, so it cannot be inlined. ONNX does not allow that: correct the model.`);
    state.set(f, 'open');
    for (const n of nodesIn(f.body)) {
      const called = calledBy(n, model);
      if (called) visit(called);
    }
    state.set(f, 'done');
  };
  for (const f of model.functions.values()) visit(f);
}
