import { OnnxError } from '../error.ts';
import { describe, Graph, type Node, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { inferNode } from '../ir/shapes.ts';
import { install, type Installed } from './install.ts';
import { operatorKey } from './pattern.ts';
import { planOf, type Plan } from './plan.ts';
import type { Rule } from './rule.ts';
import { mayFire } from './watch.ts';

/** A rule that did not fire at a node. It is worded when it is asked for, of the model as it is then. */
export interface Miss {
  readonly rule: string;
  readonly node: Node;
  readonly reason: string;
  /** All of it in a sentence. */
  readonly text: string;
}

class Missed implements Miss {
  readonly rule: string;
  readonly node: Node;
  readonly #why: () => string;

  constructor(rule: string, node: Node, why: () => string) {
    this.rule = rule;
    this.node = node;
    this.#why = why;
  }

  get reason(): string {
    return this.#why();
  }

  get text(): string {
    return `${this.rule} did not fit ${describe(this.node)}: ${this.#why()}`;
  }
}

/** A rule that fired, after the fact. */
export interface Hit {
  readonly rule: string;
  /** The node at which the rule fired, which may be gone. */
  readonly root: Node;
  readonly made: readonly Node[];
  readonly removed: readonly Node[];
}

export interface RewriteOptions {
  /** Hears of each rule that was tried at a node and did not fire. */
  readonly missed?: (miss: Miss) => void;
  readonly fired?: (hit: Hit) => void;
  /** How often rules may fire before they are taken to undo each other. Ten times per node, and 1,000, by default. */
  readonly budget?: number;
  /** Finds the types of a new node's outputs: shape inference by default. */
  readonly infer?: (node: Node) => void;
}

/**
 * Applies rules until none fits, in every graph, subgraph and function; of a graph, in it and its subgraphs. At a node the first rule that
 * fits fires. Returns how often each rule fired, in the order of the rules, without those that did not. What only the replaced nodes needed
 * is dropped too. Throws `endless-rewrite` when the budget is spent.
 */
export function rewrite(target: Model | Graph, rules: readonly Rule[], options: RewriteOptions = {}): ReadonlyMap<string, number> {
  const run = new Run(target, rules, options);
  run.toTheEnd();
  return new Map(rules.flatMap(({ name }) => (run.counts.has(name) ? [[name, run.counts.get(name)!] as const] : [])));
}

/** How many of the last firings are looked at for culprits. */
const RECENT = 20;

class Run {
  readonly counts = new Map<string, number>();
  readonly #rules: readonly Rule[];
  readonly #options: RewriteOptions;
  readonly #filed = new Map<string, readonly Rule[]>();
  readonly #roots: ReadonlySet<Graph>;
  readonly #functions: ReadonlySet<Graph>;
  /** A Set visits what is added while it is walked: a worklist without doubles. */
  readonly #todo = new Set<Node>();
  readonly #unsorted = new Set<Graph>();
  readonly #names = new Map<Graph, Map<string, number>>();
  readonly #recent: string[] = [];
  readonly #budget: number;
  readonly #depth: number;
  /** How far up changes are seen through any operator. */
  readonly #blindDepth: number;
  readonly #inside: ReadonlySet<string>;
  readonly #reads: number;
  #fired = 0;

  constructor(target: Model | Graph, rules: readonly Rule[], options: RewriteOptions) {
    const bodies = target instanceof Graph ? [] : [...target.functions.values()].map((f) => f.body);
    this.#rules = rules;
    this.#options = options;
    this.#functions = new Set(bodies);
    this.#roots = new Set([target instanceof Graph ? target : target.graph, ...bodies]);
    this.#depth = Math.max(0, ...rules.map((r) => r.depth));
    this.#blindDepth = Math.max(0, ...rules.map((r) => (r.inside ? 0 : r.depth)));
    this.#inside = new Set(rules.flatMap((r) => [...(r.inside ?? [])]));
    this.#reads = Math.max(0, ...rules.map((r) => r.reads));
    let nodes = 0;
    for (const g of this.#roots) nodes += this.#addAll(g);
    this.#budget = options.budget ?? 1000 + 10 * nodes;
  }

  toTheEnd(): void {
    for (const node of this.#todo) {
      this.#todo.delete(node);
      if (!this.#isInModel(node)) continue;
      const hit = this.#firstHit(node);
      if (!hit) continue;
      if (!mayFire(hit.plan.graph, hit.rule.name, () => describe(hit.plan.root))) break;
      this.#apply(hit.rule, hit.plan);
    }
    for (const g of this.#unsorted) g.sort();
  }

  #addAll(g: Graph): number {
    let count = 0;
    for (const n of g.nodes) {
      count++;
      this.#add(n);
      for (const inner of n.graphs()) count += this.#addAll(inner);
    }
    return count;
  }

  #add(node: Node): void {
    if (this.#rulesFor(node).length > 0) this.#todo.add(node);
  }

  #rulesFor(node: Node): readonly Rule[] {
    const key = operatorKey(node.domain, node.opType);
    const before = this.#filed.get(key);
    if (before) return before;
    const found = this.#rules.filter((r) => r.operators?.has(key) ?? true);
    this.#filed.set(key, found);
    return found;
  }

  /** A node inside a removed one is still in its graph, but that graph is nowhere. */
  #isInModel(node: Node): boolean {
    for (let g = node.graph; g; g = g.parent) if (this.#roots.has(g)) return true;
    return false;
  }

  #firstHit(node: Node): { rule: Rule; plan: Plan } | undefined {
    const { missed, infer = inferNode } = this.#options;
    for (const rule of this.#rulesFor(node)) {
      let plan: Plan | undefined;
      const why = rule.offer(node, (proposal) => {
        const worked = planOf(proposal, rule, infer);
        if (typeof worked === 'string') return worked;
        plan = worked;
        return true;
      });
      if (plan) return { rule, plan };
      if (missed && why) missed(new Missed(rule.name, node, why));
    }
    return undefined;
  }

  #apply(rule: Rule, plan: Plan): void {
    this.#spend(rule.name);
    const done = install(plan, this.#functions.has(plan.graph), this.#namesIn(plan.graph));
    if (done.unsorted) this.#unsorted.add(plan.graph);
    this.#lookAgain(done);
    this.#options.fired?.({ rule: rule.name, root: plan.root, made: plan.made, removed: [...plan.going] });
  }

  /** The names of a graph's nodes, and of those that were there. */
  #namesIn(graph: Graph): Map<string, number> {
    const names = this.#names.get(graph) ?? new Map([...graph.nodes].map((n) => [n.name, 0]));
    this.#names.set(graph, names);
    return names;
  }

  #spend(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#recent.push(name);
    if (this.#recent.length > RECENT) this.#recent.shift();
    if (++this.#fired <= this.#budget) return;
    const culprits = [...new Set(this.#recent)];
    throw new OnnxError('endless-rewrite', `Rewriting does not end. The last rules to fire were ${culprits.join(', ')}: ${culprits.length > 1 ? 'do they undo each other' : 'does it fit what it makes'}?`);
  }

  /** New nodes, those that read something else, those above them as far as rules look down, and makers whose values are read less. */
  #lookAgain({ made, readers, values }: Installed): void {
    const level = new Set<Node>(readers);
    for (const n of made) {
      level.add(n);
      for (const g of n.graphs()) this.#addAll(g);
    }
    for (const v of values) {
      if (v.producer?.graph) this.#add(v.producer);
      // a value that more nodes read than any pattern has places for cannot have become an inner one
      if (v.graph && v.useCount <= this.#reads) for (const u of v.uses) level.add(u.node);
    }
    this.#addUpwards(level);
  }

  #addUpwards(start: ReadonlySet<Node>): void {
    const seen = new Set(start);
    let level: Iterable<Node> = start;
    for (let depth = 1; depth <= this.#depth; depth++) {
      const above: Node[] = [];
      for (const n of level) {
        if (n.graph) this.#add(n);
        if (depth < this.#blindDepth || this.#inside.has(operatorKey(n.domain, n.opType))) above.push(...n.outputs.flatMap(readersOf));
      }
      level = above.filter((n) => !seen.has(n) && seen.add(n));
    }
  }
}

const readersOf = (v: Value): Node[] => (v.useCount === 0 ? [] : v.uses.map((u) => u.node));
