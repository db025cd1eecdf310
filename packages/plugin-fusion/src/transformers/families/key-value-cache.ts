import { attribute, optional, rule, value, type Rule } from '@onnxpress/core';
import { quiet } from '../anchored.ts';
import { sameSize, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { sideBySideHeads } from './heads.ts';

/** A cache of keys and values, [batch, heads, length, size], that grows by those of the new tokens: the operator joins them, and gives out what comes of it. */
const keyValueCache = rule('key-value-cache', {
  vars: {
    query: value({ rank: 3, dtype: 'float32' }),
    pastKey: value({ rank: 4, dtype: 'float32' }),
    pastValue: value({ rank: 4, dtype: 'float32' }),
    key: value({ rank: 4, dtype: 'float32' }),
    given: value({ rank: 4, dtype: 'float32' }),
    bias: optional(value()),
    heads: attribute.int(),
    scale: attribute.float({ absent: undefined }),
    keyAxis: attribute.int(),
    valueAxis: attribute.int(),
  },
  match({ query, pastKey, pastValue, key, given, bias, heads, scale, keyAxis, valueAxis }, op) {
    const keys = op.Concat([pastKey, op.Transpose(key, { perm: [0, 2, 1, 3] })], { axis: keyAxis });
    const values = op.Concat([pastValue, op.Transpose(given, { perm: [0, 2, 1, 3] })], { axis: valueAxis });
    return [op.in('com.microsoft').MultiHeadAttention(query, keys, values, undefined, undefined, bias, { num_heads: heads, scale }), keys, values];
  },
  where({ query, pastKey, pastValue, key, given, heads, keyAxis, valueAxis }) {
    if (![keyAxis, valueAxis].every((axis) => axis === 2 || axis === -2)) return 'the cache does not grow along the length';
    for (const [past, fresh] of [[pastKey, key], [pastValue, given]] as const) {
      if (sizeOf(past, 1) !== heads || sizeOf(fresh, 2) !== heads || sizeOf(past, 3) === undefined || sizeOf(past, 3) !== sizeOf(fresh, 3)) return `the heads of "${past.name}" and "${fresh.name}" are not known to be the same`;
      if (!sameSize(past, 0, query, 0) || !sameSize(fresh, 0, query, 0) || !sameSize(fresh, 1, query, 1)) return `"${past.name}" or "${fresh.name}" is not known to have the batch and the length of "${query.name}"`;
    }
    return sameSize(pastKey, 2, pastValue, 2) || `"${pastKey.name}" and "${pastValue.name}" are not known to have one length`;
  },
  build({ query, pastKey, pastValue, key, given, bias, heads, scale }, op) {
    const [y, keys, values] = op.in('com.microsoft').outputs(3).MultiHeadAttention(query, sideBySideHeads(key, op), sideBySideHeads(given, op), undefined, undefined, bias, pastKey, pastValue, { num_heads: heads, scale });
    return [y, keys, values];
  },
});

export const keyValueCaches = (target: Target): readonly Rule[] => forRuntime(target, [quiet(keyValueCache)]);
