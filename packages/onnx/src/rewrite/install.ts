import { attr } from '../ir/attr.ts';
import { Node, type Value } from '../ir/graph.ts';
import { schemaOf } from '../ir/schema.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import { importDomainOf } from '../ir/value-ops.ts';
import { readsOf, type Plan } from './plan.ts';

/** What an installed plan leaves to look at again. */
export interface Installed {
  /** New nodes. */
  readonly made: readonly Node[];
  /** Nodes that read another value than before. */
  readonly readers: readonly Node[];
  /** Values that have fewer readers than before, or other ones. */
  readonly values: ReadonlySet<Value>;
  /** Whether something may now be read before it is made: the graph wants sorting. */
  readonly unsorted: boolean;
}

/**
 * Puts a plan into its graph. `asNodes`: constants become Constant nodes, as in functions, which have no initializers. `taken` are the names of the
 * graph's nodes, each with the last number given out behind it; those of the new ones are added.
 */
export function install(plan: Plan, asNodes: boolean, taken: Map<string, number>): Installed {
  const { root, graph, outputs, made, going, dropped } = plan;
  const known = new Map([...outputs].map(([old, by]) => [old, merged(old.type, by.type)]));
  const names = [...outputs].map(([old, by]) => ({ by, name: old.name }));
  const readers = [...outputs.keys()].flatMap((old) => old.uses.map((u) => u.node)).filter((n) => !going.has(n));
  const unsorted = [...outputs.keys()].some((old) => old.producer !== root && (old.isOutput || old.uses.some((u) => !going.has(u.node))));
  const twins = addConstants(plan, asNodes);
  nameLike(root, made, outputs, taken);
  leaveOutUnread(made, new Set([...outputs.values(), ...made.flatMap(readsOf)]));
  for (const n of made) {
    graph.add(n, { before: root });
    importDomainOf(n, graph);
  }
  for (const [old, given] of outputs) {
    const by = twins.get(given) ?? given;
    graph.replace(old, by);
    by.infer(known.get(old));
  }
  const values = new Set([...outputs.values(), ...made.flatMap(readsOf)]);
  for (const n of going) {
    for (const v of readsOf(n)) values.add(v);
    n.graph?.remove(n);
  }
  for (const v of dropped) v.graph?.removeInitializer(v);
  for (const { by, name } of names) if (by.producer && made.includes(by.producer) && !by.isOutput && graph.freshName(name) === name) graph.rename(by, name);
  return { made, readers, values, unsorted };
}

/** Adds the constants; gives what each became where that is another value. */
function addConstants({ root, graph, made, constants }: Plan, asNodes: boolean): Map<Value, Value> {
  const twins = new Map<Value, Value>();
  for (const v of constants) {
    const tensor = v.constant!; // that is what makes it one of them
    const hint = v.producer ? `${root.output.name}_constant` : v.name;
    const twin = asNodes ? graph.add(new Node('Constant', [], { attrs: [['value', attr.tensor(tensor)]] }), { before: root }).output : graph.addInitializer(hint, tensor);
    twin.infer(tensorType(tensor.dtype, tensor.dims));
    twins.set(v, twin);
    for (const u of v.uses) u.node.setInput(u.index, twin); // in subgraphs of the new nodes
  }
  for (const n of made) n.inputs.forEach((v, i) => v && twins.has(v) && n.setInput(i, twins.get(v)));
  return twins;
}

/** An optional output that nobody reads costs the runtime something, and the reader of the model too. */
function leaveOutUnread(made: readonly Node[], read: ReadonlySet<Value>): void {
  for (const n of made) {
    if (n.outputs.length === 1) continue;
    const schema = schemaOf(n.domain, n.opType, Infinity);
    n.outputs.forEach((v, i) => {
      if (!read.has(v) && schema?.outputs[i]?.option === 'optional') n.leaveOut(v);
    });
  }
}

/** New nodes lie where the root lay: who names nodes by their path finds them there. */
function nameLike(root: Node, made: readonly Node[], outputs: ReadonlyMap<Value, Value>, taken: Map<string, number>): void {
  if (root.name === '') return;
  const main = [...outputs.values()][0]?.producer;
  for (const n of made) {
    if (n.name !== '') continue;
    n.name = n === main ? root.name : freeName(`${root.name}/${n.opType}`, taken);
    if (!taken.has(n.name)) taken.set(n.name, 0);
  }
}

/** The name, or the first free `name_1`, `name_2` …: the thousandth costs what the first does. */
function freeName(name: string, taken: Map<string, number>): string {
  const last = taken.get(name);
  if (last === undefined) return name;
  for (let i = last + 1; ; i++) {
    const free = `${name}_${i}`;
    if (taken.has(free)) continue;
    taken.set(name, i);
    return free;
  }
}

/** What both types say: where one does not know, the other does. They fit each other. */
function merged(a: ValueType | undefined, b: ValueType | undefined): ValueType | undefined {
  if (a?.kind !== 'tensor' || b?.kind !== 'tensor' || !a.dims || !b.dims) return a?.kind === 'tensor' && !a.dims ? (b ?? a) : (a ?? b);
  return { ...b, dims: b.dims.map((d, i) => (typeof d === 'number' ? d : (a.dims![i] ?? d))) };
}
