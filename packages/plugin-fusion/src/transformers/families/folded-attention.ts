import { int64s, kept, named, oneOf, optional, rule, value, type Bound, type Holes, type Ops, type Pattern, type Rule, type Value } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import { sameShape, sameSize } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { ATTENTION, layoutOf, type Layout } from './attention.ts';
import { maskOf, masked, type Mask } from './masks.ts';
import { attentionOver } from './multi-head-attention.ts';

const { query, divisor, factor, axis, tokens, spread, low, bias, more, hidden, shown } = ATTENTION;
const folded = (): ReturnType<typeof value> => value({ rank: 3 });

/** Per head as everywhere, and with batch and heads folded into one axis: [batch · heads, length, size]. */
const FOLDED = {
  query, key: value({ rank: 4, dtype: 'float32' }), value: value({ rank: 4, dtype: 'float32' }), queryFolded: folded(), keyFolded: folded(), valueFolded: folded(),
  /** What is added before batch and heads are apart, and the shape in which they are. */
  added: optional(value({ rank: 3, dtype: 'float32' })), summed: optional(value({ rank: 3 })), apart: optional(value()),
  scores: optional(value({ rank: 4 })), probabilities: optional(value({ rank: 3 })), products: folded(), result: value({ rank: 4 }), divisor, factor, axis, tokens, spread, low, bias, more, hidden, shown,
} as const;

/** Attention as BART, CLIP, OPT and DeBERTa have it: products of three axes, unfolded for the mask, if there is one, perhaps also for the softmax, and for the result. */
function pattern(v: Holes<typeof FOLDED>, op: Ops<Pattern>): Pattern {
  const side = (x: Pattern, name: typeof v.query): Pattern => kept(named(name, op.Reshape(x, value())));
  const queries = side(v.query, v.queryFolded);
  const keys = op.Transpose(side(v.key, v.keyFolded), { perm: [0, 2, 1] });
  const plain = op.MatMul(queries, keys);
  const scaled = oneOf(op.Div(plain, v.divisor), op.Mul(plain, v.factor), op.MatMul(op.Mul(queries, v.factor), keys), op.MatMul(queries, op.Div(keys, v.divisor)), plain);
  const sum = oneOf(named(v.summed, op.Add(scaled, v.added)), scaled);
  const apart = masked(v, op, named(v.scores, op.Reshape(sum, v.apart)));
  const folded = (x: Pattern): Pattern => named(v.probabilities, op.Reshape(x, value()));
  const softmax = (x: Pattern): Pattern => op.Softmax(x, { axis: v.axis });
  const products = op.MatMul(oneOf(softmax(oneOf(folded(apart), scaled)), folded(softmax(apart))), side(v.value, v.valueFolded));
  return op.Transpose(named(v.result, op.Reshape(named(v.products, products), value())), { perm: [0, 2, 1, 3] });
}

type Found = Bound<typeof FOLDED>;

/** Whether only the first two axes became one, or one became two: all elements stay in order. */
const keepsLastTwo = (a: Value, b: Value): boolean => sameSize(a, -1, b, -1) && sameSize(a, -2, b, -2);

/** What the form does not have. */
const NOTHING = { keySplit: undefined, keyFactor: undefined, zero: undefined, nothing: undefined } as const;

function fitting(found: Found): { readonly layout: Layout; readonly mask: Mask } | string {
  const { queryFolded, keyFolded, valueFolded, scores, probabilities, products, axis: along, result, added, summed, apart } = found;
  const isApart = probabilities?.producer?.inputs[0]?.producer?.is('Softmax') ?? false;
  if (along !== -1 && along !== (isApart ? 3 : 2)) return 'the softmax is not over the keys';
  for (const [a, b] of [[found.query, queryFolded], [found.key, keyFolded], [found.value, valueFolded]] as const) if (!keepsLastTwo(a, b)) return `"${b.name}" is not known to be "${a.name}" with batch and heads as one axis`;
  if (!keepsLastTwo(result, products) || !sameSize(result, 0, found.query, 0) || !sameSize(result, 1, found.query, 1)) return `"${result.name}" is not known to be "${products.name}" with batch and heads apart`;
  const unfolded = probabilities?.producer?.inputs[0];
  if (scores && probabilities && !(unfolded && keepsLastTwo(unfolded, probabilities))) return 'the mask is not over the scores';
  const layout = layoutOf({ ...NOTHING, ...found, axis: -1 });
  if (typeof layout === 'string') return layout;
  if (scores && (!sameSize(scores, 0, found.query, 0) || scores.dims?.[1] !== layout.heads)) return 'the mask is over other axes';
  const mask = maskOf(found, layout);
  if (typeof mask === 'string' || !added || !summed || !apart) return typeof mask === 'string' ? mask : { layout, mask };
  if (sameShape(added, summed)) {
    const whole = (op: Ops<Value>): Value => op.Reshape(added, apart);
    return { layout, mask: { ...mask, bias: (op, queries) => (mask.bias ? op.Add(whole(op), mask.bias(op, queries)) : whole(op)) } };
  }
  const isRow = sameSize(added, 0, summed, 0) && added.dims?.[1] === 1 && added.dims[2] !== 1;
  const { bias: rows } = mask;
  if (!isRow || !rows) return `"${added.name}" is not known to have a number for each query and key, or one for each key beside a mask`;
  const row = (op: Ops<Value>): Value => op.Unsqueeze(op.Reshape(added, op.constant(int64s([-1, layout.heads, 0]))), op.constant(int64s([2])));
  return { layout, mask: { ...mask, bias: (op, queries) => op.Add(row(op), rows(op, queries)) } };
}

/** One MultiHeadAttention for it. */
const foldedAttention = rule('folded-attention', {
  vars: FOLDED,
  match: pattern,
  where(found) {
    const fit = fitting(found);
    return typeof fit === 'string' ? fit : true;
  },
  grows: 'the nodes that move the heads of queries, keys and values go in the steps that follow',
  build(found, op) {
    const fit = fitting(found);
    return typeof fit === 'string' ? fit : attentionOver({ ...NOTHING, ...found }, fit, op);
  },
});

export const foldedAttentions = (target: Target): readonly Rule[] => forRuntime(target, [anchored(foldedAttention, ['Softmax'], 5)]);
