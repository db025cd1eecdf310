import type { Graph, Node } from '../ir/graph.ts';
import { functionKey, type FunctionDef, type Model } from '../ir/model.ts';

/** The function of the model that a node calls. */
export const calledBy = (node: Node, model: Model): FunctionDef | undefined => model.functions.get(functionKey(node.domain, node.opType, node.overload));

/** Drops functions that the main graph does not lead to any more, and the domains that only they had. */
export function dropUncalled(model: Model): void {
  const needed = new Set<FunctionDef>();
  const follow = (graph: Graph): void => {
    for (const n of nodesIn(graph)) {
      const f = calledBy(n, model);
      if (!f || needed.has(f)) continue;
      needed.add(f);
      follow(f.body);
    }
  };
  follow(model.graph);
  const gone = [...model.functions].filter(([, f]) => !needed.has(f));
  for (const [key] of gone) model.functions.delete(key);
  const used = new Set([...nodesIn(model.graph)].map((n) => n.domain));
  for (const domain of new Set(gone.map(([, f]) => f.domain))) if (domain !== '' && !used.has(domain)) model.opsets.delete(domain);
}

/** The nodes of a graph and of the subgraphs inside it. */
export function* nodesIn(graph: Graph): Generator<Node> {
  for (const n of graph.nodes) {
    yield n;
    for (const inner of n.graphs()) yield* nodesIn(inner);
  }
}
