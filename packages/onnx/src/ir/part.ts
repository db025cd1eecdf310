import { OnnxError } from '../error.ts';
import { describe, Graph, Value, type Node } from './graph.ts';
import { copyNode, Model } from './model.ts';

/** Where a part of a model begins and ends. */
export interface Ends {
  /** Values that become inputs: what makes them is left out. They need a type. */
  readonly from: readonly Value[];
  /** Values that become outputs. */
  readonly to: readonly Value[];
}

/** What a node reads, also from inside its subgraphs, of the graph that it stands in. */
export function readsOf(node: Node): Value[] {
  const found = new Set<Value>();
  const look = (n: Node): void => {
    for (const v of n.inputs) if (v?.graph === node.graph) found.add(v!); // what has a graph is there
    for (const inner of n.graphs()) {
      for (const m of inner.nodes) look(m);
      for (const v of inner.outputs) if (v.graph === node.graph) found.add(v);
    }
  };
  look(node);
  return [...found];
}

/**
 * The part of a model's main graph that computes `to` from `from`, as a model of its own: nodes are copied, tensors and functions shared. Graph inputs that
 * have a default become initializers. Throws `bad-edit` where something else is needed that is not in `from`, naming it.
 */
export function partOf(model: Model, { from, to }: Ends): Model {
  const starts = new Set(from);
  const nodes = new Set<Node>();
  const constants = new Set<Value>();
  const seen = new Set<Value>();
  const pending: { readonly value: Value; readonly reader: Node | undefined }[] = to.map((value) => ({ value, reader: undefined }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, reader } = next;
    if (seen.has(value) || starts.has(value)) continue;
    seen.add(value);
    if (value.producer) {
      const { producer } = value;
      if (nodes.has(producer)) continue;
      nodes.add(producer);
      pending.push(...readsOf(producer).map((v) => ({ value: v, reader: producer })));
    } else if (value.constant ?? value.default) {
      constants.add(value);
    } else {
      throw new OnnxError('bad-edit', `"${value.name}" is needed${reader ? ` by ${describe(reader)}` : ''}, and the part does not begin with it. Add it to where the part begins.`);
    }
  }
  const graph = new Graph(model.graph.name, model.opsets);
  const twins = new Map<Value, Value>();
  for (const v of from) twins.set(v, graph.addInput(new Value(v.name, { type: v.type })));
  for (const v of constants) twins.set(v, graph.adoptInitializer(new Value(v.name, { constant: v.constant ?? v.default })));
  for (const n of model.graph.ordered()) if (nodes.has(n)) graph.add(copyNode(n, twins));
  for (const v of to) graph.addOutput(twins.get(v)!); // each is an input, a constant, or made by one of the nodes
  const part = new Model(graph, model.info);
  for (const [key, f] of model.functions) part.functions.set(key, f);
  return part;
}
