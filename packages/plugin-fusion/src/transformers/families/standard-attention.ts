import { rule, type Rule } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import type { Target } from '../target.ts';
import { ATTENTION, attentionPattern, layoutOf } from './attention.ts';
import { maskOf } from './masks.ts';
import { guarded, scaleAttribute } from './multi-head-attention.ts';

/**
 * Attention without a mask over heads that lie side by side: the operator that ONNX has from opset 23 on. Of masks, onnxruntime 1.30 refuses one row for all queries, and for a query whose keys
 * are all hidden by the lowest float it gives other numbers than the sum and the softmax do.
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
    return mask.padding || mask.bias ? 'onnxruntime computes something else for a query whose keys are all masked' : true;
  },
  build(found, op, root) {
    const layout = layoutOf(found, root.output);
    const { query, key, value } = found;
    if (typeof layout === 'string' || !key || !value) return 'it does not fit';
    return guarded(op.Attention(query, key, value, { q_num_heads: layout.heads, kv_num_heads: layout.keyHeads, ...scaleAttribute(layout) }), found, op);
  },
});

export const standardAttentions = (target: Target): readonly Rule[] => (target === 'onnx' ? [anchored(standardAttention, ['Softmax'], 4)] : []);
