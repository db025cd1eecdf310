import { codeOf, constant, kept, named, oneOf, optional, scalar, value, type Bound, type Holes, type Ops, type Pattern, type Value } from '@onnxpress/core';
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
  bias: optional(value({ dtype: 'float32', rank: 4 })),
  /** Which scores are replaced by `low` (`hidden`), or stay (`shown`). */
  hidden: optional(value({ dtype: 'bool', rank: 4 })),
  shown: optional(value({ dtype: 'bool', rank: 4 })),
} as const;

/** Scores with the mask on them, in each of its forms. */
export function masked(m: Holes<typeof MASK>, op: Ops<Pattern>, scores: Pattern): Pattern {
  const apart = (x: Pattern): Pattern => oneOf(op.Unsqueeze(x, value()), op.Unsqueeze(op.Unsqueeze(x, value()), value()), op.Reshape(x, value()));
  const kinds = [1, 10, 11].map((to) => (x: Pattern) => op.Cast(x, { to })); // to any float
  const floats = kinds.flatMap((cast) => [cast(apart(m.tokens)), apart(cast(m.tokens))]);
  const padding = kept(named(m.spread, op.Mul(op.Sub(constant({ scalar: 1 }), oneOf(...floats)), m.low)));
  const isPadding = (x: Pattern): Pattern => oneOf(op.Equal(x, constant({ scalar: 0 })), op.Not(x), op.Not(op.Cast(x, { to: codeOf('bool') })));
  const noToken = kept(named(m.spread, oneOf(isPadding(apart(m.tokens)), apart(isPadding(m.tokens)))));
  const noTokenEverywhere = oneOf(noToken, kept(op.Expand(noToken, value())));
  return oneOf(
    op.Add(scores, padding),
    op.Where(noTokenEverywhere, m.low, scores),
    op.Add(scores, m.bias),
    op.Where(m.hidden, m.low, scores),
    op.Where(m.shown, scores, m.low),
    scores,
  );
}

/** A mask as the runtime's attention takes it. */
export interface Mask {
  readonly padding?: { readonly tokens: Value; readonly low: number };
  /** Makes what is added to the scores. */
  readonly bias?: Value;
  readonly hidden?: { readonly where: Value; readonly low: Value; readonly shown: boolean };
}

/** The shape of the scores. */
export interface Scores {
  readonly batch: Value;
  readonly heads: number;
  /** Its axis 1 is the length of the queries. */
  readonly queries: Value;
  /** The axis `along` is the length of the keys. */
  readonly keys: Value;
  readonly along: number;
}

const ZERO = scalar('float32', 0);

/** From here down a sum with a score is this number again, so that adding it is putting it there. */
const ABSORBS = -1e30;

/** The mask that was found, or why the runtime's operators cannot say it. */
export function maskOf(found: Bound<typeof MASK>, scores: Scores): Mask | string {
  const { tokens, spread, low, bias, hidden, shown } = found;
  if (tokens && spread && low) {
    const number = numberOf(low);
    const [batch, length] = tokens.dims!; // rank 2
    const [b, one, two, l] = spread.dims!; // rank 4
    if (!isSame(b, batch) || one !== 1 || two !== 1 || !isSame(l, length)) return `"${spread.name}" is not known to be "${tokens.name}" for every head and query`;
    if (!isSame(batch, scores.batch.dims?.[0]) || !isSame(length, scores.keys.dims?.[scores.along])) return `"${tokens.name}" is not known to have one number per key`;
    if (!Number.isFinite(number) || number >= 0) return `the mask adds ${number}`;
    if (spread.type?.kind === 'tensor' && spread.type.dtype === 'bool' && number > ABSORBS) return `scores of padding are replaced by ${number}, which is not low enough to be added`;
    return { padding: { tokens, low: number } };
  }
  const which = bias ?? hidden ?? shown;
  if (!which) return {};
  const [b, h, q, k] = which.dims!; // rank 4
  const spreads = (b === 1 || isSame(b, scores.batch.dims?.[0])) && (h === 1 || h === scores.heads) && isSame(q, scores.queries.dims?.[1]) && isSame(k, scores.keys.dims?.[scores.along]);
  if (!spreads) return `the mask "${which.name}" is not known to have a number for each query and key`;
  if (bias) return { bias };
  const number = numberOf(low!); // each of those forms has one
  if (number > ABSORBS) return `masked scores are replaced by ${number}, which is not low enough to be added`;
  return { hidden: { where: which, low: low!, shown: which === shown } };
}

/** The inputs that attention operators have for a mask: padding as int32, and what is added. */
export function maskInputs(mask: Mask, op: Ops<Value>): { readonly padding: Value | undefined; readonly bias: Value | undefined } {
  const { padding, bias, hidden } = mask;
  const tokens = padding?.tokens;
  const isInt32 = tokens?.type?.kind === 'tensor' && tokens.type.dtype === 'int32';
  return { padding: tokens && (isInt32 ? tokens : op.Cast(tokens, { to: codeOf('int32') })), bias: bias ?? (hidden && added(hidden, op)) };
}

function added({ where, low, shown }: NonNullable<Mask['hidden']>, op: Ops<Value>): Value {
  const zero = op.constant(ZERO);
  return shown ? op.Where(where, zero, low) : op.Where(where, low, zero);
}
