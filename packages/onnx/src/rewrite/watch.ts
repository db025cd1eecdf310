import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';

/** What a model's rewriting is watched by. */
export interface RewriteWatch {
  /** Hears of each rule that fires, and of the node at which it does, before anything changes. */
  readonly fired?: (rule: string, at: string) => void;
  /** How many rules may fire, in all calls of `rewrite` together; then none does any more, and rewriting ends as if none fitted. */
  readonly most?: number;
}

const watches = new WeakMap<Graph, { readonly watch: RewriteWatch; count: number }>();

/**
 * Watches every `rewrite` of this very model, whoever calls it, from now on. For whoever runs somebody else's passes and looks for the rule that is to blame: rewriting is
 * deterministic, so the first rules to fire are the same each time.
 */
export function watchRewriting(model: Model, watch: RewriteWatch): void {
  const shared = { watch, count: 0 };
  watches.set(model.graph, shared);
  for (const f of model.functions.values()) watches.set(f.body, shared);
}

/** Asks the watcher of a graph before a rule fires: false where it may not. */
export function mayFire(graph: Graph, rule: string, describe: () => string): boolean {
  let root = graph;
  while (root.parent) root = root.parent;
  const watched = watches.get(root);
  if (!watched) return true;
  const { fired, most = Infinity } = watched.watch;
  if (watched.count >= most) return false;
  watched.count++;
  fired?.(rule, describe());
  return true;
}
