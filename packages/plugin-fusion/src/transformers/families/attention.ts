import { attribute, constant, oneOf, optional, value, type Bound, type Constant, type Holes, type Ops, type Pattern, type Value } from '@onnxpress/core';
import { isSame, numberOf, sameSize, sizeOf } from '../dims.ts';
import { MASK, masked, type Scores } from './masks.ts';

type Maybe<T extends Value> = ReturnType<typeof optional<T>>;
const number = (): Maybe<Constant> => optional(constant({ scalar: true, dtype: 'float32' }));
const perHead = (): ReturnType<typeof value> => value({ rank: 4, dtype: 'float32' });

/** Everything that a form of attention may have. Per head is [batch, heads, length, size]. */
export const ATTENTION = {
  query: perHead(),
  key: optional(perHead()),
  /** [batch, length, heads, size], where one Transpose makes the keys' columns of it. */
  keySplit: optional(perHead()),
  value: perHead(),
  divisor: number(),
  factor: number(),
  keyFactor: number(),
  axis: attribute.int(),
  /** What probabilities that are no numbers become: those of a query that may look at nothing. */
  zero: optional(constant({ scalar: 0 })),
  /** The same, where probabilities of masked keys are replaced. */
  nothing: optional(constant({ scalar: 0 })),
  ...MASK,
} as const;

export type Found = Bound<typeof ATTENTION>;

/** softmax(scale · q · kᵀ, masked) · v, per head. */
export function attended(v: Holes<typeof ATTENTION>, op: Ops<Pattern>): Pattern {
  const keys = oneOf(op.Transpose(v.key, { perm: [0, 1, 3, 2] }), op.Transpose(v.keySplit, { perm: [0, 2, 3, 1] }));
  const plain = op.MatMul(v.query, keys);
  const scores = oneOf(
    op.Div(plain, v.divisor),
    op.Mul(plain, v.factor),
    op.MatMul(op.Div(v.query, v.divisor), keys),
    op.MatMul(op.Mul(v.query, v.factor), op.Mul(keys, v.keyFactor)),
    op.MatMul(op.Mul(v.query, v.factor), keys),
    op.MatMul(v.query, op.Mul(keys, v.keyFactor)),
    op.MatMul(v.query, op.Div(keys, v.divisor)),
    plain,
  );
  const softmax = op.Softmax(masked(v, op, scores), { axis: v.axis });
  const probabilities = oneOf(softmax, op.Where(op.IsNaN(softmax), v.zero, softmax), op.Where(v.hidden, v.nothing, softmax), op.Where(v.shown, softmax, v.nothing));
  return op.MatMul(probabilities, v.value);
}

/** The sizes of an attention that fits together. */
export interface Layout extends Scores {
  readonly size: number;
  readonly valueSize: number;
  readonly scale: number;
}

/** The sizes of what was found, or why they are not those of an attention. */
export function layoutOf({ query, key, keySplit, value: values, axis, divisor, factor, keyFactor }: Found): Layout | string {
  if (axis !== -1 && axis !== 3) return 'the softmax is not over the keys';
  const [heads, size, valueSize] = [sizeOf(query, 1), sizeOf(query, 3), sizeOf(values, 3)];
  if (heads === undefined || size === undefined || valueSize === undefined) return `the heads of "${query.name}" and "${values.name}" are not known`;
  const keys = key ?? keySplit!; // one of both in each form
  const [headAxis, along] = key ? [1, 2] : [2, 1];
  if (sizeOf(keys, headAxis) !== heads || sizeOf(keys, 3) !== size || sizeOf(values, 1) !== heads) return 'heads of queries, keys and values differ';
  const fit = sameSize(keys, 0, query, 0) && sameSize(values, 0, query, 0) && isSame(keys.dims?.[along], values.dims?.[2]);
  if (!fit) return 'the lengths of keys and values, or the batches, are not known to be the same';
  const product = (factor ? numberOf(factor) : 1) * (keyFactor ? numberOf(keyFactor) : 1);
  return { batch: query, heads, queries: query, across: 2, keys, along, size, valueSize, scale: divisor ? 1 / numberOf(divisor) : product };
}

/** The keys of a form, per head. */
export const keysOf = ({ key, keySplit }: Pick<Found, 'key' | 'keySplit'>, op: Ops<Value>): Value => key ?? op.Transpose(keySplit!, { perm: [0, 2, 1, 3] }); // one of both in each form
