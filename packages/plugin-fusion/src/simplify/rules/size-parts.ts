import { integersOf, nodeRule, type Node } from '@onnxpress/core';

/** From here on Shape gives a part of the shape by itself. */
const SHAPE_HAS_ENDS = 15;

/** Some sizes in a row out of a shape: Shape(start, end) instead of Shape and Gather, or Slice, or Gather and Unsqueeze. */
export const sizeParts = nodeRule('size-parts', {
  operators: ['Gather', 'Slice', 'Unsqueeze'],
  depth: 3,
  apply(node, op, graph) {
    if ((graph.opsets.get('') ?? 0) < SHAPE_HAS_ENDS) return 'Shape gives whole shapes only in this opset';
    const part = node.is('Unsqueeze') ? gatheredOne(node) : partOf(node);
    if (typeof part === 'string') return part;
    const { shape, start, end } = part;
    const x = shape.inputs[0];
    if (!x || shape.attrs.size > 0) return 'it is a part of a shape already';
    return op.Shape(x, { ...(start === 0 ? {} : { start }), ...(end === undefined ? {} : { end }) });
  },
});

interface SizePart {
  readonly shape: Node;
  readonly start: number;
  /** undefined: to the last. */
  readonly end: number | undefined;
}

function partOf(node: Node): SizePart | string {
  const shape = node.inputs[0]?.producer;
  if (!shape?.is('Shape')) return 'what it reads is no shape';
  if (node.is('Slice')) return sliced(node, shape);
  const indices = node.inputs[1];
  const which = indices?.constant && integersOf(node, 'indices');
  if (indices?.rank !== 1 || !which?.length || node.int('axis', 0) !== 0 || !consecutive(which)) return 'it does not take sizes in a row';
  return taken(shape, which[0]!, which.length);
}

/** A single size that becomes a list of one. */
function gatheredOne(node: Node): SizePart | string {
  const gather = node.inputs[0]?.producer;
  const shape = gather?.inputs[0]?.producer;
  const axes = integersOf(node, 'axes');
  if (!gather?.is('Gather') || !shape?.is('Shape') || gather.inputs[1]?.rank !== 0) return 'what it reads is no single size';
  const which = integersOf(gather, 'indices');
  return which?.length === 1 && axes?.length === 1 ? taken(shape, which[0]!, 1) : 'which size it is, is not known';
}

const consecutive = (which: readonly number[]): boolean => which.every((w, i) => w === which[0]! + i) && (which[0]! >= 0 || which.at(-1)! < 0);

const taken = (shape: Node, first: number, count: number): SizePart => ({ shape, start: first, end: first + count === 0 ? undefined : first + count });

function sliced(node: Node, shape: Node): SizePart | string {
  const [starts, ends, steps] = ['starts', 'ends', 'steps'].map((name) => integersOf(node, name));
  if (starts?.length !== 1 || ends?.length !== 1 || (node.inputs[4] && steps?.[0] !== 1)) return 'it does not take sizes in a row';
  return { shape, start: starts[0]!, end: Number.isSafeInteger(ends[0]) ? ends[0] : undefined };
}
