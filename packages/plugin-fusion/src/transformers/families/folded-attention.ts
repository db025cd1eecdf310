import { named, oneOf, optional, rule, value, type Bound, type Holes, type Ops, type Pattern, type Rule, type Value } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import { sameSize } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { ATTENTION, layoutOf, type Layout } from './attention.ts';
import { maskInputs, maskOf, masked, type Mask } from './masks.ts';
import { scaleAttribute } from './multi-head-attention.ts';

const { query, querySplit, divisor, factor, axis, result, tokens, spread, low, bias, hidden, shown } = ATTENTION;
const flat = (): typeof query => value({ rank: 3, dtype: 'float32' });
const split = (): typeof querySplit => value({ rank: 4 });

/** What batch and heads are folded into one axis of: [batch · heads, length, size]. */
const FOLDED = {
  query, querySplit, key: flat(), keySplit: split(), value: flat(), valueSplit: split(), queryFolded: flat(), keyFolded: flat(), valueFolded: flat(), heads: split(), keyHeads: split(), valueHeads: split(),
  scores: optional(value({ rank: 4 })), probabilities: optional(value({ rank: 3 })), products: value({ rank: 3 }), divisor, factor, axis, result, tokens, spread, low, bias, hidden, shown,
} as const;

/** Attention as BART, CLIP and OPT have it: products of three axes, unfolded for the mask, if there is one, and for the result. */
function pattern(v: Holes<typeof FOLDED>, op: Ops<Pattern>): Pattern {
  const swap = (x: Pattern): Pattern => op.Transpose(x, { perm: [0, 2, 1, 3] });
  const side = (x: Pattern, apart: typeof v.heads, heads: typeof v.heads, folded: typeof v.query): Pattern => named(folded, op.Reshape(named(heads, swap(named(apart, op.Reshape(x, value())))), value()));
  const queries = side(v.query, v.querySplit, v.heads, v.queryFolded);
  const keys = op.Transpose(side(v.key, v.keySplit, v.keyHeads, v.keyFolded), { perm: [0, 2, 1] });
  const plain = op.MatMul(queries, keys);
  const scaled = oneOf(op.Div(plain, v.divisor), op.Mul(plain, v.factor), op.MatMul(op.Mul(queries, v.factor), keys), plain);
  const unfolded = named(v.probabilities, op.Reshape(masked(v, op, named(v.scores, op.Reshape(scaled, value()))), value()));
  const products = op.MatMul(op.Softmax(oneOf(unfolded, scaled), { axis: v.axis }), side(v.value, v.valueSplit, v.valueHeads, v.valueFolded));
  return op.Reshape(named(v.result, swap(op.Reshape(named(v.products, products), value()))), value());
}

type Found = Bound<typeof FOLDED>;

/** Whether only the first two axes became one, or one became two: all elements stay in order. */
const keepsLastTwo = (a: Value, b: Value): boolean => sameSize(a, -1, b, -1) && sameSize(a, -2, b, -2);

function fitting(found: Found, root: { readonly output: Value }): { readonly layout: Layout; readonly mask: Mask } | string {
  const { queryFolded, keyFolded, valueFolded, heads, keyHeads, valueHeads, scores, probabilities, products, axis: along, result: swapped } = found;
  if (along !== -1 && along !== 2) return 'the softmax is not over the keys';
  for (const [a, b] of [[heads, queryFolded], [keyHeads, keyFolded], [valueHeads, valueFolded]] as const) if (!keepsLastTwo(a, b)) return `"${b.name}" is not known to be "${a.name}" with batch and heads as one axis`;
  if (!sameSize(swapped, 1, products, 1) || !sameSize(swapped, 3, products, 2)) return `"${swapped.name}" is not known to be "${products.name}" with batch and heads apart`;
  if (scores && probabilities && !keepsLastTwo(scores, probabilities)) return 'the mask is not over the scores';
  const layout = layoutOf({ ...NOTHING, ...found, axis: -1 }, root.output);
  if (typeof layout === 'string') return layout;
  if (scores && (!sameSize(scores, 0, found.query, 0) || scores.dims?.[1] !== layout.heads)) return 'the mask is over other axes';
  const mask = maskOf(found, layout);
  return typeof mask === 'string' ? mask : { layout, mask };
}

/** What the form does not have. */
const NOTHING = {
  keyPerHead: undefined, valuePerHead: undefined, keyGroups: undefined, valueGroups: undefined, queryTurned: undefined, keyTurned: undefined, queryPositions: undefined, keyPositions: undefined,
  queryCosines: undefined, keyCosines: undefined, querySines: undefined, keySines: undefined, keyFactor: undefined, zero: undefined,
} as const;

/** One MultiHeadAttention for it. */
const foldedAttention = rule('folded-attention', {
  vars: FOLDED,
  match: pattern,
  where(found, root) {
    const fit = fitting(found, root);
    return typeof fit === 'string' ? fit : true;
  },
  build(found, op, root) {
    const fit = fitting(found, root);
    if (typeof fit === 'string') return fit;
    const { layout, mask } = fit;
    const { padding, bias: added } = maskInputs(mask, op);
    const filter = mask.padding && { mask_filter_value: mask.padding.low };
    return op.in('com.microsoft').MultiHeadAttention(found.query, found.key, found.value, undefined, padding, added, { num_heads: layout.heads, ...scaleAttribute(layout), ...filter });
  },
});

export const foldedAttentions = (target: Target): readonly Rule[] => forRuntime(target, [anchored(foldedAttention, ['Softmax'], 5)]);
