import { nodeRule, sameDim, type Node, type Value } from '@onnxpress/core';

/**
 * The last two axes swapped in a form of three axes, as the dynamo exporter does it for the keys of attention: the axes before them flattened to one, a Transpose of three axes, and the axes back.
 * One Transpose.
 */
export const transposeFlattened = nodeRule('transpose-flattened', {
  operators: ['Reshape'],
  depth: 3,
  apply(node, op) {
    const transpose = ownProducer(node.inputs[0], 'Transpose');
    const flatten = ownProducer(transpose?.inputs[0], 'Reshape');
    if (!transpose || !flatten || transpose.ints('perm')?.join() !== '0,2,1') return 'it does not end a Transpose of the last two of three axes, of a Reshape that it alone reads';
    const x = flatten.inputs[0];
    const [from, flat, to] = [x?.dims, flatten.output.dims, node.output.dims];
    if (!x || !from || !flat || !to || from.length !== to.length || from.length < 3) return 'a shape is not known, or is of other axes';
    const rank = from.length;
    const keeps = sameDim(flat[1], from[rank - 2]) && sameDim(flat[2], from[rank - 1]);
    const restores = sameDim(to[rank - 2], from[rank - 1]) && sameDim(to[rank - 1], from[rank - 2]) && from.slice(0, -2).every((d, i) => sameDim(d, to[i]));
    if (!keeps || !restores) return 'the axes in front are not known to be flattened and restored';
    return op.Transpose(x, { perm: from.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)) });
  },
});

/** The node that makes the value, where it is that operator and nobody else reads the value. */
function ownProducer(v: Value | undefined, operator: 'Transpose' | 'Reshape'): Node | undefined {
  return v?.producer?.is(operator) && v.useCount === 1 && !v.isOutput ? v.producer : undefined;
}
