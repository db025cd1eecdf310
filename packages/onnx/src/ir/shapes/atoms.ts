import { add, atom, asAtom, asInteger, divideExactly, integer, multiply, print, scale, subtract, type Polynomial, type Term } from './polynomial.ts';

/** What an atom's text means. Every function but `floor` has its arguments sorted, without doubles and not nested in itself. */
export type Atom =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'floor'; readonly over: Polynomial; readonly by: Polynomial }
  | { readonly kind: 'min' | 'max' | 'broadcast'; readonly of: readonly Polynomial[] };

/** No space, no operator, no bracket, no leading minus, and not a number: such a name stands in an expression as it is. */
const PLAIN = /^(?!-)(?!\d+$)[^\s+*/(){},]+$/;

/** The text of a name inside an expression. Undefined for a name that cannot be quoted. */
export function quote(name: string): string | undefined {
  if (PLAIN.test(name)) return name;
  return name === '' || /[{}]/.test(name) || !split(name, ' ') ? undefined : `{${name}}`;
}

const inBrackets = (p: Polynomial): string => (p.length > 1 || (p[0]?.by ?? 0) < 0 ? `(${print(p)})` : print(p));
const divisor = (p: Polynomial): string => (asInteger(p) !== undefined || asAtom(p) !== undefined ? print(p) : `(${print(p)})`);

/** floor(a / b), for b > 0. Undefined for what has no form here. */
export function floorDivide(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const exact = divideExactly(a, b);
  if (exact) return exact;
  const by = asInteger(b);
  return by === undefined ? bySymbol(a, b) : byNumber(a, by);
}

/** Whole multiples of the divisor leave the floor, so that what stays has coefficients from 1 to by - 1. */
function byNumber(a: Polynomial, by: number): Polynomial | undefined {
  if (by <= 0) return undefined;
  const whole: Term[] = [];
  const rest: Term[] = [];
  for (const t of a) {
    const q = Math.floor(t.by / by);
    if (q !== 0) whole.push({ atoms: t.atoms, by: q });
    if (t.by - q * by !== 0) rest.push({ atoms: t.atoms, by: t.by - q * by });
  }
  const left = asInteger(rest);
  if (left !== undefined) return whole; // 0 <= left < by
  const inner = nested(rest, by);
  const floor = inner ?? atom(`floor(${inBrackets(rest)}/${by})`);
  return add(whole, floor);
}

/** floor((floor(x / a) + c) / b) is floor((x + c a) / (a b)). */
function nested(p: Polynomial, by: number): Polynomial | undefined {
  const [first, second] = p;
  if (p.length > 2 || first!.by !== 1 || first!.atoms.length !== 1 || (second && second.atoms.length > 0)) return undefined;
  const inner = readAtom(first!.atoms[0]!);
  const innerBy = inner?.kind === 'floor' ? asInteger(inner.by) : undefined;
  if (inner?.kind !== 'floor' || innerBy === undefined) return undefined;
  const over = add(inner.over, integer((second?.by ?? 0) * innerBy));
  return over && floorDivide(over, integer(by * innerBy));
}

function bySymbol(a: Polynomial, b: Polynomial): Polynomial | undefined {
  if (lowest(a) === undefined || lowest(b) === undefined) return undefined;
  return atom(`floor(${inBrackets(a)}/${divisor(b)})`);
}

/** min, max, or the size that two sizes broadcast to. */
export function combine(kind: 'min' | 'max' | 'broadcast', a: Polynomial, b: Polynomial): Polynomial {
  const parts = new Map<string, Polynomial>();
  for (const p of [a, b]) {
    const text = asAtom(p);
    const inside = text === undefined ? undefined : readAtom(text);
    for (const q of inside?.kind === kind ? inside.of : [p]) parts.set(print(q), q);
  }
  const of = kind === 'broadcast' ? [...parts.values()] : [...parts.values()].filter((p, i, all) => !all.some((q, j) => i !== j && beats(kind, q, p, j < i)));
  if (of.length === 1) return of[0]!;
  const texts = of.map(print).sort();
  return atom(`${kind}(${texts.join(', ')})`);
}

/** The sum, with min(x, y) + max(x, y) written as x + y: what a value is cut into and put together again is whole. */
export function sum(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const all = add(a, b);
  const extremes = all?.flatMap((t) => (t.atoms.length === 1 && /^m(in|ax)\(/.test(t.atoms[0]!) ? [{ by: t.by, text: t.atoms[0]!, inside: readAtom(t.atoms[0]!) }] : [])) ?? [];
  for (const least of extremes) {
    for (const most of extremes) {
      const both = least.by === most.by && least.inside?.kind === 'min' && most.inside?.kind === 'max' ? whole(least.inside.of, most.inside.of) : undefined;
      const rest = both && subtract(all!, [{ atoms: [least.text], by: least.by }, { atoms: [most.text], by: most.by }]);
      const more = both && scale(both, least.by);
      if (rest && more) return sum(rest, more);
    }
  }
  return all;
}

/** min(x, y) + max(x + d, y + d) is x + y + d. */
function whole(least: readonly Polynomial[], most: readonly Polynomial[]): Polynomial | undefined {
  const [x, y] = least;
  if (least.length !== 2 || most.length !== 2) return undefined;
  for (const [p, q] of [most, most.toReversed()]) {
    const [d, e] = [subtract(p!, x!), subtract(q!, y!)];
    if (d && e && print(d) === print(e)) return add(p!, y!);
  }
  return undefined;
}

/** Whether q makes p needless in a min or max; of two equal ones the earlier stays. */
function beats(kind: 'min' | 'max', q: Polynomial, p: Polynomial, earlier: boolean): boolean {
  const needless = kind === 'min' ? atMost(q, p) : atMost(p, q);
  const both = kind === 'min' ? atMost(p, q) : atMost(q, p);
  return needless && (!both || earlier);
}

/** The least a polynomial can be when every name is at least 0; undefined where there is no bound. */
export function lowest(p: Polynomial): number | undefined {
  return byRemainder(p, lowest, Math.min) ?? bound(p, lowestOf, highestOf);
}

/** The most a polynomial can be; undefined where there is no bound. */
export function highest(p: Polynomial): number | undefined {
  return byRemainder(p, highest, Math.max) ?? bound(p, highestOf, lowestOf);
}

/** The bound of a polynomial that holds a remainder, c (x - n floor(x / n)), which lies between 0 and c (n - 1); undefined where it holds none. */
function byRemainder(p: Polynomial, boundOf: (p: Polynomial) => number | undefined, pick: (a: number, b: number) => number): number | undefined {
  for (const { atoms, by } of p) {
    const inside = atoms.length === 1 ? readAtom(atoms[0]!) : undefined;
    if (inside?.kind !== 'floor') continue;
    const n = asInteger(inside.by);
    const found = (n !== undefined && by % n === 0 ? remainder(p, inside.over, n, -by / n) : undefined) ?? remainderOfTerm(p, atoms[0]!, by);
    const rest = found && boundOf(found.rest);
    if (found && rest !== undefined) return rest + pick(0, found.c * (found.n - 1));
  }
  return undefined;
}

/** What is left without c (x - n floor(x / n)). */
function remainder(p: Polynomial, x: Polynomial, n: number, c: number): { rest: Polynomial; n: number; c: number } | undefined {
  const floor = floorDivide(x, integer(n));
  const multiples = floor && scale(floor, n);
  const whole = multiples && subtract(x, multiples);
  const taken = whole && scale(whole, c);
  const rest = taken && subtract(p, taken);
  return rest && rest.length < p.length ? { rest, n, c } : undefined;
}

/** The same where x is another term's one atom: floor(x / n) is then written without it, as floor(h / 8) for a floor(h / 2) divided by 4. */
function remainderOfTerm(p: Polynomial, floor: string, by: number): { rest: Polynomial; n: number; c: number } | undefined {
  for (const { atoms, by: c } of p) {
    const n = -by / c;
    if (atoms.length !== 1 || atoms[0] === floor || !Number.isInteger(n) || n < 2) continue;
    const divided = floorDivide(atom(atoms[0]!), integer(n));
    if (divided && asAtom(divided) === floor) return remainder(p, atom(atoms[0]!), n, c);
  }
  return undefined;
}

function bound(p: Polynomial, near: (text: string) => number | undefined, far: (text: string) => number | undefined): number | undefined {
  let sum = 0;
  for (const { atoms, by } of p) {
    const factors = atoms.map(by > 0 ? near : far);
    // A product of bounds bounds the product only where no factor is negative.
    if (factors.some((f) => f === undefined || f < 0) || (atoms.length > 1 && atoms.some((a) => (lowestOf(a) ?? -1) < 0))) {
      if (atoms.length !== 1 || factors[0] === undefined) return undefined;
    }
    sum += by * factors.reduce<number>((x, f) => x * f!, 1);
  }
  return sum;
}

function lowestOf(text: string): number | undefined {
  const a = readAtom(text);
  if (!a) return undefined;
  switch (a.kind) {
    case 'name':
      return 0;
    case 'floor': {
      const [over, by] = [lowest(a.over), asInteger(a.by)];
      if (over === undefined) return undefined;
      return by === undefined ? Math.min(0, over) : Math.floor(over / by);
    }
    case 'min':
      return extreme(a.of.map(lowest), Math.min, 'all');
    case 'max':
      return extreme(a.of.map(lowest), Math.max, 'any');
    case 'broadcast':
      return 0;
  }
}

function highestOf(text: string): number | undefined {
  const a = readAtom(text);
  if (a?.kind === 'floor') {
    const [over, by] = [highest(a.over), asInteger(a.by)];
    return over === undefined || by === undefined ? undefined : Math.floor(over / by);
  }
  if (a?.kind === 'min') return extreme(a.of.map(highest), Math.min, 'any');
  return a?.kind === 'max' ? extreme(a.of.map(highest), Math.max, 'all') : undefined;
}

/** A bound of several bounds: `any` one of them suffices, or `all` are needed. */
function extreme(bounds: readonly (number | undefined)[], pick: (...v: number[]) => number, need: 'any' | 'all'): number | undefined {
  const known = bounds.filter((b) => b !== undefined);
  if (known.length === 0 || (need === 'all' && known.length < bounds.length)) return undefined;
  return pick(...known);
}

/** Whether a <= b holds for all sizes. False also where it is not known. */
export function atMost(a: Polynomial, b: Polynomial): boolean {
  const gap = subtract(b, a);
  if (gap && (lowest(gap) ?? -1) >= 0) return true;
  const [left, right] = [bare(a), bare(b)];
  if (left?.kind === 'min' && left.of.some((x) => atMost(x, b))) return true;
  if (right?.kind === 'max' && right.of.some((x) => atMost(a, x))) return true;
  if (left?.kind === 'max' && left.of.every((x) => atMost(x, b))) return true;
  return right?.kind === 'min' && right.of.every((x) => atMost(a, x));
}

const bare = (p: Polynomial): Atom | undefined => {
  const text = asAtom(p);
  return text === undefined ? undefined : readAtom(text);
};

const read = new Map<string, Atom | undefined>();

/** What the text of an atom means; undefined where it is not in canonical form. */
export function readAtom(text: string): Atom | undefined {
  if (!read.has(text)) {
    if (read.size > 100_000) read.clear();
    read.set(text, parseAtom(text));
  }
  return read.get(text);
}

function parseAtom(text: string): Atom | undefined {
  if (PLAIN.test(text)) return { kind: 'name', name: text };
  if (/^\{[^{}]+\}$/.test(text)) return { kind: 'name', name: text.slice(1, -1) };
  const call = /^(floor|min|max|broadcast)\((.*)\)$/s.exec(text);
  if (!call) return undefined;
  const [, kind, inside] = call as unknown as [string, Atom['kind'], string]; // the pattern has two groups
  const parts = split(inside, kind === 'floor' ? '/' : ', ')?.map((part) => parse(part) ?? parse(part.replace(/^\((.*)\)$/s, '$1')));
  if (!parts || parts.length < 2 || !parts.every((p) => p !== undefined)) return undefined;
  if (kind === 'floor') {
    const [over, by] = parts as [Polynomial, Polynomial]; // checked above
    return parts.length === 2 && `floor(${inBrackets(over)}/${divisor(by)})` === text ? { kind, over, by } : undefined;
  }
  return kind === 'name' ? undefined : { kind, of: parts };
}

/** Splits where no bracket is open. Undefined when the brackets do not match. */
function split(text: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if ('({'.includes(text[i]!)) depth++;
    else if (')}'.includes(text[i]!) && --depth < 0) return undefined;
    else if (depth === 0 && text.startsWith(separator, i)) {
      parts.push(text.slice(from, i));
      from = i + separator.length;
    }
  }
  return depth === 0 ? [...parts, text.slice(from)] : undefined;
}

/** Reads what `print` writes; undefined for anything else. */
export function parse(text: string): Polynomial | undefined {
  const sums = split(text, ' ');
  if (!sums || sums.length % 2 === 0) return undefined;
  let all: Polynomial | undefined = [];
  for (let i = 0; i < sums.length && all; i += 2) {
    const operator = i === 0 ? '+' : sums[i - 1];
    if (operator !== '+' && operator !== '-') return undefined;
    const term = parseTerm(sums[i]!);
    const signed: Polynomial | undefined = term && (operator === '-' ? scale(term, -1) : term);
    all = signed && add(all, signed);
  }
  return all && print(all) === text ? all : undefined;
}

function parseTerm(text: string): Polynomial | undefined {
  const negative = text.startsWith('-');
  const factors = split(negative ? text.slice(1) : text, '*');
  let product: Polynomial | undefined = integer(negative ? -1 : 1);
  for (const f of factors ?? ['']) {
    const factor: Polynomial | undefined = /^\d+$/.test(f) ? integer(Number(f)) : readAtom(f) && atom(f);
    product = product && factor && multiply(product, factor);
  }
  return product;
}
