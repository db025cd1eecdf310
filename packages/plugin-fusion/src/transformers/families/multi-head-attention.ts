import { countOf, int64s, nodeRule, numbersOf, rule, scalar, type Ops, type Rule, type Value } from '@onnxpress/core';
import { anchored, NOT_TRIED } from '../anchored.ts';
import { sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { ATTENTION, attended, keysOf, layoutOf, type Found, type Layout } from './attention.ts';
import { maskInputs, maskOf, type Mask } from './masks.ts';

/** How far a scale may be from 1 / √size and still be it: two units in the last place. */
const NEAR = 2 ** -22;

/** The attribute, left out where it is what the operator takes anyway. */
export const scaleAttribute = ({ scale, size }: Pick<Layout, 'scale' | 'size'>): { scale?: number } => (Math.abs(scale * Math.sqrt(size) - 1) <= NEAR ? {} : { scale: Math.fround(scale) });

/** A query that may look at nothing gives zeros where the probabilities did. */
export const guarded = (y: Value, { zero, nothing }: Pick<Found, 'zero' | 'nothing'>, op: Ops<Value>): Value => (zero || nothing ? op.Where(op.IsNaN(y), op.constant(ZERO), y) : y);

const ZERO = scalar('float32', 0);

/** [batch, heads, length, size] or [batch, length, heads, size] as heads side by side. */
export const flattened = (x: Value, width: number, op: Ops<Value>): Value => op.Reshape(x, op.constant(int64s([0, 0, width])));

interface Fit {
  readonly layout: Layout;
  readonly mask: Mask;
}

function fitting(found: Found): Fit | string {
  const layout = layoutOf(found);
  if (typeof layout === 'string') return layout;
  const mask = maskOf(found, layout);
  return typeof mask === 'string' ? mask : { layout, mask };
}

type Sides = Pick<Found, 'query' | 'key' | 'keySplit' | 'value' | 'zero' | 'nothing'>;

/** The operator over queries side by side and keys and values per head, and its result as [batch, length, heads, size]. */
export function attentionOver(found: Sides, { layout, mask }: Fit, op: Ops<Value>): Value {
  const { heads, size, valueSize } = layout;
  const query = flattened(op.Transpose(found.query, { perm: [0, 2, 1, 3] }), heads * size, op);
  const { padding, bias } = maskInputs(mask, query, op);
  const filter = mask.padding && { mask_filter_value: mask.padding.low };
  const y = op.in('com.microsoft').MultiHeadAttention(query, keysOf(found, op), found.value, undefined, padding, bias, { num_heads: heads, ...scaleAttribute(layout), ...filter });
  return op.Reshape(guarded(y, found, op), op.constant(int64s([0, 0, heads, valueSize])));
}

/**
 * Attention of any kind with its heads moved behind the length: MultiHeadAttention over keys and values per head, for every batch and every length. Other rules
 * then see to how keys and values come.
 */
const multiHeadAttention = rule('multi-head-attention', {
  vars: ATTENTION,
  match: (v, op) => op.Transpose(attended(v, op), { perm: [0, 2, 1, 3] }),
  where(found) {
    const fit = fitting(found);
    return typeof fit === 'string' ? fit : true;
  },
  grows: 'the nodes that move the heads of queries, keys and values go in the steps that follow',
  build(found, op) {
    const fit = fitting(found);
    return typeof fit === 'string' ? fit : attentionOver(found, fit, op);
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
    if (node.outputs.length > 1 || !scaled || !product || !(product.is('Mul') || product.is('Div')) || scaled.useCount > 1 || scaled.isOutput || rest[2]) return NOT_TRIED;
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
