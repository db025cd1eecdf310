import { countOf, nodeRule, numbersOf, rule, scalar, type Ops, type Rule, type Value } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import { sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { ATTENTION, attentionPattern, layoutOf, type Found, type Layout } from './attention.ts';
import { maskInputs, maskOf } from './masks.ts';

/** How far a scale may be from 1 / √size and still be it: two units in the last place. */
const NEAR = 2 ** -22;

/** The attribute, left out where it is what the operator takes anyway. */
export const scaleAttribute = ({ scale, size }: Pick<Layout, 'scale' | 'size'>): { scale?: number } => (Math.abs(scale * Math.sqrt(size) - 1) <= NEAR ? {} : { scale: Math.fround(scale) });

/** The query or the key, flat, turned by rotary embedding where it was. */
export function turnedFlat(x: Value, heads: number, [turned, positions, cosines, sines]: readonly (Value | undefined)[], op: Ops<Value>): Value {
  return turned ? op.in('com.microsoft').RotaryEmbedding(x, positions!, cosines!, sines!, { num_heads: heads }) : x; // they come together
}

/** A query that may look at nothing gives zeros where the probabilities did. */
export const guarded = (y: Value, { zero }: Found, op: Ops<Value>): Value => (zero ? op.Where(op.IsNaN(y), op.constant(ZERO), y) : y);

const ZERO = scalar('float32', 0);

/** Attention of any kind over heads that lie side by side: MultiHeadAttention, for every batch and every length. */
const multiHeadAttention = rule('multi-head-attention', {
  vars: ATTENTION,
  match: attentionPattern,
  where(found, root) {
    const layout = layoutOf(found, root.output);
    if (typeof layout === 'string') return layout;
    if (found.keyGroups) return 'several queries share a key';
    const mask = maskOf(found, layout);
    return typeof mask === 'string' ? mask : true;
  },
  build(found, op, root) {
    const layout = layoutOf(found, root.output);
    const mask = typeof layout === 'string' ? layout : maskOf(found, layout);
    if (typeof layout === 'string' || typeof mask === 'string') return 'it does not fit';
    const { queryTurned, queryPositions, queryCosines, querySines, keyTurned, keyPositions, keyCosines, keySines } = found;
    const query = turnedFlat(found.query, layout.heads, [queryTurned, queryPositions, queryCosines, querySines], op);
    const key = found.key ? turnedFlat(found.key, layout.heads, [keyTurned, keyPositions, keyCosines, keySines], op) : found.keyPerHead;
    const { padding, bias } = maskInputs(mask, op);
    const filter = mask.padding && { mask_filter_value: mask.padding.low };
    return guarded(op.in('com.microsoft').MultiHeadAttention(query, key, found.value ?? found.valuePerHead, undefined, padding, bias, { num_heads: layout.heads, ...scaleAttribute(layout), ...filter }), found, op);
  },
});

/** A query that is multiplied by a number before it is split into heads: the operator scales. */
const scaledQuery = nodeRule('scaled-query', {
  operators: ['com.microsoft.MultiHeadAttention'],
  depth: 2,
  apply(node, op) {
    const [scaled, ...rest] = node.inputs;
    const product = scaled?.producer;
    const heads = node.int('num_heads', 0);
    if (!scaled || !product || !(product.is('Mul') || product.is('Div')) || scaled.useCount > 1 || scaled.isOutput || rest[2]) return 'its query is not multiplied for it alone';
    const [a, b] = product.inputs;
    const [query, factor] = b?.constant ? [a, b.constant] : product.is('Mul') && a?.constant ? [b, a.constant] : [];
    const width = query && query.rank === 3 ? sizeOf(query, 2) : undefined;
    if (!query || factor?.dtype !== 'float32' || countOf(factor.dims) !== 1 || width === undefined || heads === 0) return 'its query is not multiplied by one number';
    const number = numbersOf(factor)[0]!; // one
    const size = width / heads;
    const scale = node.float('scale', 1 / Math.sqrt(size)) * (product.is('Mul') ? number : 1 / number);
    const { scale: _, ...attributes } = Object.fromEntries(node.attrs);
    return op.call('com.microsoft', 'MultiHeadAttention', [query, ...rest], { ...attributes, ...scaleAttribute({ scale, size }) })[0]!; // one, as asked for
  },
});

export const multiHeadAttentions = (target: Target): readonly Rule[] => forRuntime(target, [anchored(multiHeadAttention, ['Softmax'], 4), scaledQuery]);
