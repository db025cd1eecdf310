import { nodeRule, type Node, type Value } from '@onnxpress/core';

/** Concat of all parts of a Split, in their order and along its axis. */
export const concatOfSplit = nodeRule('concat-of-split', {
  operators: ['Concat'],
  depth: 2,
  apply(node) {
    const split = node.inputs[0]?.producer;
    const x = split?.inputs[0];
    if (!split?.is('Split') || !x) return 'what it reads is no Split';
    const whole = node.inputs.length === split.outputs.length && split.outputs.every((v, i) => node.inputs[i] === v);
    return whole && axisOf(node, x.rank) === axisOf(split, x.rank, 0) ? x : 'it does not put the parts together as they were';
  },
});

/** Concat of a Concat along the same axis that nobody else reads: one. */
export const concatOfConcat = nodeRule('concat-of-concat', {
  operators: ['Concat'],
  depth: 2,
  apply(node, op) {
    const rank = node.output.rank;
    const axis = axisOf(node, rank);
    const inner = (v: Value | undefined): readonly (Value | undefined)[] | undefined => {
      const maker = v?.producer;
      return maker?.is('Concat') && v?.useCount === 1 && !v.isOutput && axis !== undefined && axisOf(maker, rank) === axis ? maker.inputs : undefined;
    };
    const parts = node.inputs.flatMap((v) => inner(v) ?? [v]);
    if (parts.length === node.inputs.length || parts.some((v) => !v)) return 'it reads no Concat of that axis that it alone reads';
    return op.Concat(parts as readonly Value[], { axis: axis! }); // none is missing, as checked; the axis is known where a part was opened
  },
});

/** The axis counted from the front: undefined where it counts from the end and the rank is not known, or where nothing says it. */
function axisOf(node: Node, rank: number | undefined, usual?: number): number | undefined {
  const axis = node.int('axis') ?? usual;
  if (axis === undefined || axis >= 0) return axis;
  return rank === undefined ? undefined : axis + rank;
}
