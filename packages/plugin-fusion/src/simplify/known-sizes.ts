import { contentsOf, isInteger, type Dim, type Graph, type TensorType, type Value } from '@onnxpress/core';
import type { Part, Work } from './part.ts';
import { Scoped } from './scoped.ts';

/** Integers that are computed from sizes with a name (a batch, a length): every value that holds the same ones is replaced by the first. The shapes of thirty layers are computed once. */
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
  if (!before) known.set(key, v);
  else if (!v.isOutput) {
    graph.replace(v, before);
    ctx.count('merged');
  }
}

const numbersIn = (all: readonly Dim[] | undefined): readonly number[] | undefined => (all?.every((d) => typeof d === 'number') ? all : undefined);

const keyOf = (type: TensorType, dims: readonly number[], contents: readonly Dim[]): string | undefined => (contents.includes(null) ? undefined : JSON.stringify([type.dtype, dims, contents]));
