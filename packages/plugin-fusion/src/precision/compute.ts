import { attr, castTensor, codeOf, Node, type Model, type Value } from '@onnxpress/core';
import { isFloat32 } from './region.ts';
import type { HalfType } from './narrow.ts';

/** Lets these nodes of the main graph compute in half precision: casts stand where values go in and out, one per value, and constants are stored so. Inputs and outputs of the model keep their types. */
export function computeIn(model: Model, to: HalfType, nodes: ReadonlySet<Node>): void {
  const { graph } = model;
  const halves = new Map<Value, Value>();
  for (const node of graph.ordered()) {
    if (!nodes.has(node)) continue;
    const inputs = node.inputs.map((v) => (isFloat32(v) ? halfOf(v, node) : v));
    const made = graph.add(new Node(node.opType, inputs, { name: node.name, outputs: node.outputs.map((v) => (v.name === '' ? '' : graph.freshName(`${v.name}_${to}`))), attrs: node.attrs, notes: node.notes }), { before: node });
    for (const [i, old] of node.outputs.entries()) {
      const half = made.outputs[i]!; // as many as before
      const { type } = old;
      if (!isFloat32(old)) {
        half.infer(type);
        graph.replace(old, half);
        continue;
      }
      half.infer({ ...old.type, dtype: to } as NonNullable<Value['type']>); // a tensor, as isFloat32 says
      const wide = graph.add(new Node('Cast', [half], { attrs: [['to', attr.int(codeOf('float32'))]] }), { before: node }).output;
      wide.infer(old.type);
      graph.replace(old, wide);
      halves.set(wide, half);
    }
    graph.remove(node);
  }
  graph.prune();

  function halfOf(v: Value, before: Node): Value {
    const known = halves.get(v);
    if (known) return known;
    const half = v.constant ? graph.addInitializer(`${v.name}_${to}`, castTensor(v.constant, to)) : graph.add(new Node('Cast', [v], { attrs: [['to', attr.int(codeOf(to))]] }), { before }).output;
    if (!v.constant) half.infer({ ...v.type, dtype: to } as NonNullable<Value['type']>); // a tensor, as isFloat32 says
    halves.set(v, half);
    return half;
  }
}
