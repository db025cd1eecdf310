import { rule, type Rule } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import type { Target } from '../target.ts';
import { ATTENTION, attentionPattern, layoutOf } from './attention.ts';
import { maskOf } from './masks.ts';
import { guarded, scaleAttribute } from './multi-head-attention.ts';

/**
 * Attention without a mask over heads that lie side by side: the operator that ONNX has from opset 23 on. With a mask onnxruntime 1.30 refuses one row for all queries, and gave other numbers
 * than the original in every case tried in which a batch had padding.
 */
const standardAttention = rule('attention', {
  vars: ATTENTION,
  match: attentionPattern,
  where(found, root) {
    const layout = layoutOf(found, root.output);
    if (typeof layout === 'string') return layout;
    if (!found.key || found.queryTurned || found.keyTurned) return 'its keys are not side by side';
    const mask = maskOf(found, layout);
    if (typeof mask === 'string') return mask;
    return mask.padding || mask.bias ? 'onnxruntime does not compute the same with a mask' : true;
  },
  build(found, op, root) {
    const layout = layoutOf(found, root.output);
    const { query, key, value } = found;
    if (typeof layout === 'string' || !key || !value) return 'it does not fit';
    return guarded(op.Attention(query, key, value, { q_num_heads: layout.heads, kv_num_heads: layout.keyHeads, ...scaleAttribute(layout) }), found, op);
  },
});

export const standardAttentions = (target: Target): readonly Rule[] => (target === 'onnx' ? [anchored(standardAttention, ['Softmax'], 4)] : []);
