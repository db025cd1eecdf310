import { codeOf, rule, scalar, type Ops, type Rule, type Value } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import { forRuntime, type Target } from '../target.ts';
import { ATTENTION, attentionPattern, layoutOf } from './attention.ts';
import { maskInputs, maskOf } from './masks.ts';
import { guarded, scaleAttribute, turnedFlat } from './multi-head-attention.ts';

/** The runtime has kernels for heads of such sizes only. */
const SIZE_UNIT = 8;

/**
 * Attention in which several queries share a key, without a cache: one GroupQueryAttention, and the keys need not be repeated. With a cache the runtime has it for a batch of
 * one or for one new token, so that form becomes MultiHeadAttention over repeated keys instead.
 */
const groupQueryAttention = rule('group-query-attention', {
  vars: ATTENTION,
  match: attentionPattern,
  where(found, root) {
    const layout = layoutOf(found, root.output);
    if (typeof layout === 'string') return layout;
    if (!found.keyGroups) return 'each query has a key of its own';
    if (layout.size % SIZE_UNIT !== 0) return `the size of a head is no multiple of ${SIZE_UNIT}`;
    const mask = maskOf(found, layout);
    if (typeof mask === 'string') return mask;
    return mask.padding ? 'the operator takes no mask of tokens' : true;
  },
  build(found, op, root) {
    const layout = layoutOf(found, root.output);
    const mask = typeof layout === 'string' ? layout : maskOf(found, layout);
    const { query, key, value } = found;
    if (typeof layout === 'string' || typeof mask === 'string' || !key || !value) return 'it does not fit';
    const { queryTurned, queryPositions, queryCosines, querySines, keyTurned, keyPositions, keyCosines, keySines } = found;
    const q = turnedFlat(query, layout.heads, [queryTurned, queryPositions, queryCosines, querySines], op);
    const k = turnedFlat(key, layout.keyHeads, [keyTurned, keyPositions, keyCosines, keySines], op);
    const { last, total } = lengths(key, op);
    const attributes = { num_heads: layout.heads, kv_num_heads: layout.keyHeads, ...scaleAttribute(layout), causal: 0 };
    const { bias } = maskInputs(mask, op);
    return guarded(op.in('com.microsoft').GroupQueryAttention(q, k, value, undefined, undefined, last, total, undefined, undefined, undefined, bias, attributes), found, op);
  },
});

/** How many keys there are, and the index of the last one for each of the batch. */
function lengths(key: Value, op: Ops<Value>): { readonly last: Value; readonly total: Value } {
  const length = op.Shape(key, { start: 1, end: 2 });
  const total = op.Cast(length, { to: codeOf('int32') });
  const last = op.Sub(total, op.constant(scalar('int32', 1)));
  return { last: op.Expand(last, op.Shape(key, { start: 0, end: 1 })), total };
}

export const groupQueryAttentions = (target: Target): readonly Rule[] => forRuntime(target, [anchored(groupQueryAttention, ['Softmax'], 4)]);
