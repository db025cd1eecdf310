import { attr, importDomainOf, Node, valueOps, type Graph, type Model, type Ops, type Tensor, type Value } from '@onnxpress/core';

/** Where what several nodes share is put: in front of all nodes of a graph. */
export interface Front {
  /** An initializer; in the body of a function, which has none, a Constant node. */
  constant(hint: string, tensor: Tensor): Value;
  /** Builds nodes in front of all others. */
  readonly op: Ops<Value>;
}

/** The front of the graph that holds a weight: whatever can read the weight can read what is put there. Use it before that graph's first node goes. */
export function frontOf(model: Model, graph: Graph): Front {
  const [before] = graph.nodes;
  const isBody = [...model.functions.values()].some((f) => f.body === graph);
  const place = (node: Node): Node => {
    importDomainOf(node, graph);
    return graph.add(node, { before });
  };
  return {
    constant: (hint, tensor) => (isBody ? place(new Node('Constant', [], { attrs: [['value', attr.tensor(tensor)]] })).output : graph.addInitializer(hint, tensor)),
    op: valueOps(graph, (node) => void place(node)),
  };
}
