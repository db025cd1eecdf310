import { attribute, constant, int64s, kept, numbersOf, optional, rule, scalar, value, type Ops, type Rule, type Value } from '@onnxpress/core';
import { anchored } from '../anchored.ts';
import { isLast, sameSize, sizeOf } from '../dims.ts';
import type { Target } from '../target.ts';

/**
 * Rotary embedding of [batch, heads, length, size] by angles that the model computes from positions: one RotaryEmbedding. The operator of onnxruntime looks
 * cosines and sines up in tables; here each token of the batch has a row of its own, so that any positions are right. That of ONNX, since opset 23, takes them for each token.
 */
const rotaryEmbedding = (target: Target): Rule => rule('rotary-embedding', {
  vars: { x: value({ rank: 4, dtype: 'float32' }), angles: value({ rank: 3, dtype: 'float32' }), sizes: optional(constant()), half: attribute.int(), back: attribute.int(), twice: attribute.int() },
  match({ x, angles, sizes, half, back, twice }, op) {
    const doubled = kept(op.Concat([angles, angles], { axis: twice }));
    const perHead = constant({ value: [1] });
    const [left, right] = op.outputs(2).Split(x, sizes, { axis: half });
    return op.Add(op.Mul(x, kept(op.Unsqueeze(kept(op.Cos(doubled)), perHead))), op.Mul(op.Concat([op.Neg(right), left], { axis: back }), kept(op.Unsqueeze(kept(op.Sin(doubled)), perHead))));
  },
  where({ x, angles, sizes, half, back, twice }) {
    if (!isLast(half, x) || !isLast(back, x) || !isLast(twice, angles)) return 'it does not turn the last axis';
    const [first, second] = sizes ? numbersOf(sizes.constant) : [1, 1];
    if (first !== second) return 'it does not split in halves';
    const width = sizeOf(angles, 2);
    if (width === undefined || sizeOf(x, 3) !== 2 * width) return 'there is not one angle per pair';
    if (!sameSize(angles, 1, x, 2)) return `"${angles.name}" is not known to have one row per position`;
    return (sizeOf(angles, 0) === 1 && target === 'onnxruntime') || sameSize(angles, 0, x, 0) || `"${angles.name}" is not known to have the batch of "${x.name}"`;
  },
  grows: 'the tables and the numbers of their rows are computed once for all layers',
  build({ x, angles }, op) {
    if (target === 'onnx') return op.RotaryEmbedding(x, op.Cos(angles), op.Sin(angles));
    const table = (v: Value): Value => op.Reshape(v, op.constant(int64s([-1, sizeOf(angles, 2)!]))); // known, as checked
    return op.in('com.microsoft').RotaryEmbedding(x, rowNumbers(angles, op), table(op.Cos(angles)), table(op.Sin(angles)));
  },
});

/** Where in the flattened angles the row of each token lies: 0, 1, 2 … as [batch, length], or only where it begins if all batches share them. */
function rowNumbers(angles: Value, op: Ops<Value>): Value {
  if (sizeOf(angles, 0) === 1) return op.constant(int64s([0]));
  const shape = op.Gather(op.Shape(angles), op.constant(int64s([0, 1])));
  const all = op.Range(op.constant(scalar('int64', 0)), op.ReduceProd(shape, op.constant(int64s([0])), { keepdims: 0 }), op.constant(scalar('int64', 1)));
  return op.Reshape(all, shape);
}

export const rotaryEmbeddings = (target: Target): readonly Rule[] => [anchored(rotaryEmbedding(target), ['Cos'], 4)];
