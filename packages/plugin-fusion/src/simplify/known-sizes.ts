import { contentsOf, inferNode, int64s, isInteger, valueOps, type Dim, type Graph, type Node, type TensorType, type Value } from '@onnxpress/core';
import type { Part, Work } from './part.ts';
import { Scoped } from './scoped.ts';

/**
 * Integers that are computed from sizes with a name (a batch, a length): every value that holds the same ones is replaced by the first. The shapes of thirty layers are computed once. A size that is
 * a number in one place and a list of one in another is computed once too, where that takes fewer nodes.
 */
export const knownSizes: Part = {
  name: 'known sizes',
  run(work) {
    const { model } = work;
    visit(model.graph, work, undefined);
    for (const f of model.functions.values()) visit(f.body, work, undefined);
  },
};

/** `known`: what holds which sizes, in the graphs around this one. */
function visit(graph: Graph, work: Work, known: Scoped<Value> | undefined): void {
  const here = new Scoped(known);
  for (const node of graph.nodes) {
    work.ctx.signal.throwIfAborted();
    for (const inner of node.graphs()) visit(inner, work, here);
    if (!work.mayChange(node) || node.is('Constant')) continue;
    for (const v of node.outputs) if (!v.isUnused) settle(v, graph, work, here);
  }
}

function settle(v: Value, graph: Graph, { ctx }: Work, known: Scoped<Value>): void {
  const type = v.type;
  const contents = type?.kind === 'tensor' && (isInteger(type.dtype) || type.dtype === 'bool') ? contentsOf(v) : undefined;
  const dims = numbersIn(v.dims);
  if (!contents || !dims || type?.kind !== 'tensor') return;
  const key = keyOf(type, dims, contents);
  if (key === undefined) return;
  const before = known.get(key);
  if (before) {
    if (v.isOutput) return;
    graph.replace(v, before);
    ctx.count('merged');
    return;
  }
  const other = dims.length === 0 ? [1] : dims.length === 1 && dims[0] === 1 ? [] : undefined;
  const same = other && known.get(keyOf(type, other, contents) ?? '');
  const made = same && !v.isOutput && v.producer && goesAlone(v.producer, same) ? converted(same, v.producer, graph) : v;
  if (made !== v) {
    graph.replace(v, made);
    ctx.count('merged');
  }
  known.set(key, made);
}

/** Whether something goes with the node, so that one node in its place is less. */
const goesAlone = (node: Node, instead: Value): boolean =>
  node.outputs.length === 1 && node.inputs.some((v) => v && v !== instead && !v.isConstant() && v.producer?.outputs.length === 1 && v.useCount === 1 && !v.isOutput);

/** The number as a list, or the number in a list, before the node. */
function converted(v: Value, before: Node, graph: Graph): Value {
  const op = valueOps(graph, (node) => inferNode(graph.add(node, { before })));
  const first = op.constant(int64s([0]));
  return v.rank === 0 ? op.Unsqueeze(v, first) : op.Squeeze(v, first);
}

const numbersIn = (all: readonly Dim[] | undefined): readonly number[] | undefined => (all?.every((d) => typeof d === 'number') ? all : undefined);

const keyOf = (type: TensorType, dims: readonly number[], contents: readonly Dim[]): string | undefined => (contents.includes(null) ? undefined : JSON.stringify([type.dtype, dims, contents]));
