import { int64s, integersOf, nodeRule, type Node, type Ops, type Value } from '@onnxpress/core';

const REDUCTIONS = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceSumSquare'] as const;

/** Unsqueeze of the axes that a reduction has just dropped: it keeps them. */
export const keptAxes = nodeRule('kept-axes', {
  operators: ['Unsqueeze'],
  depth: 2,
  apply(node, op) {
    const reduced = node.inputs[0];
    const inner = reduced?.producer;
    if (!inner || !REDUCTIONS.some((name) => inner.is(name)) || inner.int('keepdims', 1) !== 0) return 'what it reads is no reduction that drops axes';
    const rank = inner.inputs[0]?.rank;
    const [added, dropped] = [integersOf(node, 'axes'), integersOf(inner, 'axes')];
    if (rank === undefined || !added || !dropped) return 'its axes are not known';
    const places = (axes: readonly number[]): string => axes.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b).join();
    if (places(added) !== places(dropped)) return 'the axes differ';
    const { axes: _, ...rest } = Object.fromEntries(inner.attrs);
    return op.call('', inner.opType, inner.inputs, { ...rest, ...(inner.attrs.has('axes') ? { axes: dropped } : {}), keepdims: 1 })[0]!; // a reduction has one result
  },
});

/**
 * A reduction over the axis next to one of size 1 that a Squeeze has just dropped: it drops its own axis and keeps that one, which is the same shape where it would have kept
 * its own.
 */
export const squeezedReduction = nodeRule('squeezed-reduction', {
  operators: REDUCTIONS,
  depth: 2,
  apply(node, op) {
    const squeeze = node.inputs[0]?.producer;
    const x = squeeze?.inputs[0];
    const rank = x?.rank;
    if (!squeeze?.is('Squeeze') || !x || rank === undefined) return 'what it reads is no Squeeze of known rank';
    const [dropped, over] = [integersOf(squeeze, 'axes'), integersOf(node, 'axes')];
    if (dropped?.length !== 1 || over?.length !== 1 || node.int('keepdims', 1) !== 1) return 'it does not keep one axis, next to one that was dropped';
    const gone = dropped[0]! < 0 ? dropped[0]! + rank : dropped[0]!;
    const squeezed = over[0]! < 0 ? over[0]! + rank - 1 : over[0]!;
    const axis = squeezed >= gone ? squeezed + 1 : squeezed;
    if (Math.abs(axis - gone) !== 1) return 'the axes are not next to each other';
    return reduced(node, x, axis, op);
  },
});

/** The reduction over one axis, which it drops. */
function reduced(node: Node, x: Value, axis: number, op: Ops<Value>): Value {
  const { axes: _, ...rest } = Object.fromEntries(node.attrs);
  if (node.attrs.has('axes')) return op.call('', node.opType, [x], { ...rest, axes: [axis], keepdims: 0 })[0]!; // a reduction has one result
  return op.call('', node.opType, [x, op.constant(int64s([axis]))], { ...rest, keepdims: 0 })[0]!;
}
