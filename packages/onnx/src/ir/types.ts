import type { DType } from './dtype.ts';

/** A dimension: a size, the name of a size that several values share, or null where nothing is known. */
export type Dim = number | string | null;

/** What a value holds. `dims` undefined: the rank is not known either. */
export type ValueType =
  | { readonly kind: 'tensor' | 'sparse'; readonly dtype: DType; readonly dims: readonly Dim[] | undefined }
  | { readonly kind: 'sequence' | 'optional'; readonly of: ValueType }
  | { readonly kind: 'map'; readonly key: DType; readonly of: ValueType }
  | { readonly kind: 'opaque'; readonly domain: string; readonly name: string };

export type TensorType = Extract<ValueType, { kind: 'tensor' | 'sparse' }>;

/** The type of a dense tensor. */
export const tensorType = (dtype: DType, dims?: readonly Dim[]): TensorType => ({ kind: 'tensor', dtype, dims });

/** Whether two dimensions are known to be equal. Two unknown ones are not. */
export const sameDim = (a: Dim | undefined, b: Dim | undefined): boolean => a === b && a !== null && a !== undefined;

/** Whether two types are written alike: unknown dimensions equal unknown dimensions here. */
export function sameType(a: ValueType | undefined, b: ValueType | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'tensor':
    case 'sparse': {
      const other = b as typeof a; // the kinds are equal
      return a.dtype === other.dtype && a.dims?.length === other.dims?.length && (a.dims ?? []).every((d, i) => d === other.dims?.[i]);
    }
    case 'sequence':
    case 'optional':
      return sameType(a.of, (b as typeof a).of);
    case 'map':
      return a.key === (b as typeof a).key && sameType(a.of, (b as typeof a).of);
    case 'opaque':
      return a.domain === (b as typeof a).domain && a.name === (b as typeof a).name;
  }
}

/** "float32[batch, ?, 384]": for messages. */
export function describeType(t: ValueType | undefined): string {
  if (!t) return 'unknown type';
  switch (t.kind) {
    case 'tensor':
    case 'sparse':
      return `${t.kind === 'sparse' ? 'sparse ' : ''}${t.dtype}${t.dims ? `[${t.dims.map((d) => d ?? '?').join(', ')}]` : ''}`;
    case 'sequence':
    case 'optional':
      return `${t.kind}(${describeType(t.of)})`;
    case 'map':
      return `map(${t.key}, ${describeType(t.of)})`;
    case 'opaque':
      return `opaque(${t.domain}, ${t.name})`;
  }
}
