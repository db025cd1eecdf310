import { countOf, integersOf, isFloat, numbersOf, type Node, type Value } from '@onnxpress/onnx';

/**
 * The inputs whose last axis comes out as the last axis of the first output: the same channels in the same order, wherever the other axes go.
 * Empty where channels are mixed, moved or not known. Types must have been inferred.
 */
export function keepsChannels(node: Node): readonly Value[] {
  const [x] = node.inputs;
  if (!x || node.domain !== '') return [];
  if (node.is('Identity') || node.is('Dropout')) return [x];
  if (node.is('Cast')) return isFloatValue(node.output) && isFloatValue(x) ? [x] : [];
  if (!MOVES.has(node.opType)) return [];
  const moved = node.is('Concat') ? node.inputs.flatMap((v) => v ?? []) : [x];
  return moved.every((v) => channelsOf(v) !== undefined && channelsOf(v) === channelsOf(node.output)) && leavesLastAxis(node, x) ? moved : [];
}

/** What moves numbers without computing. */
const MOVES = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Expand', 'Transpose', 'Slice', 'Gather', 'Concat']);

/** The axes that are not last keep their order within the last one: for those that name axes it has to be asked. */
function leavesLastAxis(node: Node, x: Value): boolean {
  const rank = x.rank ?? 0;
  const isLast = (axis: number): boolean => axis === -1 || axis === rank - 1;
  if (node.is('Transpose')) return node.ints('perm')?.at(-1) === rank - 1;
  if (node.is('Gather') || node.is('Concat')) return !isLast(node.int('axis', 0)) && (node.is('Concat') || !x.isConstant());
  if (node.is('Slice')) return integersOf(node, 'axes')?.every((a) => !isLast(a)) === true;
  return true;
}

/** How many channels the last axis has, where that is known. */
export function channelsOf(v: Value): number | undefined {
  const last = v.dims?.at(-1);
  return typeof last === 'number' ? last : undefined;
}

/** The value behind nodes that do nothing to numbers: Identity, Dropout, casts from float to float. */
export function plain(v: Value): Value {
  for (let at = v; ; ) {
    const node = at.producer;
    const behind = node && (node.is('Identity') || node.is('Dropout') || node.is('Cast')) && keepsChannels(node)[0];
    if (!behind) return at;
    at = behind;
  }
}

/** The number that a constant of one element holds. */
export function scalarOf(v: Value | undefined): number | undefined {
  const tensor = v && plain(v).constant;
  return tensor && isFloat(tensor.dtype) && countOf(tensor.dims) === 1 ? numbersOf(tensor)[0] : undefined;
}

const isFloatValue = (v: Value): boolean => v.type?.kind === 'tensor' && isFloat(v.type.dtype);
