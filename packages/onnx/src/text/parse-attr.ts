import { OnnxError } from '../error.ts';
import type { AttrKind, Int } from '../ir/attr.ts';
import { sparseTensor } from '../ir/sparse.ts';
import type { OperatorSchema } from '../ir/schema.ts';
import type { SparseTensor, Tensor } from '../ir/tensor.ts';
import type { TensorType, ValueType } from '../ir/types.ts';
import type { AttrRecord, GraphRecord } from '../io/records.ts';
import { floatOf, parseElements } from './elements.ts';
import { parseType } from './parse-type.ts';
import type { NumberLiteral, Scanner } from './scanner.ts';
import { isNumberWord, isTypeWord, KIND_WORDS, kindOfWord } from './words.ts';

/** Subgraphs nest no deeper in anything an exporter writes. */
const DEEPEST = 64;

/** What an attribute needs to know of the text around it. */
export interface AttrContext {
  readonly scanner: Scanner;
  readonly depth: number;
  /** Reads a graph behind its name. */
  graph(name: string, depth: number): GraphRecord;
  /** Reads the rest of a tensor literal, behind its type. */
  tensor(type: ValueType, start: number): Tensor;
}

/** One value of a list, or the only one. A whole number may still turn out to be a float. */
type Single =
  | { readonly kind: 'number'; readonly literal: NumberLiteral }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'sparse'; readonly value: SparseTensor }
  | { readonly kind: 'type'; readonly value: ValueType }
  | { readonly kind: 'graph'; readonly record: GraphRecord }
  | { readonly kind: 'ref'; readonly to: string };

/**
 * An attribute, behind its name: `: float = 1`, or without the type, which then is that of the operator's schema, or else of the value.
 */
export function parseAttr(name: string, context: AttrContext, schema: OperatorSchema | undefined): AttrRecord {
  const { scanner: s } = context;
  const declared = s.takes(':') ? parseKind(s) : undefined;
  s.expect('=', declared ? '' : '":" or ');
  const start = s.at;
  const expected = declared ?? schema?.attributes.get(name)?.type;
  if (s.takes('[')) {
    const items = s.peek() === ']' ? [] : s.list(() => parseSingle(context));
    s.expect(']', items.length ? '"," or ' : '');
    return listOf(items, expected) ?? s.reject(items.length || expected ? mismatch(name, expected, 'this list') : `an empty list does not say its type: write "${name}: ints = []"`, start);
  }
  const single = parseSingle(context);
  if (single.kind === 'ref') return expected ? { type: 'ref', to: single.to, of: expected } : s.reject(`a reference does not say its type: write "${name}: float = @${single.to}"`, start);
  return oneOf(single, expected) ?? s.reject(mismatch(name, expected, 'this value'), start);
}

function parseKind(s: Scanner): AttrKind {
  const start = s.at;
  return kindOfWord(s.word()) ?? s.fail(`a type of attribute (${Object.values(KIND_WORDS).join(', ')})`, start);
}

const mismatch = (name: string, expected: AttrKind | undefined, what: string): string => `attribute "${name}" is ${expected ? `of type ${KIND_WORDS[expected]}, and ${what} is not` : `a list of different types`}`;

function parseSingle(context: AttrContext): Single {
  const { scanner: s, depth } = context;
  if (s.takes('@')) return { kind: 'ref', to: s.name('the name of an attribute') };
  if (s.peek() === '"') {
    const value = s.string();
    return s.peek() === '(' ? subgraph(context, value, depth) : { kind: 'string', value };
  }
  const start = s.at;
  const word = s.peekWord();
  if (isTypeWord(word)) return typeOrTensor(context, start);
  if (word !== '' && !isNumberWord(word)) return subgraph(context, s.word(), depth);
  return { kind: 'number', literal: s.number('a value: a number, a string, a tensor, a type, a graph or a @reference') };
}

function subgraph({ graph }: AttrContext, name: string, depth: number): Single {
  if (depth >= DEEPEST) throw new OnnxError('too-deep', `Graphs are nested more than ${DEEPEST} deep. No exporter writes such a model.`);
  return { kind: 'graph', record: graph(name, depth + 1) };
}

/** A type is a type, until numbers follow it. */
function typeOrTensor({ scanner: s, tensor }: AttrContext, start: number): Single {
  const type = parseType(s);
  const name = s.optionalName(); // tensors may have one, and it means nothing
  if (!s.takes('=') && s.peek() !== '{' && name === undefined) return { kind: 'type', value: type };
  return type.kind === 'sparse' ? { kind: 'sparse', value: parseSparse(s, type, start) } : { kind: 'tensor', value: tensor(type, start) };
}

/** The stored values in braces, then their positions as a tensor: `sparse_tensor(float[8]) {1.5, 2} int64[2] {0, 3}`. */
export function parseSparse(s: Scanner, type: TensorType, start: number): SparseTensor {
  const dims = sizesOf(s, type, start);
  const valuesAt = s.at;
  s.expect('{');
  const count = countElements(s);
  const values = parseElements(s, type.dtype, [count]);
  const indexAt = s.at;
  const indexType = parseType(s);
  s.expect('{');
  const indices = parseElements(s, 'int64', sizesOf(s, indexType, indexAt));
  try {
    return sparseTensor(dims, values, indices);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    s.reject(cause.message.replace(/\.$/, ''), valuesAt);
  }
}

/** How many values stand before the closing brace: a sparse type does not say. */
function countElements(s: Scanner): number {
  const inner = s.text.slice(s.at, s.text.indexOf('}', s.at)).trim();
  return inner === '' ? 0 : inner.split(',').length;
}

/** The shape of a tensor that is written down: all sizes known. */
export function sizesOf(s: Scanner, type: ValueType, start: number): readonly number[] {
  if (type.kind !== 'tensor' && type.kind !== 'sparse') s.reject('only tensors have values that can be written down', start);
  if (!type.dims) s.reject('the shape of a tensor that is written down must be known: leave the brackets out for a scalar', start);
  const { dims } = type;
  if (!dims.every((d): d is number => typeof d === 'number' && d >= 0)) s.reject('the sizes of a tensor that is written down must be numbers', start);
  return dims;
}

function oneOf(single: Exclude<Single, { kind: 'ref' }>, expected: AttrKind | undefined): AttrRecord | undefined {
  switch (single.kind) {
    case 'number': {
      const kind = expected ?? (single.literal.isFloat ? 'float' : 'int');
      if (kind === 'float') return { type: 'float', value: Math.fround(floatOf(single.literal.text)) };
      return kind === 'int' && !single.literal.isFloat ? { type: 'int', value: exact(BigInt(single.literal.text)) } : undefined;
    }
    case 'graph':
      return (expected ?? 'graph') === 'graph' ? { type: 'graph', record: single.record, extra: undefined } : undefined;
    default:
      if ((expected ?? single.kind) !== single.kind) return undefined;
      return { type: single.kind, value: single.value } as AttrRecord; // the kind and the value come from one Single
  }
}

function listOf(items: readonly Single[], expected: AttrKind | undefined): AttrRecord | undefined {
  const kind = expected ?? kindOfList(items);
  switch (kind) {
    case 'ints':
      return items.every((x) => x.kind === 'number' && !x.literal.isFloat) ? { type: 'ints', value: numbers(items).map((text) => exact(BigInt(text))) } : undefined;
    case 'floats':
      return items.every((x) => x.kind === 'number') ? { type: 'floats', value: numbers(items).map((text) => Math.fround(floatOf(text))) } : undefined;
    case 'strings':
      return every(items, 'string') ? { type: 'strings', value: items.map((x) => x.value) } : undefined;
    case 'tensors':
      return every(items, 'tensor') ? { type: 'tensors', value: items.map((x) => x.value) } : undefined;
    case 'sparses':
      return every(items, 'sparse') ? { type: 'sparses', value: items.map((x) => x.value) } : undefined;
    case 'types':
      return every(items, 'type') ? { type: 'types', value: items.map((x) => x.value) } : undefined;
    case 'graphs':
      return every(items, 'graph') ? { type: 'graphs', records: items.map((x) => x.record), extra: undefined } : undefined;
    default:
      return undefined;
  }
}

function kindOfList(items: readonly Single[]): AttrKind | undefined {
  const first = items[0];
  if (!first || first.kind === 'ref') return undefined;
  if (first.kind === 'number') return items.some((x) => x.kind === 'number' && x.literal.isFloat) ? 'floats' : 'ints';
  return `${first.kind}s`;
}

const every = <K extends Single['kind']>(items: readonly Single[], kind: K): items is Extract<Single, { kind: K }>[] => items.every((x) => x.kind === kind);
const numbers = (items: readonly Single[]): string[] => items.map((x) => (x.kind === 'number' ? x.literal.text : 'nan'));
const exact = (v: bigint): Int => (Number.isSafeInteger(Number(v)) ? Number(v) : v);
