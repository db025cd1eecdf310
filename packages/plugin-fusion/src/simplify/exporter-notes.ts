import type { Graph, Model, Notes } from '@onnxpress/core';

/** Keys under which exporters tell how a graph came about: stack traces, names of modules, paths of the machine. */
const EXPORTERS = /^pkg\.|^namespace$/;

/** Drops what exporters noted at nodes, inner values and graphs. What the model says of itself stays. Nothing that is computed changes. */
export function dropExporterNotes(model: Model): void {
  for (const graph of [model.graph, ...[...model.functions.values()].map((f) => f.body)]) visit(graph);
}

function visit(graph: Graph): void {
  graph.notes = withoutKeys(graph.notes);
  for (const node of graph.nodes) {
    node.notes = without(node.notes);
    for (const v of node.outputs) if (!v.isOutput) v.notes = without(v.notes);
    for (const inner of node.graphs()) visit(inner);
  }
}

function without(notes: Notes | undefined): Notes | undefined {
  const rest = withoutKeys(notes);
  if (!rest?.docString) return rest;
  const { docString: _, ...others } = rest;
  return Object.keys(others).length > 0 ? others : undefined;
}

function withoutKeys(notes: Notes | undefined): Notes | undefined {
  const { metadata } = notes ?? {};
  if (!metadata || ![...metadata.keys()].some((key) => EXPORTERS.test(key))) return notes;
  const kept = new Map([...metadata].filter(([key]) => !EXPORTERS.test(key)));
  const { metadata: _, ...others } = notes!; // it has metadata
  if (kept.size > 0) return { ...others, metadata: kept };
  return Object.keys(others).length > 0 ? others : undefined;
}
