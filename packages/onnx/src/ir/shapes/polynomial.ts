/**
 * Integer polynomials over atoms, in one canonical form: equal polynomials have equal text. An atom is the text of something
 * that is a whole number: a name (`batch`, or `{past + 1}` where the name itself looks like arithmetic) or a function of
 * polynomials (`floor((h + 1)/2)`, `min(512, sequence)`).
 */
export interface Term {
  /** Sorted; an atom that is multiplied by itself occurs more than once. None for the constant term. */
  readonly atoms: readonly string[];
  readonly by: number;
}

/** Terms with the highest degree first, none zero. Zero has no terms. */
export type Polynomial = readonly Term[];

/** More terms than this are not worth having a name for. */
const MOST_TERMS = 64;

export const integer = (v: number): Polynomial => (v === 0 ? [] : [{ atoms: [], by: v }]);
export const atom = (text: string): Polynomial => [{ atoms: [text], by: 1 }];

/** The number, where the polynomial is one. */
export function asInteger(p: Polynomial): number | undefined {
  if (p.length === 0) return 0;
  const only = p[0]!;
  return p.length === 1 && only.atoms.length === 0 ? only.by : undefined;
}

/** The atom, where the polynomial is exactly one. */
export function asAtom(p: Polynomial): string | undefined {
  const only = p[0];
  return p.length === 1 && only!.by === 1 && only!.atoms.length === 1 ? only!.atoms[0] : undefined;
}

/** Degree first, then by name: an order that multiplication keeps. */
function compareTerms(a: readonly string[], b: readonly string[]): number {
  if (a.length !== b.length) return b.length - a.length;
  for (let i = 0; i < a.length; i++) {
    if (a[i]! < b[i]!) return -1;
    if (a[i]! > b[i]!) return 1;
  }
  return 0;
}

/** Adds up terms of the same atoms. Undefined where a coefficient leaves the exact integers, or there are too many terms. */
function collect(terms: Iterable<Term>): Polynomial | undefined {
  const sums = new Map<string, Term>();
  for (const t of terms) {
    const key = t.atoms.join('*');
    const by = (sums.get(key)?.by ?? 0) + t.by;
    if (!Number.isSafeInteger(by)) return undefined;
    sums.set(key, { atoms: t.atoms, by });
  }
  const kept = [...sums.values()].filter((t) => t.by !== 0);
  return kept.length > MOST_TERMS ? undefined : kept.sort((a, b) => compareTerms(a.atoms, b.atoms));
}

export const add = (a: Polynomial, b: Polynomial): Polynomial | undefined => collect([...a, ...b]);

export const scale = (a: Polynomial, by: number): Polynomial | undefined => collect(a.map((t) => ({ atoms: t.atoms, by: t.by * by })));

export function subtract(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const negated = scale(b, -1);
  return negated && add(a, negated);
}

export const multiply = (a: Polynomial, b: Polynomial): Polynomial | undefined =>
  a.length * b.length > MOST_TERMS * 4 ? undefined : collect(a.flatMap((s) => b.map((t) => ({ atoms: [...s.atoms, ...t.atoms].sort(), by: s.by * t.by }))));

/** The quotient, where it is a polynomial and nothing is left over. */
export function divideExactly(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const [lead] = b;
  if (!lead) return undefined;
  const quotient: Term[] = [];
  let rest = a;
  for (let step = 0; rest.length > 0; step++) {
    const term = step < MOST_TERMS ? divideTerm(rest[0]!, lead) : undefined;
    const product = term && multiply([term], b);
    const next = product && subtract(rest, product);
    if (!next) return undefined;
    quotient.push(term);
    rest = next;
  }
  return collect(quotient);
}

function divideTerm(a: Term, b: Term): Term | undefined {
  if (a.by % b.by !== 0) return undefined;
  const atoms = [...a.atoms];
  for (const x of b.atoms) {
    const at = atoms.indexOf(x);
    if (at < 0) return undefined;
    atoms.splice(at, 1);
  }
  return { atoms, by: a.by / b.by };
}

/** "2*batch*sequence - sequence + 1". */
export function print(p: Polynomial): string {
  if (p.length === 0) return '0';
  return p.map((t, i) => `${sign(t.by, i === 0)}${body(t)}`).join('');
}

const sign = (by: number, first: boolean): string => {
  if (first) return by < 0 ? '-' : '';
  return by < 0 ? ' - ' : ' + ';
};

const body = ({ atoms, by }: Term): string => {
  const size = Math.abs(by);
  return (size === 1 && atoms.length > 0 ? atoms : [String(size), ...atoms]).join('*');
};
