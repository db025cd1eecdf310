import { contentsOf, numbersOf, type Graph, type Node } from '@onnxpress/core';
import { moveInto } from './branch-nodes.ts';
import type { Part, Work } from './part.ts';

/** An If whose condition is known: the branch that is taken, in place of the node. What is outermost comes first, so that a branch that is not taken costs nothing. */
export const inlineIf: Part = {
  name: 'constant conditions',
  run(work) {
    while (inlineAll(work)) work.ctx.signal.throwIfAborted(); // what comes out of a branch lies in front of the walk
  },
};

/** Whether any was inlined. */
function inlineAll(work: Work): boolean {
  let inlined = false;
  for (const node of work.model.nodes()) {
    if (!node.is('If') || !node.graph || !work.mayChange(node)) continue;
    const branch = takenBranch(node);
    if (!branch) continue;
    inline(node, node.graph, branch, work);
    inlined = true;
  }
  return inlined;
}

function takenBranch(node: Node): Graph | undefined {
  const [condition] = node.inputs;
  const known = condition?.constant ? numbersOf(condition.constant)[0] : condition && contentsOf(condition)?.[0];
  if (typeof known !== 'number') return undefined;
  const a = node.attrs.get(known !== 0 ? 'then_branch' : 'else_branch');
  return a?.type === 'graph' ? a.value : undefined;
}

/** Moves the branch into the graph around it. */
function inline(node: Node, graph: Graph, branch: Graph, work: Work): void {
  for (const name of ['then_branch', 'else_branch']) node.setAttr(name, undefined); // frees their names, and what they read
  const twins = moveInto(graph, branch, node, work);
  node.outputs.forEach((v, i) => {
    const given = branch.outputs[i];
    if (given && !v.isUnused) graph.replace(v, twins.get(given) ?? given);
  });
  graph.remove(node);
  work.ctx.count('inlined');
}
