import type { Dim } from '../types.ts';
import { atMost, combine, floorDivide, highest, lowest, parse, quote, readAtom, sum } from './atoms.ts';
import { asAtom, asInteger, atom, divideExactly, integer, multiply, print, subtract, type Polynomial } from './polynomial.ts';

/** A longer name helps nobody: such a size is unknown. */
const LONGEST = 480;

/** Names that exporters give to sizes they know nothing of: two of them need not be equal. */
const PLACEHOLDERS = new Set(['', '?', '-1', '*', 'None', 'none', 'null', 'unk', 'unknown', 'Unknown']);

/** Names of a file that read like arithmetic. They stay names: an exporter's "past + 1" need not be the size `past` plus one. */
const looksComputed = (name: string): boolean => quote(name) !== name;

/**
 * Arithmetic on dimensions and on integers computed from them. A result is a number, an expression over names ("sequence + 1", "2*batch"),
 * or null where it is not known; equal expressions have equal names. Names are taken to be at least 0. A name that the file uses is always that
 * name and never an expression, whatever it looks like.
 */
export class Sizes {
  readonly #taken = new Set<string>();
  readonly #meant = new Set<string>();
  readonly #read = new Map<string, Polynomial | undefined>();

  /** Says that the file uses this name. */
  take(name: string): void {
    if (!looksComputed(name) || this.#taken.has(name) || this.#meant.has(name)) return;
    this.#taken.add(name);
    this.#read.clear();
  }

  /** Says that the file means by this name what it reads like. */
  mean(name: string): void {
    this.#meant.add(name);
    this.#taken.delete(name);
    this.#read.clear();
  }

  /** Whether the expression is what a name of the file reads like. */
  readsLike(name: string, expression: Dim): boolean {
    return this.#taken.has(name) && expression === `(${name})`;
  }

  /** The size itself, or null where it says nothing: a name such as "?", or a number that is no size. */
  known(a: Dim): Dim {
    if (typeof a === 'number') return Number.isSafeInteger(a) && a >= 0 ? a : null;
    return a !== null && PLACEHOLDERS.has(a) ? null : a;
  }

  add(a: Dim, b: Dim): Dim {
    return this.#compute(a, b, sum);
  }

  sub(a: Dim, b: Dim): Dim {
    return this.#compute(a, b, subtract);
  }

  mul(a: Dim, b: Dim): Dim {
    if (a === 0 || b === 0) return 0;
    return this.#compute(a, b, multiply);
  }

  /** floor(a / b). Null unless b is known to be positive or a name, which is taken to be positive. */
  floorDiv(a: Dim, b: Dim): Dim {
    if (typeof b === 'number' && b <= 0) return null;
    return this.#compute(a, b, floorDivide);
  }

  /** ceil(a / b), for a number b > 0. */
  ceilDiv(a: Dim, b: number): Dim {
    return this.floorDiv(this.add(a, b - 1), b);
  }

  /** a / b where nothing is left over, whatever the names stand for; else null. */
  divideExactly(a: Dim, b: Dim): Dim {
    return this.#compute(a, b, divideExactly);
  }

  min(a: Dim, b: Dim): Dim {
    return this.#compute(a, b, (x, y) => combine('min', x, y));
  }

  max(a: Dim, b: Dim): Dim {
    return this.#compute(a, b, (x, y) => combine('max', x, y));
  }

  /** The size that two sizes broadcast to, in a run that succeeds. */
  broadcast(a: Dim, b: Dim): Dim {
    if (a === b) return a;
    if (a === 1) return b;
    if (b === 1) return a;
    if (typeof a === 'number' && typeof b === 'number') return null;
    if (this.atLeast(a, 2) || a === 0) return a;
    if (this.atLeast(b, 2) || b === 0) return b;
    if (this.#trims(a, b)) return b;
    if (this.#trims(b, a)) return a;
    return this.#compute(a, b, (x, y) => combine('broadcast', x, y));
  }

  /** Whether a is min(b, something that is at least 1): where the two differ, a is 1 or does not fit. */
  #trims(a: Dim, b: Dim): boolean {
    const text = typeof a === 'string' && !this.#taken.has(a) ? a : '';
    const inside = readAtom(text);
    return inside?.kind === 'min' && inside.of.some((p) => this.#name(p) === b) && inside.of.every((p) => this.#name(p) === b || (lowest(p) ?? 0) >= 1);
  }

  product(dims: readonly Dim[]): Dim {
    return dims.includes(0) ? 0 : dims.reduce<Dim>((a, b) => this.mul(a, b), 1);
  }

  sum(dims: readonly Dim[]): Dim {
    return dims.reduce<Dim>((a, b) => this.add(a, b), 0);
  }

  /** Whether the size is known to be at least that. */
  atLeast(a: Dim, least: number): boolean {
    if (typeof a === 'number') return a >= least;
    const p = this.#polynomial(a);
    return p !== undefined && (lowest(p) ?? -Infinity) >= least;
  }

  /** Whether a <= b holds whatever the names stand for. */
  atMost(a: Dim, b: Dim): boolean {
    const [x, y] = [this.#polynomial(a), this.#polynomial(b)];
    return x !== undefined && y !== undefined && atMost(x, y);
  }

  /** Whether the two are known to differ. */
  differ(a: Dim, b: Dim): boolean {
    const [x, y] = [this.#polynomial(a), this.#polynomial(b)];
    const gap = x && y && subtract(x, y);
    return gap !== undefined && ((lowest(gap) ?? 0) > 0 || (highest(gap) ?? 0) < 0);
  }

  /** The names of the file that an expression is made of. */
  names(a: Dim): readonly string[] {
    const found = new Set<string>();
    const visit = (p: Polynomial): void => {
      for (const text of p.flatMap((t) => t.atoms)) {
        const inside = readAtom(text);
        if (inside?.kind === 'name') found.add(inside.name);
        else if (inside?.kind === 'floor') [inside.over, inside.by].forEach(visit);
        else inside?.of.forEach(visit);
      }
    };
    visit(this.#polynomial(a) ?? []);
    return [...found];
  }

  /** The number that a size is under `values`; undefined where a name has none. */
  evaluate(a: Dim, values: ReadonlyMap<string, number>): number | undefined {
    const p = this.#polynomial(a);
    return p && evaluate(p, values);
  }

  #compute(a: Dim, b: Dim, f: (a: Polynomial, b: Polynomial) => Polynomial | undefined): Dim {
    const [x, y] = [this.#polynomial(a), this.#polynomial(b)];
    const result = x && y && f(x, y);
    return result ? this.#name(result) : null;
  }

  #polynomial(d: Dim): Polynomial | undefined {
    if (d === null) return undefined;
    if (typeof d === 'number') return Number.isSafeInteger(d) ? integer(d) : undefined;
    if (!this.#read.has(d)) this.#read.set(d, this.#meaning(d));
    return this.#read.get(d);
  }

  #meaning(name: string): Polynomial | undefined {
    if (PLACEHOLDERS.has(name)) return undefined;
    if (!this.#taken.has(name) && name.length <= LONGEST + 2) {
      const inner = /^\((.*)\)$/s.exec(name)?.[1];
      const p = inner !== undefined && this.#taken.has(inner) ? parse(inner) : parse(name);
      if (p && asInteger(p) === undefined) return p;
    }
    const quoted = quote(name);
    return quoted === undefined ? undefined : atom(quoted);
  }

  #name(p: Polynomial): Dim {
    const number = asInteger(p);
    if (number !== undefined) return number;
    const only = asAtom(p);
    const inside = only === undefined ? undefined : readAtom(only);
    if (inside?.kind === 'name') return inside.name;
    const text = print(p);
    if (text.length > LONGEST) return null;
    return this.#taken.has(text) ? `(${text})` : text;
  }
}

function evaluate(p: Polynomial, values: ReadonlyMap<string, number>): number | undefined {
  let total = 0;
  for (const { atoms, by } of p) {
    let product = by;
    for (const text of atoms) {
      const v = evaluateAtom(text, values);
      if (v === undefined) return undefined;
      product *= v;
    }
    total += product;
  }
  return total;
}

function evaluateAtom(text: string, values: ReadonlyMap<string, number>): number | undefined {
  const a = readAtom(text);
  if (a?.kind === 'name') return values.get(a.name);
  const parts = a?.kind === 'floor' ? [a.over, a.by] : (a?.of ?? []);
  const numbers = parts.map((p) => evaluate(p, values));
  if (!a || !numbers.every((n) => n !== undefined)) return undefined;
  switch (a.kind) {
    case 'floor':
      return numbers[1] === 0 ? undefined : Math.floor(numbers[0]! / numbers[1]!);
    case 'min':
      return Math.min(...numbers);
    case 'max':
      return Math.max(...numbers);
    case 'broadcast':
      return numbers.find((n) => n !== 1) ?? 1;
  }
}
