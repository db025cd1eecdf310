import { attr, Node, tensorType, type Graph, type Model, type Tensor, type Value } from '@onnxpress/core';

/** Adds a constant where `before`, or else the graph's end, can read it: an initializer, or a Constant node in the body of a function, which has no initializers. */
export function addConstant(model: Model, graph: Graph, tensor: Tensor, hint: string, before: Node | undefined): Value {
  const value = isFunctionBody(model, graph) ? graph.add(new Node('Constant', [], { attrs: [['value', attr.tensor(tensor)]] }), { before }).output : graph.addInitializer(hint, tensor);
  value.infer(tensorType(tensor.dtype, tensor.dims));
  return value;
}

const isFunctionBody = (model: Model, graph: Graph): boolean => [...model.functions.values()].some((f) => f.body === graph);

/** Every constant of a graph, initializers first. */
export function* constantsIn(graph: Graph): Generator<Value & { readonly constant: Tensor }> {
  yield* graph.initializers.values();
  for (const n of graph.nodes) {
    const v = n.outputs[0];
    if (n.is('Constant') && v?.isConstant()) yield v;
  }
}
