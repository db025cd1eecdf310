import { int64s, integersOf, valueOps, type Graph, type Node, type Value } from '@onnxpress/core';
import type { Part, Work } from './part.ts';

/** Slices that cut a value into parts along one axis, with nothing left over and nothing twice: one Split. The halves of a rotary embedding or of a gate. */
export const splitSlices: Part = {
  name: 'slices',
  run(work) {
    for (const graph of [...work.model.graphs()]) {
      for (const cuts of cutsIn(graph, work)) {
        work.ctx.signal.throwIfAborted();
        split(graph, cuts, work);
      }
    }
  },
};

/** A Slice along one axis, with step 1. */
interface Cut {
  readonly node: Node;
  readonly x: Value;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts of one value along one axis that fit together. */
interface Cuts {
  /** From the start of the value to its end. */
  readonly cuts: readonly Cut[];
  /** The Slice that comes first in the graph. */
  readonly first: Node;
}

function cutsIn(graph: Graph, { mayChange }: Work): Cuts[] {
  const found = new Map<string, Cut[]>();
  for (const node of graph.nodes) {
    const cut = node.is('Slice') && mayChange(node) ? cutOf(node) : undefined;
    if (!cut || cut.x.graph !== graph) continue;
    const key = `${cut.axis} ${cut.x.name}`; // a name is one value in its graph
    found.set(key, [...(found.get(key) ?? []), cut]);
  }
  return [...found.values()].filter((all) => all.length > 1).flatMap((all) => {
    const cuts = all.toSorted((a, b) => a.start - b.start);
    return fitTogether(cuts) ? [{ cuts, first: all[0]!.node }] : [];
  });
}

function cutOf(node: Node): Cut | undefined {
  const [x] = node.inputs;
  const [starts, ends] = [integersOf(node, 'starts'), integersOf(node, 'ends')];
  const steps = node.inputs[4] ? integersOf(node, 'steps') : [1];
  const axes = node.inputs[3] || node.attrs.has('axes') ? integersOf(node, 'axes') : [0];
  if (!x?.dims || starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1 || steps?.[0] !== 1 || node.output.isUnused) return undefined;
  const axis = axes[0]! < 0 ? axes[0]! + x.dims.length : axes[0]!;
  const size = x.dims[axis];
  if (typeof size !== 'number') return undefined;
  const place = (p: number): number => Math.min(Math.max(p < 0 ? p + size : p, 0), size);
  return { node, x, axis, start: place(starts[0]!), end: place(ends[0]!) };
}

function fitTogether(cuts: readonly Cut[]): boolean {
  const { x, axis } = cuts[0]!; // there are two at least
  const size = x.dims![axis];
  return cuts.every((c, i) => c.start === (cuts[i - 1]?.end ?? 0) && c.end > c.start) && cuts.at(-1)!.end === size;
}

function split(graph: Graph, { cuts, first }: Cuts, { ctx }: Work): void {
  const { node: some, axis } = cuts[0]!;
  const x = some.inputs[0]!; // not as it was found: that may have been a cut itself, and is a part of a Split by now
  const op = valueOps(graph, (node) => void graph.add(node, { before: first }));
  const sizes = cuts.map((c) => c.end - c.start);
  const even = sizes.every((s) => s === sizes[0]);
  const parts = op.outputs(cuts.length).Split(x, even ? undefined : op.constant(int64s(sizes)), { axis });
  cuts.forEach(({ node }, i) => {
    const part = parts[i]!; // as many as cuts
    part.infer(node.output.type);
    graph.replace(node.output, part);
    graph.remove(node);
  });
  ctx.count('merged', cuts.length - 1);
}
