import { codeOf, constant, int64s, kept, named, oneOf, optional, scalar, value, type Bound, type Dim, type Holes, type Ops, type Pattern, type Value } from '@onnxpress/core';
import { isSame, numberOf } from '../dims.ts';

/** What masks are made of. */
export const MASK = {
  /** One number per token, 1 where it counts and 0 where it is padding. */
  tokens: optional(value({ rank: 2, dtype: ['int64', 'int32', 'bool'] })),
  /** That, spread over [batch, 1, 1, length]. */
  spread: optional(value({ rank: 4 })),
  /** What is added to scores of padding, or put in their place. */
  low: optional(constant({ scalar: true, dtype: 'float32' })),
  /** Anything else that is added to the scores. */
  bias: optional(value({ dtype: 'float32' })),
  /** A second such thing. */
  more: optional(value({ dtype: 'float32' })),
  /** Which scores are replaced by `low` (`hidden`), or stay (`shown`). */
  hidden: optional(value({ dtype: 'bool' })),
  shown: optional(value({ dtype: 'bool' })),
} as const;

/** Scores with the mask on them, in each of its forms. */
export function masked(m: Holes<typeof MASK>, op: Ops<Pattern>, scores: Pattern): Pattern {
  const apart = (x: Pattern): Pattern => oneOf(op.Unsqueeze(x, value()), op.Unsqueeze(op.Unsqueeze(x, value()), value()), op.Reshape(x, value()));
  const kinds = [1, 10, 11].map((to) => (x: Pattern) => op.Cast(x, { to })); // to any float
  const floats = kinds.flatMap((cast) => [cast(apart(m.tokens)), apart(cast(m.tokens))]);
  const padding = kept(named(m.spread, op.Mul(op.Sub(constant({ scalar: 1 }), oneOf(...floats)), m.low)));
  const isPadding = (x: Pattern): Pattern => oneOf(op.Equal(x, constant({ scalar: 0 })), op.Not(x), op.Not(op.Cast(x, { to: codeOf('bool') })));
  const noToken = kept(named(m.spread, oneOf(isPadding(apart(m.tokens)), apart(isPadding(m.tokens)))));
  const replacedOf = (x: Pattern): readonly Pattern[] => [op.Where(m.hidden, m.low, x), op.Where(m.shown, x, m.low)];
  const replaced = oneOf(...replacedOf(scores));
  return oneOf(op.Add(scores, padding), op.Where(noToken, m.low, scores), op.Add(replaced, m.bias), op.Add(op.Add(scores, m.bias), m.more), op.Add(scores, m.bias), ...replacedOf(op.Add(scores, m.bias)), replaced, scores);
}

/** A mask as the runtime's attention takes it: made by nodes that `build` adds. */
export interface Mask {
  readonly padding?: { readonly tokens: Value; readonly low: number };
  /** What is added to the scores, for queries of [batch, length, width]: [1 or batch, 1 or heads, length, length of the keys]. */
  bias?(op: Ops<Value>, flatQueries: Value): Value;
}

/** The shape of the scores. */
export interface Scores {
  /** Its axis 0 is the batch. */
  readonly batch: Value;
  readonly heads: number;
  /** The axis `across` is the length of the queries. */
  readonly queries: Value;
  readonly across: number;
  /** The axis `along` is the length of the keys. */
  readonly keys: Value;
  readonly along: number;
}

const ZERO = scalar('float32', 0);

/** From here down a sum with a score is this number again, so that adding it is putting it there. */
const ABSORBS = -1e30;

/** The mask that was found, or why the runtime's operators cannot say it. */
export function maskOf(found: Bound<typeof MASK>, scores: Scores): Mask | string {
  const { tokens, spread, low, bias, more, hidden, shown } = found;
  if (tokens && spread && low) return paddingOf(tokens, spread, numberOf(low), scores);
  const where = hidden ?? shown;
  const parts = [where, bias, more].filter((v) => v !== undefined);
  const odd = parts.find((v) => !spreadsOver(v.dims, scores));
  if (odd) return `the mask "${odd.name}" is not known to fit the scores`;
  if (where && numberOf(low!) > ABSORBS) return `masked scores are replaced by ${numberOf(low!)}, which is not low enough to be added`; // each of those forms has one
  if (parts.length === 0) return {};
  return {
    bias(op, flatQueries) {
      // `low` is there where `where` is
      const added = where && (where === shown ? op.Where(where, op.constant(ZERO), low!) : op.Where(where, low!, op.constant(ZERO)));
      const sum = [added, bias, more].filter((v) => v !== undefined).reduce((a, b) => op.Add(a, b)); // there is one, as checked
      return whole(sum, parts, scores, flatQueries, op);
    },
  };
}

function paddingOf(tokens: Value, spread: Value, low: number, scores: Scores): Mask | string {
  const [batch, length] = tokens.dims!; // rank 2
  const [b, one, two, l] = spread.dims!; // rank 4
  if (!isSame(b, batch) || one !== 1 || two !== 1 || !isSame(l, length)) return `"${spread.name}" is not known to be "${tokens.name}" for every head and query`;
  if (!isSame(batch, scores.batch.dims?.[0]) || !isSame(length, keysOf(scores))) return `"${tokens.name}" is not known to have one number per key`;
  if (!Number.isFinite(low) || low >= 0) return `the mask adds ${low}`;
  if (spread.type?.kind === 'tensor' && spread.type.dtype === 'bool' && low > ABSORBS) return `scores of padding are replaced by ${low}, which is not low enough to be added`;
  return { padding: { tokens, low } };
}

const keysOf = ({ keys, along }: Scores): Dim | undefined => keys.dims?.[along];

/**
 * Whether a value of this shape can be added to the scores without making them larger. One column for all keys is no mask; any other number of columns must be that of the keys, or the
 * product of probabilities and values would not exist. Sizes that come of slices and sums are not always known: such a one is taken to fit, and the runtime refuses it where it does not.
 */
function spreadsOver(dims: readonly Dim[] | undefined, scores: Scores): boolean {
  if (!dims || dims.length < 2 || dims.length > 4) return false;
  const [k, q, h = 1, b = 1] = [...dims].reverse();
  const queries = scores.queries.dims?.[scores.across];
  return (b === 1 || b === null || isSame(b, scores.batch.dims?.[0])) && (h === 1 || h === scores.heads) && (q === 1 || isSame(q, queries) || isComputed(q) || isComputed(queries)) && k !== 1;
}

/** Whether a size is not known, or known only as what a slice or a broadcast makes of others. */
const isComputed = (d: Dim | undefined): boolean => d === null || (typeof d === 'string' && /^(min|max|broadcast)\(/.test(d));

/** With four axes, and one row per query, as the runtime wants it. */
function whole(v: Value, parts: readonly Value[], scores: Scores, flatQueries: Value, op: Ops<Value>): Value {
  const rank = Math.max(...parts.map((p) => p.rank!)); // as checked
  const four = rank === 4 ? v : op.Unsqueeze(v, op.constant(int64s(Array.from({ length: 4 - rank }, (_, i) => i))));
  const queries = scores.queries.dims?.[scores.across];
  const [rows, columns] = [parts.some((p) => isSame(p.dims!.at(-2), queries)), parts.some((p) => isSame(p.dims!.at(-1), keysOf(scores)))];
  if (rows && columns) return four;
  const one = op.constant(int64s([1]));
  const length = (x: Value, axis: number): Value => op.Gather(op.Shape(x), op.constant(int64s([axis])));
  // what attention gives out (its cache) must not tell the length of its mask
  const columnsOf = (): Value => {
    const source = unrepeated(scores);
    const [past, fresh] = source.producer?.is('Concat') ? source.producer.inputs : [];
    if (isSame(queries, keysOf(scores))) return length(flatQueries, 1);
    const grows = past && fresh && source.producer?.inputs.length === 2 && scores.along === 2 && isSame(fresh.dims?.[2], queries) && isSame(past.dims?.[1], fresh.dims?.[1]);
    return grows ? op.Add(length(past, 2), length(flatQueries, 1)) : length(source, scores.along);
  };
  return op.Expand(four, op.Concat([one, one, rows ? one : length(flatQueries, 1), columns ? one : columnsOf()], { axis: 0 }));
}

/** The keys before heads are repeated, which are as many. */
function unrepeated({ keys, along }: Scores): Value {
  const spread = keys.producer?.is('Reshape') ? keys.producer.inputs[0]?.producer : undefined;
  const added = spread?.is('Expand') ? spread.inputs[0]?.producer : undefined;
  const source = added?.is('Unsqueeze') ? added.inputs[0] : undefined;
  return source && isSame(source.dims?.[along], keys.dims?.[along]) ? source : keys;
}

/** The inputs that attention operators have for a mask: padding as int32, and what is added. */
export function maskInputs(mask: Mask, flatQueries: Value, op: Ops<Value>): { readonly padding: Value | undefined; readonly bias: Value | undefined } {
  const tokens = mask.padding?.tokens;
  const isInt32 = tokens?.type?.kind === 'tensor' && tokens.type.dtype === 'int32';
  return { padding: tokens && (isInt32 ? tokens : op.Cast(tokens, { to: codeOf('int32') })), bias: mask.bias?.(op, flatQueries) };
}
