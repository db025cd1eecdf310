import { integersOf, nodeRule } from '@onnxpress/core';

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
