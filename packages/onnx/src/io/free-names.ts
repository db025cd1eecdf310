import type { AttrRecord, GraphRecord } from './records.ts';

const known = new WeakMap<GraphRecord, ReadonlySet<string>>();

/** The names that the subgraphs in an attribute read and do not make: values of the graphs around them. */
export function* freeNames(a: AttrRecord): Generator<string> {
  if (a.type === 'graph') yield* freeIn(a.record);
  else if (a.type === 'graphs') for (const record of a.records) yield* freeIn(record);
}

function freeIn(graph: GraphRecord): ReadonlySet<string> {
  const before = known.get(graph);
  if (before) return before;
  const free = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) free.add(name);
    if (node.nested) for (const [, a] of node.attrs) for (const name of freeNames(a)) free.add(name);
  }
  for (const { name } of graph.outputs) free.add(name);
  for (const { name } of graph.inputs) free.delete(name);
  for (const { name } of graph.initializers) free.delete(name);
  for (const { name } of graph.sparse) free.delete(name);
  for (const node of graph.nodes) for (const name of node.outputs) free.delete(name);
  known.set(graph, free);
  return free;
}
