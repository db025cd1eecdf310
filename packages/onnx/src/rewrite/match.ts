import { sameAttr } from '../ir/compare.ts';
import { describe, type Graph, type Node, type Value } from '../ir/graph.ts';
import { isCommutative, schemaOf } from '../ir/schema.ts';
import { capture, unmetAttributes } from './attributes.ts';
import { unmet } from './demand.ts';
import { inputOf } from './forms.ts';
import { Kept, ListHole, Named, OneOf, operatorKey, OutputPattern, type AttributeHole, type CallPattern, type Hole, type Pattern, type ValueHole } from './pattern.ts';

/** One way a pattern fits: valid until the matcher goes on. */
export interface Fit {
  /** The value that the whole pattern fits. */
  readonly value: Value;
  /** What is in each hole; no entry for a hole of another alternative. */
  readonly holes: ReadonlyMap<Hole, unknown>;
  /** The node that each call of the pattern stands for. */
  readonly calls: ReadonlyMap<CallPattern, Node>;
  /** Values that may be read outside the match. */
  readonly kept: ReadonlySet<Value>;
}

/** Goes on with the match; whether it is good to the end. */
type Next = () => boolean;

/**
 * Finds the ways in which a pattern fits a value, by trying and taking back. The order is that of the pattern: alternatives as they are
 * listed, the inputs of a commutative operator first as they are. Of what did not fit it remembers the attempt that got furthest.
 */
export class Matcher {
  readonly #holes = new Map<Hole, unknown>();
  readonly #calls = new Map<CallPattern, Node>();
  readonly #kept = new Set<Value>();
  #graph: Graph | undefined;
  #furthest = -1;
  #why: () => string = () => '';

  /** Offers every fit to `accept`, until it returns true rather than a reason. Returns undefined then, or the reason of the attempt that got furthest. */
  find(pattern: Pattern, root: Node, outputs: readonly number[], accept: (fit: Fit) => true | string): (() => string) | undefined {
    this.#graph = root.graph;
    this.#furthest = -1;
    for (const index of outputs) {
      const v = root.outputs[index];
      if (!v) continue;
      const fit: Fit = { value: v, holes: this.#holes, calls: this.#calls, kept: this.#kept };
      const end = (): boolean => {
        const verdict = accept(fit);
        return verdict === true || this.#miss(() => verdict, 1);
      };
      if (this.#solve(pattern, v, end)) return undefined;
    }
    return this.#furthest < 0 ? () => 'the pattern speaks of an output that it does not have' : this.#why;
  }

  #miss(why: () => string, further = 0): false {
    const depth = this.#holes.size + this.#calls.size + further;
    if (depth > this.#furthest) {
      this.#furthest = depth;
      this.#why = why;
    }
    return false;
  }

  #solve(p: Pattern | undefined, v: Value | undefined, next: Next): boolean {
    if (p === undefined) return v === undefined ? next() : this.#miss(() => `"${v.name}" is given, where the pattern leaves an input out`);
    if (p instanceof OutputPattern) return this.#output(p, v, next);
    if (p instanceof OneOf) return p.choices.some((c) => this.#solve(c, v, next));
    if (p instanceof Named) return this.#value(p.hole, v, () => this.#solve(p.pattern, v, next));
    if (p instanceof Kept) return this.#keep(p, v, next);
    if (p instanceof ListHole) return this.#list(p, v ? [v] : [], next);
    return this.#value(p, v, next);
  }

  #value(hole: ValueHole, v: Value | undefined, next: Next): boolean {
    if (this.#holes.has(hole)) {
      const before = this.#holes.get(hole) as Value | undefined; // only this method fills a ValueHole
      return before === v ? next() : this.#miss(() => `"${v?.name ?? 'a missing input'}" should be "${before?.name ?? 'missing'}" again`);
    }
    if (!v && !hole.optional) return this.#miss(() => 'an input is missing');
    const why = v && unmet(hole, v);
    return why === undefined ? this.#put(hole, v, next) : this.#miss(() => why);
  }

  #list(hole: ListHole, all: readonly (Value | undefined)[], next: Next): boolean {
    const present = all.filter((v) => v !== undefined);
    if (present.length < all.length) return this.#miss(() => 'an input is missing');
    for (const v of present) {
      const why = unmet({ wants: 'value', demand: hole.demand }, v);
      if (why !== undefined) return this.#miss(() => why);
    }
    const before = this.#holes.get(hole) as readonly Value[] | undefined; // only this method fills a ListHole
    if (before) return (before.length === present.length && before.every((v, i) => v === present[i]) && next()) || this.#miss(() => 'a list of inputs should be the same again');
    return this.#put(hole, present, next);
  }

  #put(hole: Hole, what: unknown, next: Next): boolean {
    this.#holes.set(hole, what);
    const done = next();
    this.#holes.delete(hole);
    return done;
  }

  #keep(p: Kept, v: Value | undefined, next: Next): boolean {
    return this.#solve(p.pattern, v, () => {
      if (!v || this.#kept.has(v)) return next();
      this.#kept.add(v);
      const done = next();
      this.#kept.delete(v);
      return done;
    });
  }

  #output({ call, index }: OutputPattern, v: Value | undefined, next: Next): boolean {
    const node = v?.producer;
    const before = this.#calls.get(call);
    if (!v || !node || !call.operators.has(operatorKey(node.domain, node.opType))) return this.#miss(() => `${madeBy(v)}, not ${before ? '' : 'made '}by ${[...call.operators].join(' or ')}`);
    if (node.graph !== this.#graph) return this.#miss(() => `"${v.name}" is made in a graph around this one`);
    if (node.outputs[index] !== v) return this.#miss(() => `"${v.name}" is output ${node.outputs.indexOf(v)} of ${describe(node)}, not ${index}`);
    if (before) return before === node ? next() : this.#miss(() => `"${v.name}" should be made by ${describe(before)}`);
    const why = wrongOutputs(call, node) ?? wrongInputs(call, node) ?? unmetAttributes(call, node);
    if (why !== undefined) return this.#miss(() => why);
    this.#calls.set(call, node);
    const done = this.#attributes(node, call.holes, 0, () => this.#inputs(call, node, next));
    this.#calls.delete(call);
    return done;
  }

  #attributes(node: Node, holes: readonly (readonly [string, AttributeHole])[], at: number, next: Next): boolean {
    const [name, hole] = holes[at] ?? [];
    if (name === undefined || hole === undefined) return next();
    const found = capture(hole, node, name);
    if ('not' in found) return this.#miss(() => found.not);
    const rest = (): boolean => this.#attributes(node, holes, at + 1, next);
    if (!this.#holes.has(hole)) return this.#put(hole, found.value, rest);
    return same(this.#holes.get(hole), found.value) ? rest() : this.#miss(() => `${describe(node)} has another ${name} than the node before`);
  }

  #inputs(call: CallPattern, node: Node, next: Next): boolean {
    const list = call.inputs.at(-1) instanceof ListHole;
    const count = list ? call.inputs.length - 1 : call.inputs.length;
    const inputs = Array.from({ length: count }, (_, i) => inputOf(node, i));
    const end = list ? (): boolean => this.#list(call.inputs[count] as ListHole, node.inputs.slice(count), next) : next; // `list` says what it is
    if (!list && count > 1 && inputs.length === count && isCommutative(node.domain, node.opType, count) && !node.attrs.has('broadcast')) return this.#anyOrder(call, inputs, 0, end);
    return this.#inOrder(call, inputs, 0, end);
  }

  #inOrder(call: CallPattern, inputs: readonly (Value | undefined)[], at: number, next: Next): boolean {
    if (at === inputs.length) return next();
    return this.#solve(call.inputs[at], inputs[at], () => this.#inOrder(call, inputs, at + 1, next));
  }

  /** Gives each input to some pattern, first as they stand; two equal inputs change places for nothing. */
  #anyOrder(call: CallPattern, left: readonly (Value | undefined)[], at: number, next: Next): boolean {
    if (left.length === 0) return next();
    return left.some((v, i) => left.indexOf(v) === i && this.#solve(call.inputs[at], v, () => this.#anyOrder(call, left.toSpliced(i, 1), at + 1, next)));
  }
}

function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((v, i) => v === b[i]);
  if (typeof a === 'object' && typeof b === 'object' && a && b && 'type' in a && 'type' in b) return sameAttr(a as Parameters<typeof sameAttr>[0], b as Parameters<typeof sameAttr>[1]); // objects in attribute holes are attributes
  return a === b;
}

function madeBy(v: Value | undefined): string {
  if (!v) return 'an input is missing';
  if (v.producer) return `"${v.name}" is made by ${operatorKey(v.producer.domain, v.producer.opType)}`;
  return `"${v.name}" is ${v.isInput ? 'an input' : v.isConstant() ? 'a constant' : 'made by nothing'}`;
}

/** A pattern of one output fits nodes with more, which must then be unread; where their number changes what the first ones are, as for Split, it must be the same. */
function wrongOutputs(call: CallPattern, node: Node): string | undefined {
  const has = node.outputs.findLastIndex((v) => v.name !== '') + 1;
  const exact = schemaOf(node.domain, node.opType, Infinity)?.outputs.at(-1)?.option === 'variadic';
  return has === call.outputs || (!exact && has > call.outputs) ? undefined : `${describe(node)} has ${has} outputs, not ${call.outputs}`;
}

function wrongInputs(call: CallPattern, node: Node): string | undefined {
  const most = call.inputs.length;
  return node.inputs.length <= most || call.inputs.at(-1) instanceof ListHole ? undefined : `${describe(node)} has ${node.inputs.length} inputs, not ${most}`;
}
