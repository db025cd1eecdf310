import { dtypeOfText } from '../dtype.ts';
import { sameType, tensorType, type Dim, type ValueType } from '../types.ts';

/**
 * The more precise of what a file says and what was inferred. A computed name beats a declared number or name: files are edited, and stale sizes stay
 * behind. Where the two contradict one another the declared type stays, and `contradicts` is called.
 */
export function mergeTypes(declared: ValueType | undefined, inferred: ValueType | undefined, contradicts: () => void): ValueType | undefined {
  if (!declared || !inferred) return inferred ?? declared;
  if (declared.kind !== inferred.kind) return refuse(declared, contradicts);
  switch (declared.kind) {
    case 'tensor':
    case 'sparse': {
      const other = inferred as typeof declared; // the kinds are equal
      if (declared.dtype !== other.dtype) return refuse(declared, contradicts);
      if (!declared.dims || !other.dims) return { ...declared, dims: declared.dims ?? other.dims };
      if (declared.dims.length !== other.dims.length) return refuse(declared, contradicts);
      if (declared.dims.some((d, i) => typeof d === 'number' && typeof other.dims![i] === 'number' && d !== other.dims![i])) return refuse(declared, contradicts);
      return { ...declared, dims: declared.dims.map((d, i) => other.dims![i] ?? d) };
    }
    case 'sequence':
    case 'optional':
      return { ...declared, of: mergeTypes(declared.of, (inferred as typeof declared).of, contradicts) ?? declared.of };
    case 'map':
    case 'opaque':
      return declared;
  }
}

function refuse(declared: ValueType, contradicts: () => void): ValueType {
  contradicts();
  return declared;
}

/** What holds of both: for the branches of an If, the rounds of a Loop, the elements of a sequence. Undefined where they have nothing in common. */
export function joinTypes(a: ValueType | undefined, b: ValueType | undefined): ValueType | undefined {
  if (!a || !b || a.kind !== b.kind) return undefined;
  if (sameType(a, b)) return a;
  switch (a.kind) {
    case 'tensor':
    case 'sparse': {
      const other = b as typeof a; // the kinds are equal
      if (a.dtype !== other.dtype) return undefined;
      return { ...a, dims: joinDims(a.dims, other.dims) };
    }
    case 'sequence':
    case 'optional': {
      const of = joinTypes(a.of, (b as typeof a).of);
      return of && { kind: a.kind, of };
    }
    case 'map': {
      const other = b as typeof a;
      const of = a.key === other.key ? joinTypes(a.of, other.of) : undefined;
      return of && { kind: 'map', key: a.key, of };
    }
    case 'opaque':
      return undefined;
  }
}

export function joinDims(a: readonly Dim[] | undefined, b: readonly Dim[] | undefined): readonly Dim[] | undefined {
  if (!a || a.length !== b?.length) return undefined;
  return a.map((d, i) => (d === b[i] ? d : null));
}

/** Calls `visit` for the dimensions of two types that lie in the same place. */
export function eachPair(a: ValueType | undefined, b: ValueType | undefined, visit: (a: Dim, b: Dim) => void): void {
  const [of, others] = [dimsIn(a), dimsIn(b)];
  if (of.length === others.length) of.forEach((d, i) => visit(d, others[i]!));
}

/** The type with every dimension passed through `f`. */
export function mapDims(t: ValueType, f: (d: Dim) => Dim): ValueType {
  switch (t.kind) {
    case 'tensor':
    case 'sparse':
      return { ...t, dims: t.dims?.map(f) };
    case 'sequence':
    case 'optional':
      return { kind: t.kind, of: mapDims(t.of, f) };
    case 'map':
      return { ...t, of: mapDims(t.of, f) };
    case 'opaque':
      return t;
  }
}

/** Every dimension in a type. */
export function dimsIn(t: ValueType | undefined): readonly Dim[] {
  if (!t || t.kind === 'opaque') return [];
  return 'of' in t ? dimsIn(t.of) : (t.dims ?? []);
}

/** Reads a type as the schemas write it: "seq(tensor(float))", "optional(tensor(int64))". The rank is not known. Undefined for what is no value type of ours. */
export function typeNamed(text: string): ValueType | undefined {
  const [, kind, inside = ''] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  if (kind === 'tensor' || kind === 'sparse_tensor') {
    const dtype = dtypeOfText(inside);
    return dtype && { ...tensorType(dtype), kind: kind === 'tensor' ? 'tensor' : 'sparse' };
  }
  if (kind === 'seq' || kind === 'optional') {
    const of = typeNamed(inside);
    return of && { kind: kind === 'seq' ? 'sequence' : 'optional', of };
  }
  if (kind === 'map') {
    const comma = inside.indexOf(',');
    const key = dtypeOfText(inside.slice(0, comma).trim());
    const of = typeNamed(inside.slice(comma + 1).trim());
    return key && of && { kind: 'map', key, of };
  }
  return undefined;
}
