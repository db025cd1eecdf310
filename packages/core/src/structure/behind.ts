import { countOf, integersOf, numbersOf, weightOf, type Node, type Use, type Value } from '@onnxpress/onnx';
import { linearOf, type Linear } from './linear.ts';
import { channelsOf, keepsChannels, scalarOf } from './passage.ts';

/** A vector of constants that holds a number for each channel, from index `from` on. */
export interface VectorPart {
  readonly place: Use;
  readonly from: number;
}

/** A linear map whose outputs, from `from` on, are the channels of a value; biases that are added on the way; the nodes on the way. */
export interface LinearBehind {
  readonly linear: Linear;
  readonly from: number;
  readonly vectors: readonly VectorPart[];
  readonly path: readonly Node[];
}

/** The linear map that a value comes from through biases, movement of other axes and splits of the last one; the reason where there is none. */
export function linearBehind(value: Value): LinearBehind | string {
  const vectors: VectorPart[] = [];
  const path: Node[] = [];
  let from = 0;
  for (let v = value; ; ) {
    const node = v.producer;
    if (!node) return `"${v.name}" is given to the graph`;
    const linear = linearOf(node);
    if (linear && !node.is('Attention', 'com.microsoft')) return { linear, from, vectors, path };
    const step = stepBehind(node, v, path);
    if (typeof step === 'string') return step;
    if (step.vector) vectors.push({ place: step.vector, from });
    from += step.skip;
    path.push(node);
    v = step.value;
  }
}

interface Step {
  readonly value: Value;
  /** How many channels lie before these in the value behind. */
  readonly skip: number;
  readonly vector?: Use;
}

function stepBehind(node: Node, v: Value, path: readonly Node[]): Step | string {
  if (node.is('Add')) {
    const index = node.inputs.findIndex((x) => x !== undefined && weightOf(x) !== undefined);
    const other = node.inputs[1 - index];
    if (index < 0 || !other) return `${node.opType} joins it with another value`;
    const added = node.inputs[index]!; // found above
    return channelsOf(added) === channelsOf(v) && channelsOf(other) === channelsOf(v) ? { value: other, skip: 0, vector: { node, index } } : `"${added.name}" adds one number to all channels`;
  }
  if (node.is('Split')) return splitBehind(node, v);
  const moved = keepsChannels(node).filter((x) => !x.isConstant() && !x.isInput);
  if (moved.length === 1) return { value: moved[0]!, skip: 0 };
  return moved.length > 1 ? `${node.opType} joins several values` : splitHeads(node, v, path);
}

function splitBehind(node: Node, v: Value): Step | string {
  const [x] = node.inputs;
  const axis = node.int('axis', 0);
  if (!x || (axis !== -1 && axis !== (x.rank ?? 0) - 1)) return x && channelsOf(x) === channelsOf(v) ? { value: x, skip: 0 } : 'a Split takes it apart';
  const before = node.outputs.slice(0, node.outputs.indexOf(v)).map(channelsOf);
  return before.every((n) => n !== undefined) ? { value: x, skip: before.reduce((sum, n) => sum + n, 0) } : 'a Split takes it apart at a place that is not known';
}

/** [.., heads · size] cut into [.., heads, size], or [.., 3 · heads · size] into [.., 3, heads, size] of which one part was taken since: channels in the same order. */
function splitHeads(node: Node, v: Value, path: readonly Node[]): Step | string {
  const [x] = node.inputs;
  if (!x || !node.is('Reshape')) return `${node.domain ? `${node.domain}.` : ''}${node.opType} stands between`;
  const [parts, heads, size] = [v.dims?.at(-3), v.dims?.at(-2), v.dims?.at(-1)];
  const whole = channelsOf(x);
  if (typeof heads === 'number' && typeof size === 'number' && heads * size === whole) return { value: x, skip: 0 };
  const picked = path.flatMap((n) => pickedBy(n) ?? []);
  const isPacked = typeof parts === 'number' && typeof heads === 'number' && typeof size === 'number' && parts * heads * size === whole;
  return isPacked && picked.length === 1 && picked[0]! < parts ? { value: x, skip: picked[0]! * heads * size } : 'a Reshape mixes its channels with another axis';
}

/** Which element of the first axis a node takes. */
export function pickedBy(node: Node): number | undefined {
  const [x, index] = node.inputs;
  if (node.is('Gather')) return index && node.int('axis', 0) === 0 && index.isConstant() && countOf(index.constant.dims) === 1 ? numbersOf(index.constant)[0] : undefined;
  const starts = node.is('Slice') && integersOf(node, 'axes')?.join() === '0' ? integersOf(node, 'starts') : undefined;
  return starts?.length === 1 && x && node.output.dims?.[0] === 1 ? starts[0] : undefined;
}

/** The value behind movement that keeps channels, and behind a Where that puts a number in place of what is not one. */
export function unmoved(value: Value): { readonly value: Value; readonly path: readonly Node[] } {
  const path: Node[] = [];
  for (let v = value; ; ) {
    const node = v.producer;
    const guarded = node && guardedBy(node);
    const next = guarded?.value ?? (node && movedBy(node));
    if (!node || !next) return { value: v, path };
    path.push(node, ...(guarded?.nodes ?? []));
    v = next;
  }
}

function movedBy(node: Node): Value | undefined {
  const moved = keepsChannels(node);
  return moved.length === 1 && !moved[0]!.isConstant() ? moved[0] : undefined;
}

/** Where(IsNaN(x), 0, x): rows of nothing but padding. */
function guardedBy(node: Node): { readonly value: Value; readonly nodes: readonly Node[] } | undefined {
  const [condition, zero, x] = node.inputs;
  const test = node.is('Where') ? condition?.producer : undefined;
  return test?.is('IsNaN') && x && test.inputs[0] === x && scalarOf(zero) === 0 ? { value: x, nodes: [test] } : undefined;
}
