import { OnnxError } from '../error.ts';
import { attr, type Attr, type AttrKind, type Int, type Text } from './attr.ts';
import { Graph } from './graph.ts';
import { isSparse, type SparseTensor, type Tensor } from './tensor.ts';
import type { ValueType } from './types.ts';

/* What a call may give for an attribute of each kind: the plain value, or an attribute as another node has it. */
export type IntInput = Int | Attr;
export type FloatInput = number | Attr;
export type StringInput = Text | Attr;
export type TensorInput = Tensor | Attr;
export type GraphInput = Graph | Attr;
export type SparseInput = SparseTensor | Attr;
export type TypeInput = ValueType | Attr;
export type IntsInput = readonly Int[] | Attr;
export type FloatsInput = readonly number[] | Attr;
export type StringsInput = readonly Text[] | Attr;

/** Anything a call may give for an attribute. */
export type AttrInput = IntInput | FloatInput | StringInput | TensorInput | GraphInput | SparseInput | TypeInput | IntsInput | FloatsInput | StringsInput;

const KINDS: ReadonlySet<string> = new Set(['int', 'float', 'string', 'tensor', 'graph', 'sparse', 'type', 'ints', 'floats', 'strings', 'tensors', 'graphs', 'sparses', 'types', 'ref'] satisfies Attr['type'][]);

/** Whether this is an attribute with its type, rather than a plain value. */
export const isAttr = (x: AttrInput): x is Attr => typeof x === 'object' && 'type' in x && typeof x.type === 'string' && KINDS.has(x.type);

/** The attribute that a plain value stands for, where an attribute of that kind is expected. undefined: the value is of another kind. */
export function toAttr(kind: AttrKind, x: AttrInput): Attr | undefined {
  if (isAttr(x)) return x.type === kind || (x.type === 'ref' && x.of === kind) ? x : undefined;
  switch (kind) {
    case 'int':
      return isInt(x) ? attr.int(x) : undefined;
    case 'float':
      return typeof x === 'number' ? attr.float(x) : undefined;
    case 'string':
      return isText(x) ? attr.string(x) : undefined;
    case 'tensor':
      return isTensor(x) ? attr.tensor(x) : undefined;
    case 'graph':
      return x instanceof Graph ? attr.graph(x) : undefined;
    case 'sparse':
      return isTensor(x) && isSparse(x) ? { type: 'sparse', value: x } : undefined;
    case 'type':
      return typeof x === 'object' && 'kind' in x ? { type: 'type', value: x } : undefined;
    case 'ints':
      return isList(x) && x.every(isInt) ? attr.ints(x) : undefined;
    case 'floats':
      return isList(x) && x.every((v) => typeof v === 'number') ? attr.floats(x) : undefined;
    case 'strings':
      return isList(x) && x.every(isText) ? attr.strings(x) : undefined;
    default:
      return undefined; // lists of tensors, graphs and types occur in no schema, and come as attributes
  }
}

/** The attribute that a plain value stands for where no schema tells. Throws for numbers: they may be int or float. */
export function guessAttr(name: string, x: AttrInput): Attr {
  if (isAttr(x)) return x;
  for (const kind of ['string', 'strings', 'graph', 'sparse', 'tensor', 'type'] as const) {
    const a = isList(x) && x.length === 0 ? undefined : toAttr(kind, x);
    if (a) return a;
  }
  if (typeof x === 'bigint') return attr.int(x);
  throw new OnnxError('bad-edit', `No schema says whether attribute "${name}" is an int or a float. Say it: attr.int(…), attr.ints(…), attr.float(…) or attr.floats(…).`);
}

type Plain = Exclude<AttrInput, Attr>;
type Item = Int | Text;
const isInt = (x: Plain | Item): x is Int => typeof x === 'bigint' || (typeof x === 'number' && Number.isInteger(x));
const isText = (x: Plain | Item): x is Text => typeof x === 'string' || x instanceof Uint8Array;
const isTensor = (x: Plain): x is Tensor => typeof x === 'object' && 'dtype' in x && 'read' in x;
const isList = (x: Plain): x is readonly Int[] | readonly number[] | readonly Text[] => Array.isArray(x);
