import { attribute, constant, named, oneOf, optional, value, type Bound, type Constant, type Holes, type Ops, type Pattern, type Value } from '@onnxpress/core';
import { isSame, numberOf, sameSize, sizeOf } from '../dims.ts';
import { MASK, masked, type Scores } from './masks.ts';

type Maybe<T extends Value> = ReturnType<typeof optional<T>>;
const flat = (): Maybe<Value> => optional(value({ rank: 3, dtype: 'float32' }));
const perHead = (): Maybe<Value> => optional(value({ rank: 4, dtype: 'float32' }));
const number = (): Maybe<Constant> => optional(constant({ scalar: true, dtype: 'float32' }));
const any = (): Maybe<Value> => optional(value());

/** Everything that a form of attention may have. Flat is [batch, length, heads · size], split [batch, length, heads, size], per head [batch, heads, length, size]. */
export const ATTENTION = {
  query: value({ rank: 3, dtype: 'float32' }),
  querySplit: value({ rank: 4 }),
  key: flat(),
  keySplit: perHead(),
  keyPerHead: perHead(),
  value: flat(),
  valueSplit: perHead(),
  valuePerHead: perHead(),
  /** [batch, groups, 1 or heads per group, length, size], where several queries share a key. */
  keyGroups: optional(value({ rank: 5 })),
  valueGroups: optional(value({ rank: 5 })),
  /** The query and the key as rotary embedding gives them, and what it reads. */
  queryTurned: any(),
  keyTurned: any(),
  queryPositions: any(),
  keyPositions: any(),
  queryCosines: any(),
  keyCosines: any(),
  querySines: any(),
  keySines: any(),
  divisor: number(),
  factor: number(),
  keyFactor: number(),
  axis: attribute.int(),
  /** What probabilities that are no numbers become: those of a query that may look at nothing. */
  zero: optional(constant({ scalar: 0 })),
  result: value({ rank: 4 }),
  ...MASK,
} as const;

export type Found = Bound<typeof ATTENTION>;

/** softmax(scale · q · kᵀ, masked) · v, with the heads moved back behind the length. */
export function attentionPattern(v: Holes<typeof ATTENTION>, op: Ops<Pattern>): Pattern {
  const heads = (x: Pattern): Pattern => op.Transpose(x, { perm: [0, 2, 1, 3] });
  const turned = (x: Pattern, name: typeof v.queryTurned, positions: Pattern, cosines: Pattern, sines: Pattern): Pattern => oneOf(x, named(name, op.in('com.microsoft').RotaryEmbedding(x, positions, cosines, sines)));
  const repeated = (x: Pattern, groups: typeof v.keyGroups): Pattern => oneOf(x, op.Reshape(named(groups, op.Expand(op.Unsqueeze(x, constant({ value: [2] })), value())), value()));
  const keySplit = named(v.keySplit, op.Reshape(v.key, value()));
  const query = turned(heads(named(v.querySplit, op.Reshape(v.query, value()))), v.queryTurned, v.queryPositions, v.queryCosines, v.querySines);
  const keyHeads = repeated(turned(heads(keySplit), v.keyTurned, v.keyPositions, v.keyCosines, v.keySines), v.keyGroups);
  const keys = oneOf(op.Transpose(keySplit, { perm: [0, 2, 3, 1] }), op.Transpose(oneOf(keyHeads, v.keyPerHead), { perm: [0, 1, 3, 2] }));
  const values = oneOf(repeated(heads(named(v.valueSplit, op.Reshape(v.value, value()))), v.valueGroups), v.valuePerHead);
  const plain = op.MatMul(query, keys);
  const scores = oneOf(
    op.Div(plain, v.divisor),
    op.Mul(plain, v.factor),
    op.MatMul(op.Div(query, v.divisor), keys),
    op.MatMul(op.Mul(query, v.factor), op.Mul(keys, v.keyFactor)),
    op.MatMul(op.Mul(query, v.factor), keys),
    op.MatMul(query, op.Mul(keys, v.keyFactor)),
    plain,
  );
  const softmax = op.Softmax(masked(v, op, scores), { axis: v.axis });
  const probabilities = oneOf(softmax, op.Where(op.IsNaN(softmax), v.zero, softmax));
  return op.Reshape(named(v.result, heads(op.MatMul(probabilities, values))), value());
}

/** The sizes of an attention that fits together. */
export interface Layout extends Scores {
  readonly size: number;
  /** As many as `heads`, or fewer where several share one. */
  readonly keyHeads: number;
  readonly scale: number;
}

/** The sizes of what was found, or why they are not those of an attention. `output` is [batch, length, heads · size of a value]. */
export function layoutOf(found: Found, output: Value): Layout | string {
  const { query, querySplit, key, keySplit, keyPerHead, value: given, valueSplit, valuePerHead, result, axis } = found;
  if (axis !== -1 && axis !== 3) return 'the softmax is not over the keys';
  const [heads, size] = [sizeOf(querySplit, 2), sizeOf(querySplit, 3)];
  if (heads === undefined || size === undefined || !isSplit(query, querySplit)) return `"${query.name}" is not known to be heads side by side`;
  if ((key === undefined) !== (given === undefined)) return 'keys and values lie in different orders';
  const keys = key ? flatLayout(key, keySplit!) : perHeadLayout(keyPerHead!); // one of both is there in each form
  const values = given ? flatLayout(given, valueSplit!) : perHeadLayout(valuePerHead!); // as above
  if (!keys || !values) return 'the heads of the keys or values are not known';
  if (keys.size !== size || keys.heads !== values.heads || heads % keys.heads !== 0) return 'heads of queries, keys and values differ';
  const grouped = found.keyGroups !== undefined;
  if (grouped !== (found.valueGroups !== undefined) || (grouped ? !isRepeated(found, keys.heads, heads / keys.heads) : keys.heads !== heads)) return 'heads of queries, keys and values differ';
  if (!sameSize(keys.of, 0, query, 0) || !sameSize(values.of, 0, query, 0) || !isSame(keys.of.dims?.[keys.along], values.of.dims?.[values.along])) return 'the lengths of keys and values, or the batches, are not known to be the same';
  if (output.rank !== 3 || !sameSize(output, 0, query, 0) || !sameSize(output, 1, query, 1) || sizeOf(output, 2) !== heads * values.size || sizeOf(result, 3) !== values.size) return 'its result is not the heads side by side';
  return { batch: query, queries: query, keys: keys.of, along: keys.along, heads, size, keyHeads: keys.heads, scale: scaleOf(found) };
}

interface Side {
  readonly of: Value;
  readonly heads: number;
  readonly size: number;
  readonly along: number;
}

const isSplit = (x: Value, split: Value): boolean => sameSize(x, 0, split, 0) && sameSize(x, 1, split, 1) && sizeOf(x, 2) === (sizeOf(split, 2) ?? NaN) * (sizeOf(split, 3) ?? NaN);

function flatLayout(x: Value, split: Value): Side | undefined {
  const [heads, size] = [sizeOf(split, 2), sizeOf(split, 3)];
  return heads !== undefined && size !== undefined && isSplit(x, split) ? { of: x, heads, size, along: 1 } : undefined;
}

function perHeadLayout(x: Value): Side | undefined {
  const [heads, size] = [sizeOf(x, 1), sizeOf(x, 3)];
  return heads !== undefined && size !== undefined ? { of: x, heads, size, along: 2 } : undefined;
}

/** Whether each head of keys and values is there `times` times in a row. */
const isRepeated = ({ keyGroups, valueGroups }: Found, heads: number, times: number): boolean => [keyGroups, valueGroups].every((g) => g !== undefined && sizeOf(g, 1) === heads && sizeOf(g, 2) === times);

function scaleOf({ divisor, factor, keyFactor }: Found): number {
  const product = (factor ? numberOf(factor) : 1) * (keyFactor ? numberOf(keyFactor) : 1);
  return divisor ? 1 / numberOf(divisor) : product;
}
