import { contentsOf, int64s, nodeRule, scalar, type Value } from '@onnxpress/core';

/** Splits into more parts than this are no longer a few heads or gates. */
const MOST_PARTS = 256;

/** One element of a sequence that is made by splitting a tensor in parts of known sizes: that part of a Split, or for parts without the axis, a Gather. */
export const partOfSequence = nodeRule('part-of-sequence', {
  operators: ['SequenceAt'],
  depth: 2,
  grows: 'the sequence goes with the last part that is read',
  apply(node, op) {
    const [sequence, index] = node.inputs;
    const split = sequence?.producer;
    const [x, sizes] = split?.inputs ?? [];
    const at = index?.constant && contentsOf(index)?.[0];
    if (!split?.is('SplitToSequence') || !x || typeof at !== 'number' || !sequence || sequence.isOutput) return 'it is not a known part of a tensor that is split';
    if (sequence.uses.some(({ node: reader }) => !reader.is('SequenceAt') || !reader.inputs[1]?.constant || reader.graph !== node.graph)) return `"${sequence.name}" is also read as a whole`;
    const axis = split.int('axis', 0);
    if (!sizes && split.int('keepdims', 1) === 0) return at >= 0 ? op.Gather(x, op.constant(scalar('int64', at)), { axis }) : 'it counts from the end';
    const parts = partsOf(x, sizes, axis);
    if (!parts || parts.length > MOST_PARTS) return 'the sizes of the parts are not known';
    const i = at < 0 ? at + parts.length : at;
    if (i < 0 || i >= parts.length) return 'there are not so many parts';
    return parts.length === 1 ? x : op.outputs(parts.length).Split(x, op.constant(int64s(parts)), { axis })[i]!; // within them, as checked
  },
});

/** The sizes of the parts: as they are given, or as many of one size as there are, the last one smaller. */
function partsOf(x: Value, sizes: Value | undefined, axis: number): readonly number[] | undefined {
  const given = sizes ? contentsOf(sizes) : [1];
  if (!given?.every((n) => typeof n === 'number' && n >= 0)) return undefined;
  const numbers = given as readonly number[]; // as checked
  if (sizes && sizes.rank !== 0) return sizes.rank === 1 ? numbers : undefined;
  const [size] = numbers;
  const length = x.dims?.at(axis);
  if (typeof length !== 'number' || !size) return undefined;
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size));
}

/** One element of a sequence that is made of known values. */
export const elementOfSequence = nodeRule('element-of-sequence', {
  operators: ['SequenceAt'],
  depth: 2,
  apply(node) {
    const [sequence, index] = node.inputs;
    const made = sequence?.producer;
    const at = index?.constant && contentsOf(index)?.[0];
    if (!made?.is('SequenceConstruct') || typeof at !== 'number') return 'it is not a known element';
    return made.inputs.at(at) ?? 'there are not so many elements';
  },
});
