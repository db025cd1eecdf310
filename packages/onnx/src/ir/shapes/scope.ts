import type { Graph, Value } from '../graph.ts';
import type { FunctionDef } from '../model.ts';
import type { ValueType } from '../types.ts';
import { Sizes } from './dims.ts';
import { dimsIn } from './merge.ts';

/** What the graphs of one model share while types are inferred. */
export interface Scope {
  readonly sizes: Sizes;
  /** By functionKey. */
  readonly functions: ReadonlyMap<string, FunctionDef>;
  /** Names that mean something else in each round of a loop's body. */
  readonly inner: WeakMap<Graph, ReadonlySet<string>>;
  /** Every name that the file declares. */
  readonly declared: ReadonlySet<string>;
  /** Names of the file that inference proved to be the expression they read like. */
  readonly proved: Set<string>;
  readonly options: InferOptions;
}

export interface InferOptions {
  /** Called where the declared type cannot be true if the inferred one is. The declared one is kept. */
  readonly contradicts?: (value: Value, inferred: ValueType) => void;
}

const scopes = new WeakMap<Graph, Scope>();

export function rootOf(graph: Graph): Graph {
  let root = graph;
  while (root.parent) root = root.parent;
  return root;
}

/** The scope of a graph; made from what the graph declares where nothing was inferred before. */
export function scopeFor(graph: Graph): Scope {
  const root = rootOf(graph);
  return scopes.get(root) ?? newScope([root], new Map(), {});
}

/** A scope for graphs that share names: a model's, or one graph alone. */
export function newScope(roots: readonly Graph[], functions: ReadonlyMap<string, FunctionDef>, options: InferOptions): Scope {
  const sizes = new Sizes();
  const declared = new Set(roots.flatMap((root) => [...declaredNames(root)]));
  for (const name of declared) sizes.take(name);
  const scope: Scope = { sizes, functions, inner: new WeakMap(), declared, proved: new Set(), options };
  for (const root of roots) scopes.set(root, scope);
  return scope;
}

/** Lets another root graph, a copy of a function's body, use the scope. */
export const shareScope = (root: Graph, scope: Scope): void => void scopes.set(root, scope);

function* declaredNames(graph: Graph, within = true): Generator<string> {
  for (const v of valuesOf(graph)) for (const d of dimsIn(v.declared)) if (typeof d === 'string') yield d;
  if (within) for (const n of graph.nodes) for (const g of n.graphs()) yield* declaredNames(g);
}

function* valuesOf(graph: Graph): Generator<Value> {
  yield* graph.inputs;
  for (const n of graph.nodes) yield* n.outputs;
}

/** The names that only the body of a loop declares: they hold for one round. */
export function innerNames(body: Graph, scope: Scope): ReadonlySet<string> {
  const before = scope.inner.get(body);
  if (before) return before;
  const names = new Set(declaredNames(body));
  for (let g = body.parent; g; g = g.parent) for (const name of declaredNames(g, false)) names.delete(name);
  scope.inner.set(body, names);
  return names;
}
