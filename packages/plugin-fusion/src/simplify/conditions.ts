import { attr, Node, type Graph, type Value } from '@onnxpress/core';
import { branchesOf, moveInto } from './branch-nodes.ts';
import type { Part, Work } from './part.ts';

/** Fewer decisions: a negated condition swaps the branches, and two Ifs on one condition become one where nothing between them needs the first. */
export const conditions: Part = {
  name: 'conditions',
  run(work) {
    for (const graph of [...work.model.graphs()]) {
      work.ctx.signal.throwIfAborted();
      for (const node of graph.nodes) if (node.is('If') && work.mayChange(node)) swap(node, work);
      while (mergeOne(graph, work)) work.ctx.signal.throwIfAborted();
    }
  },
};

/** Only where nobody but decisions reads the negation: it goes with the last of them. */
function swap(node: Node, { ctx, mayChange }: Work): void {
  const [condition] = node.inputs;
  const not = condition?.producer;
  const branches = branchesOf(node);
  if (!not?.is('Not') || !mayChange(not) || !branches || condition?.isOutput || !condition?.uses.every((u) => u.node.is('If') && mayChange(u.node))) return;
  for (const name of ['then_branch', 'else_branch']) node.setAttr(name, undefined);
  node.setInput(0, not.inputs[0]);
  node.setAttr('then_branch', attr.graph(branches[1]));
  node.setAttr('else_branch', attr.graph(branches[0]));
  ctx.count('replaced');
}

function mergeOne(graph: Graph, work: Work): boolean {
  const seen = new Map<Value, Node>();
  const order = new Map<Node, number>();
  for (const node of graph.nodes) {
    order.set(node, order.size);
    const [condition] = node.inputs;
    if (!condition || !branchesOf(node) || !work.mayChange(node)) continue;
    const first = seen.get(condition);
    if (first && isReady(node, first, graph, order)) {
      mergeInto(first, node, graph, work);
      return true;
    }
    seen.set(condition, node);
  }
  return false;
}

/** Whether all that the branches read is made in front of the first If. */
function isReady(node: Node, first: Node, graph: Graph, order: ReadonlyMap<Node, number>): boolean {
  const made = (v: Value): boolean => v.graph !== graph || !v.producer || order.get(v.producer)! < order.get(first)!; // what it reads comes before it
  return node.graphs().every((g) => outerReads(g).every(made));
}

function outerReads(g: Graph): Value[] {
  const own = [...g.nodes].flatMap((n) => [...n.inputs.filter((v) => v !== undefined), ...n.graphs().flatMap(outerReads)]);
  return [...own, ...g.outputs].filter((v) => v.graph !== g);
}

/** Puts the branches of the second behind those of the first. */
function mergeInto(first: Node, second: Node, graph: Graph, work: Work): void {
  const [ours, theirs] = [branchesOf(first)!, branchesOf(second)!]; // both were looked at
  for (const n of [first, second]) for (const name of ['then_branch', 'else_branch']) n.setAttr(name, undefined);
  const names = [first, second].flatMap((n) => n.outputs.map((v) => v.name));
  const both = new Node('If', first.inputs, { name: first.name, outputs: first.outputs.length + second.outputs.length, attrs: [['then_branch', attr.graph(ours[0])], ['else_branch', attr.graph(ours[1])]] });
  graph.add(both, { before: first });
  ours.forEach((branch, i) => {
    const twins = moveInto(branch, theirs[i]!, undefined, work);
    for (const v of theirs[i]!.outputs) branch.addOutput(twins.get(v) ?? v);
  });
  [...first.outputs, ...second.outputs].forEach((v, i) => {
    both.outputs[i]!.infer(v.type);
    graph.replace(v, both.outputs[i]!);
  });
  graph.remove(second);
  graph.remove(first);
  both.outputs.forEach((v, i) => names[i] && !v.isOutput && graph.freshName(names[i]) === names[i] && graph.rename(v, names[i]));
  work.ctx.count('merged');
}
