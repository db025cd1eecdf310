import { attr, bigintsOf, int64s, Node, scalar, type Graph, type Value } from '@onnxpress/core';
import { moveInto } from './branch-nodes.ts';
import { addConstant } from './constants.ts';
import type { Part, Work } from './part.ts';

/** From here on Unsqueeze has its axes as an input. */
const AXES_ARE_INPUT = 13;

/** A Loop that runs exactly once: its body, in place of the node. */
export const loopOnce: Part = {
  name: 'loops that run once',
  run(work) {
    for (const node of [...work.model.nodes()]) {
      if (!node.is('Loop') || !node.graph || !work.mayChange(node)) continue;
      const body = node.attrs.get('body');
      if (body?.type === 'graph' && runsOnce(node)) inline(node, node.graph, body.value, work);
    }
  },
};

/** The count is 1 and the first condition is true. Whether the body would go on does not matter then. */
function runsOnce(node: Node): boolean {
  const [count, condition] = node.inputs;
  const once = count?.constant?.dtype === 'int64' && bigintsOf(count.constant)[0] === 1n;
  return once && (condition === undefined || condition.constant?.bytes()[0] === 1);
}

/** Moves the body into the graph around it. Slices that the Loop stacks are stacks of one. */
function inline(node: Node, graph: Graph, body: Graph, work: Work): void {
  const { model } = work;
  const [, , ...states] = node.inputs;
  const [number, condition, ...inner] = body.inputs;
  if (inner.length !== states.length || states.some((v) => !v) || !number || !condition) return;
  node.setAttr('body', undefined); // frees its names, and what it reads
  const given = [addConstant(model, graph, scalar('int64', 0), 'iteration', node), addConstant(model, graph, scalar('bool', 1), 'condition', node), ...states];
  const twins = moveInto(graph, body, node, work, new Map([number, condition, ...inner].map((v, i) => [v, given[i]!] as const))); // as many, as checked
  const asInput = (graph.opsets.get('') ?? 0) >= AXES_ARE_INPUT;
  const first = asInput ? addConstant(model, graph, int64s([0]), 'axes', node) : undefined;
  const stacked = (v: Value): Node => (first ? new Node('Unsqueeze', [v, first]) : new Node('Unsqueeze', [v], { attrs: [['axes', attr.ints([0])]] }));
  node.outputs.forEach((v, i) => {
    const made = body.outputs[i + 1]; // the first says whether to go on
    if (!made || v.isUnused) return;
    const result = twins.get(made) ?? made;
    graph.replace(v, i < states.length ? result : graph.add(stacked(result), { before: node }).output);
  });
  graph.remove(node);
  work.ctx.count('inlined');
}
