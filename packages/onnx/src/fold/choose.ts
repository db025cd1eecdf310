import type { Node, Value } from '../ir/graph.ts';
import type { Candidates } from './candidates.ts';
import { Cost } from './cost.ts';

/** How much larger the model may become. */
export interface Budget {
  /** By one fold, in bytes. */
  readonly perFold: number;
  /** By all of them. */
  readonly total: number;
}

/** Values to be replaced by constants, and what is left alone. */
export interface Choice {
  readonly values: ReadonlySet<Value>;
  readonly leftAlone: ReadonlyMap<Node, string>;
}

/** Constants below this size say nothing about which nodes belong together: many nodes share them. */
const SMALL_SOURCE = 1024;

/**
 * Chooses the values that become constants: as late in the computation as the budget allows. What counts is what the model gains: the bytes of the new
 * constants, less those of the constants that nobody reads afterwards. `bytesOf` is undefined for a size that is not known.
 */
export function choose(candidates: Candidates, budget: Budget, bytesOf: (v: Value) => number | undefined, keep: (v: Value) => boolean): Choice {
  const values = new Set<Value>();
  const leftAlone = new Map(candidates.refused);
  let spent = 0;
  for (const group of groupsOf(candidates.nodes)) {
    const reads = new Map([...group].flatMap((n) => n.outputs.map((v) => [v, isRead(v, candidates.nodes)] as const)));
    const isReadOutside = (v: Value): boolean => reads.get(v) ?? false;
    const cost = new Cost(group, isReadOutside, (v) => bytesOf(v) ?? 0);
    const pending = new Set([...group].filter((n) => n.outputs.some(isReadOutside)));
    const isWanted = (v: Value): boolean => isReadOutside(v) || v.uses.some((u) => group.has(u.node) && leftAlone.has(u.node));
    const accept = (nodes: Iterable<Node>): string | undefined => {
      const added = [...nodes].flatMap((n) => n.outputs.filter((v) => v.name !== '' && !values.has(v) && isWanted(v)));
      if (added.some(keep)) return 'it was asked to stay';
      const unknown = added.find((v) => bytesOf(v) === undefined);
      if (unknown) return `the size of "${unknown.name}" is not known in advance`;
      let growth = 0;
      const accepted = cost.add(added, (bytes) => {
        growth = bytes;
        return bytes <= budget.perFold && spent + bytes <= budget.total;
      });
      if (!accepted) return growth > budget.perFold ? `the model would grow by ${growth} bytes` : 'all folds together would make the model grow by more than they may';
      spent += Math.max(0, growth);
      for (const v of added) values.add(v);
      return undefined;
    };
    if (accept(pending) === undefined) continue;
    for (const n of pending) {
      pending.delete(n);
      const reason = accept([n]);
      if (reason === undefined) continue;
      leftAlone.set(n, reason);
      for (const v of n.inputs) if (v?.producer && group.has(v.producer)) pending.add(v.producer); // the walk comes to it
    }
  }
  return { values, leftAlone };
}

/** Whether anything that stays reads the value. */
const isRead = (v: Value, nodes: ReadonlySet<Node>): boolean => v.isOutput || v.uses.some((u) => !nodes.has(u.node));

/** Nodes that read one another's results, or the same large constant. */
function groupsOf(nodes: ReadonlySet<Node>): Set<Node>[] {
  const groupOf = new Map<Node, Set<Node>>();
  const bySource = new Map<Value, Node>();
  const unite = (a: Node, b: Node): void => {
    const [x, y] = [groupOf.get(a)!, groupOf.get(b)!];
    if (x === y) return;
    const [into, from] = x.size >= y.size ? [x, y] : [y, x];
    for (const n of from) {
      into.add(n);
      groupOf.set(n, into);
    }
  };
  for (const n of nodes) groupOf.set(n, new Set([n]));
  for (const n of nodes) {
    for (const v of n.inputs) {
      if (!v) continue;
      if (v.producer && nodes.has(v.producer)) unite(n, v.producer);
      else if ((v.constant?.byteLength ?? 0) >= SMALL_SOURCE) {
        const other = bySource.get(v);
        if (other) unite(n, other);
        else bySource.set(v, n);
      }
    }
  }
  const order = new Map([...nodes].map((n, i) => [n, i]));
  return [...new Set(groupOf.values())].map((g) => new Set([...g].sort((a, b) => order.get(a)! - order.get(b)!)));
}
