import { OnnxError } from '../error.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import { describeType, type Dim, type ValueType } from '../ir/types.ts';
import type { Proposal, Rule } from './rule.ts';

/** A proposal, worked out: what comes, what goes. Nothing has changed yet. */
export interface Plan extends Proposal {
  readonly graph: Graph;
  /** The new nodes that the outputs need, makers before readers; Constant nodes are not here. */
  readonly made: readonly Node[];
  /** The new constants that they need: initializers to be, or the outputs of Constant nodes. */
  readonly constants: readonly Value[];
  /** The nodes that nobody needs any more, readers before makers. */
  readonly going: ReadonlySet<Node>;
  /** The initializers that nobody needs any more. */
  readonly dropped: readonly Value[];
}

/**
 * What a node takes in a file, beside its constants: its name, its operator's, and those of its inputs and outputs. A rewrite that saves a node
 * may add as many bytes of constants.
 */
const NODE_BYTES = 64;

/** Works a proposal out, or says why it cannot be. `infer` finds the types of a new node's outputs. */
export function planOf(proposal: Proposal, rule: Pick<Rule, 'grows'>, infer: (node: Node) => void): Plan | string {
  const { root, outputs } = proposal;
  const graph = root.graph!; // rules are tried at nodes in graphs
  const { made, constants } = newFor(outputs.values());
  const needed = new Set([...outputs.values(), ...made.flatMap(readsOf)]);
  const twisted = [...outputs.keys()].find((old) => needed.has(old));
  if (twisted) return `what takes the place of "${twisted.name}" reads it`;
  graph.asIfAdded(made, () => {
    for (const n of made) infer(n);
  });
  const plan = { ...proposal, graph, made, constants, ...leaving(outputs, needed) };
  return wrongType(outputs) ?? cycle(plan, needed) ?? unneeded(plan) ?? (rule.grows === undefined ? growth(plan) : undefined) ?? plan;
}

/** What is in no graph yet, behind some values: nodes, makers before readers, and constants. */
export function newFor(values: Iterable<Value>): { made: Node[]; constants: Value[] } {
  const made = new Set<Node>();
  const constants = new Set<Value>();
  const visit = (v: Value): void => {
    if (v.graph) return;
    const node = v.producer;
    if (v.isConstant()) constants.add(v);
    else if (!node) throw new OnnxError('bad-edit', `A rule reads "${v.name}", which nothing makes and no graph holds.`);
    else if (!made.has(node)) {
      readsOf(node).forEach(visit);
      made.add(node);
    }
  };
  for (const v of values) visit(v);
  return { made: [...made], constants: [...constants] };
}

/** Every value of another graph or node that a node reads, subgraphs included, once per place. */
export function readsOf(node: Node): Value[] {
  const reads = node.inputs.filter((v) => v !== undefined);
  for (const g of node.graphs()) reads.push(...outerReads(g));
  return reads;
}

function outerReads(g: Graph): Value[] {
  const reads = [...[...g.nodes].flatMap(readsOf), ...g.outputs];
  return reads.filter((v) => v.graph !== g);
}

/** Follows what is replaced upwards: a node goes when all its readers do. */
function leaving(outputs: ReadonlyMap<Value, Value>, needed: ReadonlySet<Value>): Pick<Plan, 'going' | 'dropped'> {
  const going = new Set<Node>();
  const dropped: Value[] = [];
  const lost = new Map<Value, number>();
  const isGone = (v: Value): boolean => !needed.has(v) && (outputs.has(v) || (!v.isOutput && (lost.get(v) ?? 0) === v.useCount));
  const check = [...outputs.keys()].flatMap((v) => v.producer ?? []);
  for (let node = check.pop(); node; node = check.pop()) {
    if (going.has(node) || !node.outputs.every(isGone)) continue;
    going.add(node);
    for (const v of readsOf(node)) {
      lost.set(v, (lost.get(v) ?? 0) + 1);
      if (!isGone(v)) continue;
      if (v.producer) check.push(v.producer);
      else if (!v.isInput && v.isConstant()) dropped.push(v);
    }
  }
  return { going, dropped };
}

function wrongType(outputs: ReadonlyMap<Value, Value>): string | undefined {
  for (const [old, by] of outputs) if (!fits(old.type, by.type)) return `"${old.name}" is ${describeType(old.type)}, and what would take its place is ${describeType(by.type)}`;
  return undefined;
}

/** Whether a value of the second type may stand for one of the first, as far as both are known. */
function fits(a: ValueType | undefined, b: ValueType | undefined): boolean {
  if (!a || !b) return true;
  if (a.kind === 'tensor' && b.kind === 'tensor') return a.dtype === b.dtype && (!a.dims || !b.dims || (a.dims.length === b.dims.length && a.dims.every((d, i) => mayEqual(d, b.dims![i]!))));
  return a.kind === b.kind;
}

const mayEqual = (a: Dim, b: Dim): boolean => typeof a !== 'number' || typeof b !== 'number' || a === b;

/**
 * What the replacement reads must not be computed from what it replaces. What the going nodes read cannot be, unless an inner value is replaced
 * for readers outside too; then, and for values from elsewhere, everything above is searched.
 */
function cycle({ root, outputs, going }: Plan, needed: ReadonlySet<Value>): string | undefined {
  const makers = new Set([...outputs.keys()].map((v) => v.producer));
  const inner = [...outputs.keys()].some((v) => v.producer !== root && v.uses.some((u) => !going.has(u.node)));
  let search = [...needed].filter((v) => v.graph);
  for (const known of inner ? [] : [() => [...going, root].flatMap(readsOf), () => above(root)]) {
    const safe = new Set(known());
    search = search.filter((v) => !safe.has(v));
    if (search.length === 0) return undefined;
  }
  const seen = new Set<Value>();
  for (let v = search.pop(); v; v = search.pop()) {
    if (seen.has(v) || !v.producer) continue;
    seen.add(v);
    if (makers.has(v.producer)) return `it would make a cycle through "${v.name}"`;
    search.push(...readsOf(v.producer));
  }
  return undefined;
}

/** How many values above a root are known at once not to depend on it. Rules that take what they read from further away have it searched for. */
const NEAR = 100;

/** The nearest values that a node is computed from. */
function above(root: Node): Set<Value> {
  const found = new Set(readsOf(root));
  for (const v of found) {
    if (found.size >= NEAR) break;
    if (v.producer) for (const w of readsOf(v.producer)) found.add(w); // the Set is walked while it grows
  }
  return found;
}

/** An Identity that only gives an input or a constant its public name is as simple as it gets. */
function unneeded({ root, outputs, made }: Plan): string | undefined {
  const [by] = outputs.values();
  const again = by && made.length === 0 && root.is('Identity') && by === root.inputs[0] && needsIdentity(root.output, by, []);
  return again ? `"${root.output.name}" is a graph output, and "${by.name}" cannot take its name` : undefined;
}

/** Whether `graph.replace` must add an Identity: the public name stays, and the new value cannot take it. */
function needsIdentity(old: Value, by: Value, before: readonly Value[]): boolean {
  if (!old.isOutput || !old.graph?.outputs.includes(old)) return false;
  return !by.producer || by.isConstant() || by.isOutput || before.includes(by) || (by.graph !== undefined && by.graph !== old.graph);
}

function growth({ outputs, made, constants, going, dropped }: Plan): string | undefined {
  const entries = [...outputs];
  const identities = entries.filter(([old, by], i) => needsIdentity(old, by, entries.slice(0, i).map(([, b]) => b))).length;
  const bytesOf = (values: readonly Value[]): number => values.reduce((sum, v) => sum + (v.constant?.byteLength ?? 0), 0);
  const [came, went] = [made.map(sizeOf).reduce(plus, NOTHING), [...going].map(sizeOf).reduce(plus, NOTHING)];
  const nodes = came.nodes + identities - went.nodes;
  const bytes = came.bytes + bytesOf(constants) - went.bytes - bytesOf(dropped);
  const tooMany = nodes > 0 ? [`${nodes} node${nodes > 1 ? 's' : ''}`] : [];
  const tooLarge = bytes > Math.max(0, -nodes) * NODE_BYTES ? [`${bytes} byte${bytes > 1 ? 's' : ''}`] : [];
  return tooMany.length + tooLarge.length > 0 ? `it would add ${[...tooMany, ...tooLarge].join(' and ')}` : undefined;
}

interface Size {
  readonly nodes: number;
  readonly bytes: number;
}
const NOTHING: Size = { nodes: 0, bytes: 0 };
const plus = (a: Size, b: Size): Size => ({ nodes: a.nodes + b.nodes, bytes: a.bytes + b.bytes });

/** A node and what is inside it. A Constant node is its bytes and no node: it computes nothing. */
function sizeOf(node: Node): Size {
  const constant = node.outputs[0]?.constant;
  if (constant) return { nodes: 0, bytes: constant.byteLength };
  const initializers = (g: Graph): Size => ({ nodes: 0, bytes: [...g.initializers.values()].reduce((sum, v) => sum + v.constant.byteLength, 0) });
  return node.graphs().flatMap((g) => [initializers(g), ...[...g.nodes].map(sizeOf)]).reduce(plus, { nodes: 1, bytes: 0 });
}
