import type { Attr } from '../attr.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { cloneGraph, type FunctionDef } from '../model.ts';
import type { ValueType } from '../types.ts';
import { knownContents, noteContents } from './contents.ts';
import { inferGraph, setType, type Found } from './infer.ts';
import { joinTypes } from './merge.ts';
import { shareScope, type Scope } from './scope.ts';

/** What the values of function bodies are in the calls seen so far. */
interface Bodies {
  readonly types: Map<Value, ValueType | undefined>;
  /** Gives the values of the bodies what holds in every call. */
  settle(): void;
}

const collected = new WeakMap<Scope, Bodies>();
const open = new Set<FunctionDef>();

/** Starts to collect the types in function bodies. */
export function bodyTypes(scope: Scope): Bodies {
  const types: Bodies['types'] = new Map();
  const settle = (): void => {
    for (const { body } of scope.functions.values()) if (![...body.inputs, ...body.outputs].some((v) => types.has(v))) inferGraph(body, scope);
    for (const [v, type] of types) setType(v, type, scope);
    collected.delete(scope);
  };
  const bodies = { types, settle };
  collected.set(scope, bodies);
  return bodies;
}

/** Infers a copy of the function's body with the types of the call. */
export function inferCall(node: Node, def: FunctionDef, scope: Scope): readonly Found[] {
  if (open.has(def)) return [];
  const body = cloneGraph(def.body);
  shareScope(body, scope);
  fillAttributes(body, node, def);
  for (const [i, v] of body.inputs.entries()) {
    const from = node.inputs[i];
    setType(v, from?.type, scope);
    noteContents(v, from && knownContents(from));
  }
  open.add(def);
  try {
    inferGraph(body, scope);
  } finally {
    open.delete(def);
  }
  const bodies = collected.get(scope);
  if (bodies) note(def.body, body, bodies.types);
  return body.outputs.map((v) => ({ type: v.type, contents: knownContents(v) }));
}

/** Puts the call's attributes where the body refers to them. What the call leaves out has its default, or is not there. */
function fillAttributes(graph: Graph, call: Node, def: FunctionDef): void {
  for (const n of graph.nodes) {
    for (const [name, a] of n.attrs) if (a.type === 'ref') n.setAttr(name, given(a.to, call, def));
    for (const g of n.graphs()) fillAttributes(g, call, def);
  }
}

const given = (name: string, call: Node, def: FunctionDef): Attr | undefined => call.attrs.get(name) ?? def.defaults.get(name);

/** Adds what one call found, to be kept where every call agrees. A copy has the nodes of the original in the order of computation. */
function note(original: Graph, copy: Graph, types: Bodies['types']): void {
  const see = (v: Value, w: Value | undefined): void => void types.set(v, types.has(v) ? joinTypes(types.get(v), w?.type) : w?.type);
  original.inputs.forEach((v, i) => see(v, copy.inputs[i]));
  const nodes = [...copy.nodes];
  for (const [i, n] of original.ordered().entries()) {
    n.outputs.forEach((v, at) => see(v, nodes[i]?.outputs[at]));
    const inside = nodes[i]?.graphs() ?? [];
    n.graphs().forEach((g, at) => inside[at] && note(g, inside[at], types));
  }
}
