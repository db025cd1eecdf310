import { rule, type Rule } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import type { Target } from '../target.ts';
import { ATTENTION, attended, keysOf, layoutOf } from './attention.ts';
import { maskOf } from './masks.ts';
import { guarded, scaleAttribute } from './multi-head-attention.ts';

/**
 * Attention without a mask, per head: the operator that ONNX has from opset 23 on. Of masks, onnxruntime 1.30 refuses one row for all queries, and for a query whose keys
 * are all hidden by the lowest float it gives other numbers than the sum and the softmax do.
 */
const standardAttention = rule('attention', {
  vars: ATTENTION,
  match: (v, op) => attended(v, op),
  where(found) {
    const layout = layoutOf(found);
    if (typeof layout === 'string') return layout;
    const mask = maskOf(found, layout);
    if (typeof mask === 'string') return mask;
    return mask.padding || mask.bias ? 'onnxruntime computes something else for a query whose keys are all masked' : true;
  },
  build(found, op) {
    const layout = layoutOf(found);
    if (typeof layout === 'string') return layout;
    return guarded(op.Attention(found.query, keysOf(found, op), found.value, scaleAttribute(layout)), found, op);
  },
});

export const standardAttentions = (target: Target): readonly Rule[] => (target === 'onnx' ? [anchored(standardAttention, ['Softmax'], 3)] : []);
