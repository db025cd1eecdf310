import { Node, nodeRule, schemaOf, type Graph, type Value } from '@onnxpress/core';
import type { Part } from './part.ts';

/** Nodes and initializers that nobody reads, in every scope. */
export const deadCode: Part = {
  name: 'dead code',
  run({ model, ctx }) {
    const before = nodesOf(model);
    for (const root of [model.graph, ...[...model.functions.values()].map((f) => f.body)]) root.prune();
    const dropped = before - nodesOf(model);
    if (dropped > 0) ctx.count('removed', dropped);
  },
};

const nodesOf = (model: { nodes(): Iterable<Node> }): number => [...model.nodes()].filter((n) => !n.is('Constant')).length;

/** An operator need not make optional outputs that nobody reads: the mask of a Dropout, the last state of an LSTM. */
export const unusedOutputs = nodeRule('unused-outputs', {
  depth: 1,
  apply(node, _op, graph) {
    const count = wanted(node, graph);
    if (count === node.outputs.length) return 'each of its outputs is read, or must be there';
    const twin = new Node(node.opType, node.inputs, { domain: node.domain, overload: node.overload, outputs: count, attrs: node.attrs, notes: node.notes });
    return node.outputs.map((_, i): Value | undefined => twin.outputs[i]);
  },
});

/** How many outputs are left without the last optional ones that nobody reads. */
function wanted(node: Node, graph: Graph): number {
  const schema = schemaOf(node.domain, node.opType, graph.opsets.get(node.domain) ?? 0);
  if (!schema || node.graphs().length > 0 || node.outputs.some((v) => v.name === '')) return node.outputs.length;
  let count = node.outputs.length;
  while (count > 1 && node.outputs[count - 1]!.isUnused && schema.outputs[count - 1]?.option === 'optional') count--;
  return count;
}
