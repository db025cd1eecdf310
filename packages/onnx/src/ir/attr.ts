import { OnnxError } from '../error.ts';
import type { Graph } from './graph.ts';
import type { SparseTensor, Tensor } from './tensor.ts';
import type { ValueType } from './types.ts';

/** An integer of an attribute: a number where that is exact, a bigint beyond 2^53. */
export type Int = number | bigint;

/** Text, or its bytes where the file holds something that is not UTF-8. */
export type Text = string | Uint8Array;

interface Kinds {
  int: Int;
  float: number;
  string: Text;
  tensor: Tensor;
  graph: Graph;
  sparse: SparseTensor;
  type: ValueType;
  ints: readonly Int[];
  floats: readonly number[];
  strings: readonly Text[];
  tensors: readonly Tensor[];
  graphs: readonly Graph[];
  sparses: readonly SparseTensor[];
  types: readonly ValueType[];
}

export type AttrKind = keyof Kinds;

/**
 * An attribute carries its type: ONNX tells int from float and JavaScript does not. `ref` stands for the attribute `to`
 * of the function around it. `extra` holds fields of the file that have no place here, and is written back as it was.
 */
export type Attr =
  | { readonly [K in AttrKind]: { readonly type: K; readonly value: Kinds[K]; readonly extra?: Uint8Array | undefined } }[AttrKind]
  | { readonly type: 'ref'; readonly to: string; readonly of: AttrKind; readonly extra?: Uint8Array | undefined };

/** Makes attributes, with integers in their one form. Throws `bad-edit` for what is no int64. */
export const attr = {
  int: (value: Int): Attr => ({ type: 'int', value: exact(value) }),
  ints: (value: readonly Int[]): Attr => ({ type: 'ints', value: value.map(exact) }),
  float: (value: number): Attr => ({ type: 'float', value: Math.fround(value) }),
  floats: (value: readonly number[]): Attr => ({ type: 'floats', value: value.map(Math.fround) }),
  string: (value: Text): Attr => ({ type: 'string', value }),
  strings: (value: readonly Text[]): Attr => ({ type: 'strings', value }),
  tensor: (value: Tensor): Attr => ({ type: 'tensor', value }),
  graph: (value: Graph): Attr => ({ type: 'graph', value }),
} as const;

/** The subgraphs inside an attribute. */
export function graphsIn(a: Attr): readonly Graph[] {
  if (a.type === 'graph') return [a.value];
  return a.type === 'graphs' ? a.value : [];
}

function exact(v: Int): Int {
  const n = Number(v);
  if (Number.isSafeInteger(n)) return n;
  if (typeof v === 'number' && !Number.isInteger(v)) throw new OnnxError('bad-edit', `An attribute of integers cannot hold ${v}. Round it, or give a float.`);
  const big = BigInt(v);
  if (BigInt.asIntN(64, big) !== big) throw new OnnxError('bad-edit', `An attribute of integers cannot hold ${big}: they have 64 bits and a sign.`);
  return big;
}
