import { readsOf, type Graph, type Model, type Node, type Use, type Value } from '@onnxpress/onnx';

/**
 * One step of a calibration: activations to look at, and the nodes that may change once that is done. The statistics of a stage come from a model in which
 * all that earlier stages changed is in place.
 */
export interface Stage {
  /** Inputs of nodes: the value that stands there when the stage is reached is observed. */
  readonly observe: readonly Use[];
  /** No other node that computes from data may be changed, and these not before their stage. */
  readonly changes: readonly Node[];
}

/** A stage per activation that the given inputs read, in the order of computation: readers of one value share it. Nodes inside subgraphs have no place here. */
export function stagesOf(model: Model, readers: readonly Use[]): Stage[] {
  const byValue = new Map<Value, Use[]>();
  const order = new Map(model.graph.ordered().map((node, i) => [node, i]));
  for (const use of readers) {
    const value = use.node.inputs[use.index];
    if (!order.has(use.node) || !value) throw new Error(`"${use.node.name}" stands in a subgraph, or reads nothing there.`);
    const known = byValue.get(value);
    if (known) known.push(use);
    else byValue.set(value, [use]);
  }
  const first = (uses: readonly Use[]): number => Math.min(...uses.map((u) => order.get(u.node)!)); // each was asked for above
  return [...byValue.values()].sort((a, b) => first(a) - first(b)).map((uses) => ({ observe: [uses[0]!], changes: uses.map((u) => u.node) }));
}

/** The nodes of the graph whose results depend on these values or nodes, with the nodes themselves. */
export function behind(graph: Graph, values: readonly Value[], nodes: readonly Node[] = []): Set<Node> {
  const holders = [...graph.nodes].filter((n) => n.graphs().length > 0).map((node) => ({ node, reads: readsOf(node) }));
  const found = new Set<Node>();
  const made = new Set<Value>(values);
  const pending: Node[] = [...nodes, ...values.flatMap(directReaders)];
  do {
    for (let node = pending.pop(); node; node = pending.pop()) {
      if (found.has(node)) continue;
      found.add(node);
      for (const v of node.outputs) {
        made.add(v);
        pending.push(...directReaders(v));
      }
    }
    pending.push(...holders.filter(({ node, reads }) => !found.has(node) && reads.some((v) => made.has(v))).map(({ node }) => node));
  } while (pending.length > 0);
  return found;

  function directReaders(v: Value): Node[] {
    return v.uses.flatMap(({ node }) => (node.graph === graph ? [node] : []));
  }
}

/** The nodes of the graph that these values come from. */
export function before(values: readonly Value[]): Set<Node> {
  const found = new Set<Node>();
  const pending = [...values];
  for (let v = pending.pop(); v; v = pending.pop()) {
    const { producer } = v;
    if (!producer || found.has(producer)) continue;
    found.add(producer);
    pending.push(...readsOf(producer));
  }
  return found;
}
