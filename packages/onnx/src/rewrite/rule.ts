import { OnnxError } from '../error.ts';
import { attr, type Attr } from '../ir/attr.ts';
import { describe, Node, type Graph, type Value } from '../ir/graph.ts';
import { cloneGraph } from '../ir/model.ts';
import type { Ops } from '../ir/ops.ts';
import { valueOps } from '../ir/value-ops.ts';
import { Matcher, type Fit } from './match.ts';
import { AttributeHole, Kept, Named, OutputPattern, patternOps, ValueHole, type CallPattern, type Hole, type OperatorName, type Pattern } from './pattern.ts';
import { newFor } from './plan.ts';
import { survey, type Survey } from './survey.ts';

/** What a rule would put in the place of what it found. Nothing has changed yet. */
export interface Proposal {
  /** Made before this node. */
  readonly root: Node;
  /** Value → what takes its place. */
  readonly outputs: ReadonlyMap<Value, Value>;
}

/** A rewrite: where it looks, and what it proposes there. Made by `rule` and `nodeRule`. */
export interface Rule {
  readonly name: string;
  /** The operators at which it looks, as "Relu" or "com.microsoft.Gelu"; undefined: all. */
  readonly operators: ReadonlySet<string> | undefined;
  /** How many nodes down from there it looks: after a change this far below, it is tried again. */
  readonly depth: number;
  /** The operators it looks through on the way down; undefined: all. */
  readonly inside: ReadonlySet<string> | undefined;
  /** How often one value is read at most inside what it finds. */
  readonly reads: number;
  /** Why the rule may add nodes or bytes; undefined: it may not. */
  readonly grows: string | undefined;
  /** Proposes until `judge` returns true rather than a reason. Returns undefined then, or why nothing came of it. */
  offer(node: Node, judge: (proposal: Proposal) => true | string): (() => string) | undefined;
}

type Vars = Readonly<Record<string, Hole>>;
/** What `match` sees: an attribute passes for what it will be. */
export type Holes<V extends Vars> = { readonly [K in keyof V]: V[K] extends AttributeHole<infer T> ? T : V[K] };
/** What `where` and `build` see. */
export type Bound<V extends Vars> = { readonly [K in keyof V]: V[K]['yields'] };
/** A value for each output in order (undefined for one that nobody reads), or the reason why not. */
export type Built = Value | readonly (Value | undefined)[] | string;

export interface RuleSpec<V extends Vars> {
  readonly vars: V;
  /**
   * The pattern to look for. A list, where several values of it are replaced: the first is the root, and the others lie inside it or are
   * outputs of the same node. Other inner values may be read inside the match only, unless `kept`.
   */
  match(vars: Holes<V>, op: Ops<Pattern>): Pattern | readonly Pattern[];
  /** true to go on, or the reason not to. */
  where?(found: Bound<V>, root: Node): true | string;
  /**
   * Makes what takes the place of the pattern, in the same number of values. It touches no graph: values come from `op`, from `found`, from
   * `copyOf` or `new Node`; the engine adds them, once all its checks have passed.
   */
  build(found: Bound<V>, op: Ops<Value>, root: Node): Built;
  /** A rule may not add nodes, nor more bytes than the nodes it saves are worth, unless it says why here. */
  readonly grows?: string;
}

/** A rule in the form of a pattern. Throws when the pattern cannot work: a variable that is never matched, or only in some of its forms. */
export function rule<const V extends Vars>(name: string, spec: RuleSpec<V>): Rule {
  const holes = spec.vars as Holes<V>; // an AttributeHole passes for its attribute here, and here only
  const found = spec.match(holes, patternOps);
  const [pattern, ...others] = isList(found) ? found : [found];
  const about = survey(pattern);
  if (!pattern || about.bare || about.roots.length === 0) throw new OnnxError('bad-edit', `Rule "${name}" must match an operator, not a bare variable.`);
  checkVariables(name, spec.vars, about);
  const given = others.map((p) => innerOutput(name, p, about.calls));
  const matcher = new Matcher();
  const outputs = [...new Set(about.roots.map((r) => r.index))];
  return {
    name,
    operators: new Set(about.roots.flatMap((r) => [...r.call.operators])),
    depth: about.depth,
    inside: about.inside,
    reads: about.reads,
    grows: spec.grows,
    offer: (root, judge) =>
      matcher.find(pattern, root, outputs, (fit) => {
        const replaced = [fit.value, ...given.map(({ call, index }) => fit.calls.get(call)?.outputs[index])];
        const elsewhere = readElsewhere(fit, replaced);
        if (elsewhere !== undefined) return elsewhere;
        const bound = Object.fromEntries(Object.entries(spec.vars).map(([key, hole]) => [key, fit.holes.get(hole)])) as Bound<V>; // each hole was filled with what it yields
        const verdict = spec.where?.(bound, root) ?? true;
        return verdict === true ? propose(name, root, replaced, (op) => spec.build(bound, op, root), judge) : verdict;
      }),
  };
}

export interface NodeRuleSpec {
  /** The operators at which the rule looks; all where it does not say. */
  readonly operators?: readonly OperatorName[];
  /** How many nodes down the rule looks: 2 for the node and those that make its inputs, which is the default. */
  readonly depth?: number;
  /** What takes the place of the node's outputs, or the reason why nothing does. It touches no graph, as `build` of a rule. */
  apply(node: Node, op: Ops<Value>, graph: Graph): Built;
  readonly grows?: string;
}

/** A rule that is easier to write as a function of a node than as a pattern. */
export function nodeRule(name: string, spec: NodeRuleSpec): Rule {
  return {
    name,
    operators: spec.operators && new Set(spec.operators),
    depth: spec.depth ?? 2,
    inside: undefined,
    reads: 4,
    grows: spec.grows,
    offer(node, judge) {
      const { graph } = node;
      const verdict = graph ? propose(name, node, node.outputs, (op) => spec.apply(node, op, graph), judge) : 'the node is in no graph';
      return verdict === true ? undefined : () => verdict;
    },
  };
}

/** The same operator with the same attributes over other inputs, in no graph yet. Subgraphs are copied. */
export function copyOf(node: Node, inputs: readonly (Value | undefined)[]): Node {
  const attrs = [...node.attrs].map(([name, a]): readonly [string, Attr] => {
    if (a.type === 'graph') return [name, attr.graph(cloneGraph(a.value))];
    return [name, a.type === 'graphs' ? { ...a, value: a.value.map((g) => cloneGraph(g)) } : a];
  });
  return new Node(node.opType, inputs, { domain: node.domain, overload: node.overload, outputs: node.outputs.length, attrs });
}

function propose(name: string, root: Node, replaced: readonly (Value | undefined)[], build: (op: Ops<Value>) => Built, judge: (proposal: Proposal) => true | string): true | string {
  const placed: Node[] = [];
  const needed = new Set<Node>();
  const verdict = judged();
  for (const n of placed) if (verdict !== true || !needed.has(n)) release(n);
  return verdict;

  function judged(): true | string {
    const built = orReason(() => build(valueOps(root.graph!, (n) => void placed.push(n)))); // only nodes in graphs are tried
    if (typeof built === 'string') return built;
    const by = isList(built) ? built : [built];
    for (const n of newFor(by.filter((v) => v !== undefined)).made) {
      needed.add(n);
      placed.push(n);
    }
    const open = replaced.findIndex((old, i) => old && !old.isUnused && !by[i]);
    if (by.length > replaced.length || open >= 0) throw new OnnxError('bad-edit', `Rule "${name}" gives ${by.length} values for ${describe(root)}, where ${replaced.length} are replaced${open >= 0 ? ` and "${replaced[open]!.name}" is read` : ''}. Return one for each.`);
    return judge({ root, outputs: new Map(replaced.flatMap((old, i) => (old && by[i] ? [[old, by[i]] as const] : []))) });
  }
}

/** What the model's opset cannot say is a reason; any other error is the rule's. */
function orReason(build: () => Built): Built {
  try {
    return build();
  } catch (e) {
    if (e instanceof OnnxError && (e.code === 'unknown-operator' || e.code === 'unsupported')) return e.message;
    throw e;
  }
}

/** Subgraphs of a node that was not taken must not count as readers. */
function release(node: Node): void {
  for (const [name, a] of [...node.attrs]) if (a.type === 'graph' || a.type === 'graphs') node.setAttr(name, undefined);
}

/** Inner values may only be read inside the match: they are about to go. */
function readElsewhere({ calls, kept }: Fit, replaced: readonly (Value | undefined)[]): string | undefined {
  const nodes = new Set(calls.values());
  const places = [...nodes].reduce((sum, n) => sum + n.inputs.length, 0);
  for (const node of nodes) {
    for (const v of node.outputs) {
      if (v.isUnused || replaced.includes(v) || kept.has(v)) continue;
      if (v.isOutput) return `"${v.name}" is a graph output`;
      if (v.useCount > places) return `"${v.name}" is read in ${v.useCount} places, more than the pattern has`;
      const outside = v.uses.find((u) => !nodes.has(u.node));
      if (outside) return `"${v.name}" is also read by ${describe(outside.node)}${outside.node.graph === node.graph ? '' : ' in a subgraph'}`;
    }
  }
  return undefined;
}

function checkVariables(name: string, vars: Vars, { always, holes }: Survey): void {
  for (const [key, hole] of Object.entries(vars)) {
    if (!holes.has(hole)) throw new OnnxError('bad-edit', `Rule "${name}" never matches its variable "${key}". Use it in \`match\`, or drop it.`);
    const mayBeMissing = hole instanceof ValueHole ? hole.optional : hole instanceof AttributeHole && hole.absent !== undefined;
    if (!always.has(hole) && !mayBeMissing) throw new OnnxError('bad-edit', `Rule "${name}" matches its variable "${key}" in some of its forms only. Declare it optional, or match it in each.`);
  }
}

function innerOutput(name: string, p: Pattern, calls: ReadonlySet<CallPattern>): OutputPattern {
  if (p instanceof Named || p instanceof Kept) return innerOutput(name, p.pattern, calls);
  if (p instanceof OutputPattern && calls.has(p.call)) return p;
  throw new OnnxError('bad-edit', `Rule "${name}" replaces a value that its first pattern does not contain.`);
}

const isList = <T>(x: T | readonly T[]): x is readonly T[] => Array.isArray(x);
