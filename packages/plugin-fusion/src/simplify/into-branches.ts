import { Node, type Graph, type Value } from '@onnxpress/core';
import { branchesOf } from './branch-nodes.ts';
import type { Part, Work } from './part.ts';

/** Operators that cost nothing and merge with what they meet in a branch. */
const MOVABLE = ['Unsqueeze', 'Squeeze'];

/**
 * An Unsqueeze or Squeeze that alone reads a result of an If, into its branches, where one of them only passes a value on and the other ends with the same operator: there it
 * takes the place of an Identity, and merges.
 */
export const intoBranches: Part = {
  name: 'branches',
  run(work) {
    for (const graph of [...work.model.graphs()]) {
      work.ctx.signal.throwIfAborted();
      const before = new Set<Node>();
      for (const node of graph.nodes) {
        if (node.is('If') && work.mayChange(node)) node.outputs.forEach((v, i) => move(v, i, node, graph, before, work));
        before.add(node);
      }
    }
  },
};

function move(v: Value, index: number, node: Node, graph: Graph, before: ReadonlySet<Node>, { ctx, mayChange }: Work): void {
  const branches = branchesOf(node);
  const reader = v.useCount === 1 && !v.isOutput ? v.uses[0]!.node : undefined;
  if (!branches || !reader || reader.graph !== graph || !MOVABLE.includes(reader.opType) || reader.domain !== '' || !mayChange(reader)) return;
  const others = reader.inputs.slice(1);
  if (reader.inputs[0] !== v || reader.output.isOutput || !others.every((w) => w?.isConstant() && (w.producer?.graph !== graph || before.has(w.producer)))) return;
  const makers = branches.map((b) => makerOf(b, index));
  const passes = makers.filter((m) => m?.is('Identity')).length;
  if (passes === 0 || !makers.every((m) => m && (m.is('Identity') || m.is(reader.opType)))) return;
  branches.forEach((b, i) => retarget(b, index, makers[i]!, reader));
  node.outputs[index]!.type = undefined; // it was that of the value before
  graph.replace(reader.output, v);
  graph.remove(reader);
  ctx.count('removed');
}

/** The node of the branch that makes the result, and nothing else. */
function makerOf(branch: Graph, index: number): Node | undefined {
  const out = branch.outputs[index];
  const single = out?.useCount === 0 && branch.outputs.filter((v) => v === out).length === 1;
  return single && out.producer?.graph === branch ? out.producer : undefined;
}

function retarget(branch: Graph, index: number, maker: Node, reader: Node): void {
  const passed = maker.is('Identity') ? maker.inputs[0] : maker.output;
  const attrs = [...reader.attrs];
  const moved = branch.add(new Node(reader.opType, [passed, ...reader.inputs.slice(1)], { attrs, name: reader.name, outputs: [branch.freshName(reader.output.name)] }));
  branch.setOutput(index, moved.output);
  if (maker.is('Identity')) branch.remove(maker);
}
