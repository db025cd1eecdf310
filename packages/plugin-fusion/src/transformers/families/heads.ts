import { int64s, nodeRule, type Ops, type Rule, type Value } from '@onnxpress/core';
import { reshapeOfReshape, reshapeToSame } from '../../simplify/rules/reshape.ts';
import { transposeOfTranspose, transposeToSame } from '../../simplify/rules/transpose.ts';
import { NOT_TRIED } from '../anchored.ts';
import { sameSize, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { flattened } from './multi-head-attention.ts';

/** What a Transpose that moves heads in front of the length reads, as one of both does: [batch, length, heads, size]. */
export function splitOf(v: Value | undefined): Value | undefined {
  const node = v?.producer;
  const [x] = node?.inputs ?? [];
  return node?.is('Transpose') && node.ints('perm')?.join() === '0,2,1,3' && x && sizeOf(x, 2) !== undefined && sizeOf(x, 3) !== undefined ? x : undefined;
}

/** Heads side by side, of [batch, length, heads, size]: what was split, where that is known. */
export function sideBySideHeads(split: Value, op: Ops<Value>): Value {
  const flat = split.producer?.is('Reshape') ? split.producer.inputs[0] : undefined;
  return flat && isSideBySide(flat, split) ? flat : flattened(split, sizeOf(split, 2)! * sizeOf(split, 3)!, op); // known, as splitOf has checked
}

/** Keys and values whose heads were moved in front of the length just for it: the operator takes them side by side. */
const flatKeys = nodeRule('flat-keys', {
  operators: ['com.microsoft.MultiHeadAttention'],
  depth: 3,
  grows: 'a Reshape comes for each Transpose',
  apply(node, op) {
    const [query, key, given, ...rest] = node.inputs;
    const [keys, values] = [splitOf(key), splitOf(given)];
    if (!keys || !values) return NOT_TRIED;
    return op.call('com.microsoft', 'MultiHeadAttention', [query, sideBySideHeads(keys, op), sideBySideHeads(values, op), ...rest], Object.fromEntries(node.attrs))[0]!; // one, as asked for
  },
});

/**
 * Rotary embedding behind the splitting of heads: it knows how to turn them side by side. Where something else than a Reshape has split them (a normalization per
 * head), this is done only for attention, which wants them side by side.
 */
const rotaryBeforeHeads = nodeRule('rotary-before-heads', {
  operators: ['com.microsoft.RotaryEmbedding'],
  depth: 3,
  grows: 'attention wants the heads side by side again',
  apply(node, op) {
    const [x, ...rest] = node.inputs;
    const split = splitOf(x);
    if (!split) return NOT_TRIED;
    const [heads, size] = [sizeOf(split, 2)!, sizeOf(split, 3)!]; // known, as splitOf has checked
    const flat = split.producer?.is('Reshape') ? split.producer.inputs[0] : undefined;
    if (!(flat && isSideBySide(flat, split)) && !isForAttention(node.output)) return `"${split.name}" is not known to be heads side by side, made apart`;
    const turned = op.call('com.microsoft', 'RotaryEmbedding', [sideBySideHeads(split, op), ...rest], { ...Object.fromEntries(node.attrs), num_heads: heads })[0]!; // one, as asked for
    return op.Transpose(op.Reshape(turned, op.constant(int64s([0, 0, heads, size]))), { perm: [0, 2, 1, 3] });
  },
});

/** Whether attention reads the value, perhaps behind a cache or a change of its shape. */
const isForAttention = (v: Value): boolean =>
  v.uses.some(({ node }) => node.is('MultiHeadAttention', 'com.microsoft') || (STEPS.some((step) => node.is(step)) && isForAttention(node.output)));

const STEPS = ['Concat', 'Transpose', 'Reshape', 'Unsqueeze', 'Expand'] as const;

/** Whether a value of three axes has what is split of four, the heads one after the other. */
const isSideBySide = (flat: Value, split: Value): boolean => flat.rank === 3 && sameSize(flat, 0, split, 0) && sameSize(flat, 1, split, 1) && sizeOf(flat, 2) === (sizeOf(split, 2) ?? NaN) * (sizeOf(split, 3) ?? NaN);

/** What makes of two steps one, or none. */
export const MOVES: readonly Rule[] = [reshapeOfReshape, reshapeToSame, transposeOfTranspose, transposeToSame];

export const headRules = (target: Target): readonly Rule[] => forRuntime(target, [flatKeys, rotaryBeforeHeads, ...MOVES]);
