import { contentsOf, int64s, integersOf, nodeRule, type Node, type Value } from '@onnxpress/core';
import { sameShape } from '../numbers.ts';
import { shapeConstant } from '../target-shape.ts';

/** Operators that give the same elements in the same order another shape. */
const RESHAPES = ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'] as const;
const reshapes = (node: Node | undefined): node is Node => node !== undefined && RESHAPES.some((op) => node.is(op));

/** From here on a Reshape may copy sizes by zeros, and its shape is an input. */
const SHAPE_IS_INPUT = 5;

/** Reshape, Squeeze, Unsqueeze and Flatten to the shape that the value has. */
export const reshapeToSame = nodeRule('reshape-to-same', {
  operators: RESHAPES,
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    if (!x) return 'it has no input';
    return sameShape(x, node.output) ? x : 'its shape may differ from that of its input';
  },
});

/** Squeeze and Unsqueeze of the same axes, one behind the other: one undoes the other. */
export const squeezePair = nodeRule('squeeze-pair', {
  operators: ['Squeeze', 'Unsqueeze'],
  depth: 2,
  apply(node) {
    const inner = node.inputs[0]?.producer;
    if (!inner?.is(node.opType === 'Squeeze' ? 'Unsqueeze' : 'Squeeze')) return 'what it reads does not undo it';
    const [a, b] = [integersOf(node, 'axes'), integersOf(inner, 'axes')];
    const same = a && b && a.length === b.length && a.every((axis) => b.includes(axis));
    return same ? (inner.inputs[0] ?? 'an input is missing') : 'the axes differ or are not known';
  },
});

/** A chain of reshapes whose steps nobody else reads: its last shape, straight from its source. */
export const reshapeOfReshape = nodeRule('reshape-of-reshape', {
  operators: RESHAPES,
  depth: 4,
  apply(node, op, graph) {
    const source = sourceOf(node);
    const to = node.output.dims;
    if (!source) return 'what it reads is no reshape that it alone reads';
    if (sameShape(source, node.output)) return source;
    const merged = unsqueezedAt(node, source);
    if (merged) return op.Unsqueeze(source, op.constant(int64s(merged)));
    if ((graph.opsets.get('') ?? 0) < SHAPE_IS_INPUT || !to) return 'its shape is not known';
    const shape = shapeConstant(source.dims, to);
    return shape ? op.Reshape(source, op.constant(int64s(shape))) : 'no constant says its shape';
  },
});

/** What goes into the chain of reshapes that ends at the node, as far up as nobody else reads. */
function sourceOf(node: Node): Value | undefined {
  let source: Value | undefined;
  for (let v = node.inputs[0]; v && v.useCount === 1 && !v.isOutput && reshapes(v.producer); v = v.producer.inputs[0]) source = v.producer.inputs[0];
  return source;
}

/** The axes of one Unsqueeze that does what two of them do; undefined for another chain. Axes counted from the end need a known rank. */
function unsqueezedAt(node: Node, source: Value): readonly number[] | undefined {
  const inner = node.inputs[0]?.producer;
  if (!node.is('Unsqueeze') || !inner?.is('Unsqueeze') || inner.inputs[0] !== source) return undefined;
  const [outer, first] = [fromFront(node), fromFront(inner)];
  if (!outer || !first) return undefined;
  const left = Array.from({ length: outer.length + Math.max(0, ...first) + 1 }, (_, i) => i).filter((i) => !outer.includes(i));
  return [...outer, ...first.map((a) => left[a]!)].sort((a, b) => a - b); // as many are left as the largest needs
}

function fromFront(node: Node): readonly number[] | undefined {
  const axes = integersOf(node, 'axes');
  const rank = node.output.rank;
  if (!axes || (rank === undefined && axes.some((a) => a < 0))) return undefined;
  return axes.map((a) => (a < 0 ? a + rank! : a)); // known where it counts
}

/** Reshape by a shape that is computed, though a constant says the same: the shape's known sizes, 0 where a size stays, -1 for the one that is left. */
export const reshapeByConstant = nodeRule('reshape-by-constant', {
  operators: ['Reshape'],
  depth: 1,
  grows: 'the nodes that compute a shape go with the last Reshape that reads it',
  apply(node, op) {
    const [x, asked] = node.inputs;
    const to = node.output.dims;
    if (!x || !asked || asked.isConstant()) return 'its shape is a constant';
    if (!to) return 'the rank of its result is not known';
    const contents = contentsOf(asked);
    if (node.int('allowzero', 0) !== 0 && !contents?.every((d) => d !== 0 && d !== null)) return 'a zero in its shape would be a size';
    const shape = shapeConstant(x.dims, to);
    return shape ? op.Reshape(x, op.constant(int64s(shape))) : 'no constant says its shape';
  },
});

/** Expand to the shape that the value has, or by a shape that is computed though a constant says the same: 1 keeps a size. */
export const expand = nodeRule('expand', {
  operators: ['Expand'],
  depth: 1,
  grows: 'the nodes that compute a shape go with the last Expand that reads it',
  apply(node, op) {
    const [x, asked] = node.inputs;
    if (!x || !asked) return 'an input is missing';
    if (sameShape(x, node.output)) return x;
    const contents = contentsOf(asked);
    const from = x.dims;
    if (!contents || !from) return 'its shape is not known';
    const shape = contents.map((d, i) => (d !== null && d === from[from.length - contents.length + i] ? 1 : d));
    if (!shape.every((d) => typeof d === 'number')) return 'a size of its shape is not known';
    if (shape.every((d) => d === 1) && shape.length <= from.length) return x;
    return asked.isConstant() ? 'it makes its input larger' : op.Expand(x, op.constant(int64s(shape)));
  },
});
