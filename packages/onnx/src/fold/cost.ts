import type { Node, Value } from '../ir/graph.ts';

/**
 * Bytes of the constants that a group of nodes needs: those that it reads while something is still computed from them, and those that have taken the place
 * of its results and are read. Follows as results become constants, in time that goes with what changes.
 */
export class Cost {
  readonly #isRead: (v: Value) => boolean;
  readonly #bytesOf: (v: Value) => number;
  readonly #made = new Set<Value>();
  readonly #live = new Set<Node>();
  /** How many nodes that must still run read the value, for results of the group and for constants. */
  readonly #reads = new Map<Value, number>();
  /** Constants that somebody else reads too: they stay whatever happens here. */
  readonly #shared = new Set<Value>();

  /** `group`: makers before readers. `isRead`: whether anything outside reads a result. */
  constructor(group: ReadonlySet<Node>, isRead: (v: Value) => boolean, bytesOf: (v: Value) => number) {
    this.#isRead = isRead;
    this.#bytesOf = bytesOf;
    for (const n of [...group].reverse()) {
      if (this.#mustRun(n)) this.#count(n, 1);
      for (const v of n.inputs) if (v?.constant && !this.#reads.has(v)) this.#reads.set(v, 0);
    }
    for (const v of this.#reads.keys()) if (v.constant && (v.isOutput || v.uses.some((u) => !group.has(u.node)))) this.#shared.add(v);
  }

  /**
   * By how many bytes the model grows when these results become constants too: it may be less than nothing. They have become constants when it returns, unless
   * `accept` throws the growth out.
   */
  add(values: readonly Value[], accept: (growth: number) => boolean): boolean {
    const undo: (() => void)[] = [];
    let growth = 0;
    for (const v of values) {
      this.#made.add(v);
      undo.push(() => this.#made.delete(v));
      if (this.#isWanted(v)) growth += this.#bytesOf(v);
    }
    const check = new Set(values.flatMap((v) => v.producer ?? []));
    for (const n of check) {
      check.delete(n); // it may have to be looked at again
      if (!this.#live.has(n) || this.#mustRun(n)) continue;
      this.#count(n, -1);
      undo.push(() => this.#count(n, 1));
      for (const v of new Set(n.inputs)) {
        if (!v || this.#reads.get(v) !== 0) continue;
        if (v.constant) growth -= this.#shared.has(v) ? 0 : v.constant.byteLength;
        else if (!this.#isRead(v)) {
          if (this.#made.has(v)) growth -= this.#bytesOf(v);
          if (v.producer) check.add(v.producer);
        }
      }
    }
    if (accept(growth)) return true;
    for (const back of undo.reverse()) back();
    return false;
  }

  #isWanted(v: Value): boolean {
    return this.#isRead(v) || (this.#reads.get(v) ?? 0) > 0;
  }

  #mustRun(n: Node): boolean {
    return n.outputs.some((v) => !this.#made.has(v) && this.#isWanted(v));
  }

  /** Notes that the node must run, or no longer must. */
  #count(n: Node, by: 1 | -1): void {
    if (by === 1) this.#live.add(n);
    else this.#live.delete(n);
    for (const v of n.inputs) if (v) this.#reads.set(v, (this.#reads.get(v) ?? 0) + by);
  }
}
