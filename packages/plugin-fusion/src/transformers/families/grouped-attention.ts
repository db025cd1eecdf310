import { attribute, codeOf, constant, int64s, named, optional, rule, scalar, value, type Bound, type Holes, type Ops, type Pattern, type Rule, type Value } from '@onnxpress/core';
import { quiet } from '../anchored.ts';
import { sameSize, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { sideBySideHeads, splitOf } from './heads.ts';
import { flattened } from './multi-head-attention.ts';

const perHead = (): ReturnType<typeof value> => value({ rank: 4, dtype: 'float32' });

/** Attention whose keys and values, [batch, heads, length, size], are repeated so that several queries share each. */
const GROUPED = {
  query: value({ rank: 3, dtype: 'float32' }),
  key: perHead(),
  value: perHead(),
  /** [batch, heads, times, length, size]. */
  keyGroups: value({ rank: 5 }),
  valueGroups: value({ rank: 5 }),
  padding: optional(value()),
  bias: optional(value()),
  heads: attribute.int(),
  scale: attribute.float({ absent: undefined }),
  filter: attribute.float({ absent: undefined }),
} as const;

type Found = Bound<typeof GROUPED>;

function grouped(v: Holes<typeof GROUPED>, op: Ops<Pattern>): Pattern {
  const repeated = (x: Pattern, groups: Holes<typeof GROUPED>['keyGroups']): Pattern => op.Reshape(named(groups, op.Expand(op.Unsqueeze(x, constant({ value: [2] })), value())), value());
  return op.in('com.microsoft').MultiHeadAttention(v.query, repeated(v.key, v.keyGroups), repeated(v.value, v.valueGroups), undefined, v.padding, v.bias, { num_heads: v.heads, scale: v.scale, mask_filter_value: v.filter });
}

/** How many queries share a key, or why that is not known. */
function sharingOf({ key, value: given, keyGroups, valueGroups, heads, query }: Found): number | string {
  const keyHeads = sizeOf(key, 1);
  const size = sizeOf(key, 3);
  if (keyHeads === undefined || size === undefined || sizeOf(given, 1) !== keyHeads || heads % keyHeads !== 0) return 'heads of keys and values differ';
  const times = heads / keyHeads;
  const repeated = [keyGroups, valueGroups].every((g) => sizeOf(g, 1) === keyHeads && sizeOf(g, 2) === times);
  if (!repeated || times === 1) return 'its keys and values are not repeated head by head';
  return sizeOf(query, 2) === heads * size ? times : 'queries and keys have different widths';
}

/** The runtime has kernels of GroupQueryAttention for heads of such sizes only. */
const SIZE_UNIT = 8;

/** Without a cache: one GroupQueryAttention over keys and values side by side. */
const groupQueryAttention = rule('group-query-attention', {
  vars: GROUPED,
  match: grouped,
  where(found) {
    const times = sharingOf(found);
    if (typeof times === 'string') return times;
    const { query, padding } = found;
    const [key, given] = [splitOf(found.key), splitOf(found.value)];
    if (!key || !given) return 'its keys and values do not come with their heads side by side';
    if (sizeOf(key, 3)! % SIZE_UNIT !== 0 || sizeOf(key, 3) !== sizeOf(given, 3)) return `the size of a head is no multiple of ${SIZE_UNIT}`;
    if (padding) return 'the operator takes no mask of tokens';
    return sameSize(key, 1, query, 1) || `"${key.name}" is not known to have the length of "${query.name}"`;
  },
  grows: 'the lengths that the operator asks for are computed once for all layers',
  build({ query, key, value: given, bias, heads, scale }, op) {
    const [keys, values] = [splitOf(key)!, splitOf(given)!]; // as checked
    const { last, total } = lengths(query, op);
    const attributes = { num_heads: heads, kv_num_heads: sizeOf(keys, 2)!, scale, causal: 0 }; // known, as checked
    return op.in('com.microsoft').GroupQueryAttention(query, sideBySideHeads(keys, op), sideBySideHeads(values, op), undefined, undefined, last, total, undefined, undefined, undefined, bias, attributes);
  },
});

/** How many keys there are, and the index of the last one for each of the batch. */
function lengths(query: Value, op: Ops<Value>): { readonly last: Value; readonly total: Value } {
  const shape = op.Shape(query);
  const total = op.Cast(op.Gather(shape, op.constant(int64s([1]))), { to: codeOf('int32') });
  const last = op.Sub(total, op.constant(scalar('int32', 1)));
  return { last: op.Expand(last, op.Gather(shape, op.constant(int64s([0])))), total };
}

/**
 * Of any other kind, with a cache above all, which GroupQueryAttention has for a batch of one or for one new token only: the queries that share a key stand one group behind the other
 * along the length, so that MultiHeadAttention needs each key once.
 */
const sharedKeys = rule('shared-keys', {
  vars: GROUPED,
  match: grouped,
  where(found) {
    const times = sharingOf(found);
    if (typeof times === 'string') return times;
    return found.bias === undefined || sizeOf(found.bias, 1) === 1 || 'its mask differs from head to head';
  },
  grows: 'the mask is repeated once for all layers, and what repeats keys and values goes',
  build(found, op) {
    const { query, key, value: given, padding, bias, heads, scale, filter } = found;
    const times = sharingOf(found);
    if (typeof times === 'string') return times;
    const [keyHeads, size, valueSize] = [heads / times, sizeOf(key, 3)!, sizeOf(given, 3)]; // known, as checked
    if (valueSize === undefined) return 'the size of a value is not known';
    const shape = (...sizes: number[]): Value => op.constant(int64s(sizes));
    const apart = op.Transpose(op.Reshape(query, shape(0, 0, keyHeads, times, size)), { perm: [0, 3, 1, 2, 4] });
    const queries = op.Reshape(apart, shape(0, -1, keyHeads * size));
    const mask = bias && op.Tile(bias, shape(1, 1, times, 1));
    const y = op.in('com.microsoft').MultiHeadAttention(queries, key, given, undefined, padding, mask, { num_heads: keyHeads, scale, mask_filter_value: filter });
    return flattened(op.Transpose(op.Reshape(y, shape(0, times, -1, keyHeads, valueSize)), { perm: [0, 2, 3, 1, 4] }), heads * valueSize, op);
  },
});

export const groupedAttentions = (target: Target): readonly Rule[] => forRuntime(target, [quiet(groupQueryAttention), quiet(sharedKeys)]);
