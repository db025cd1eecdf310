import { attr, Node, type Graph, type Value } from '@onnxpress/core';
import { branchesOf, moveInto } from './branch-nodes.ts';
import type { Part, Work } from './part.ts';

/** Fewer decisions: a negated condition swaps the branches, and two Ifs on one condition become one where nothing between them needs the first. */
export const conditions: Part = {
  name: 'conditions',
  run(work) {
    for (const graph of [...work.model.graphs()]) {
      work.ctx.signal.throwIfAborted();
      for (const node of graph.nodes) if (node.is('Not') && work.mayChange(node)) swap(node, work);
      for (const all of decisionsIn(graph, work)) mergeAll(all, graph, work);
    }
  },
};

/** Only where nobody but decisions reads the negation: it goes with the last of them. */
function swap(not: Node, { ctx, mayChange }: Work): void {
  if (not.output.isOutput || !not.output.uses.every((u) => u.node.is('If') && mayChange(u.node) && branchesOf(u.node))) return;
  for (const { node } of not.output.uses) {
    const branches = branchesOf(node)!; // each has them
    for (const name of ['then_branch', 'else_branch']) node.setAttr(name, undefined);
    node.setInput(0, not.inputs[0]);
    node.setAttr('then_branch', attr.graph(branches[1]));
    node.setAttr('else_branch', attr.graph(branches[0]));
    ctx.count('replaced');
  }
}

/** Ifs on one condition that can all be where the first is: lists of two and more. */
function decisionsIn(graph: Graph, work: Work): Node[][] {
  const open = new Map<Value, Node[]>();
  const found: Node[][] = [];
  const order = new Map<Node, number>();
  let place = 0;
  for (const node of graph.nodes) {
    order.set(node, place++);
    const [condition] = node.inputs;
    if (!condition || !branchesOf(node) || !work.mayChange(node)) continue;
    const others = open.get(condition);
    const first = others?.[0];
    if (first && isReady(node, first, graph, order)) {
      others.push(node);
      order.set(node, order.get(first)!); // that is where it will be
    } else {
      const alone = [node];
      open.set(condition, alone);
      found.push(alone);
    }
  }
  return found.filter((all) => all.length > 1);
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

/** Puts the branches of all behind those of the first. */
function mergeAll(all: readonly Node[], graph: Graph, work: Work): void {
  work.ctx.signal.throwIfAborted();
  const first = all[0]!; // there are two at least
  const branches = all.map((n) => branchesOf(n)!); // each was looked at
  for (const n of all) for (const name of ['then_branch', 'else_branch']) n.setAttr(name, undefined);
  const outputs = all.flatMap((n) => n.outputs);
  const names = outputs.map((v) => v.name);
  for (const [thens, elses] of branches.slice(1)) [thens, elses].forEach((theirs, i) => append(branches[0]![i]!, theirs, work)); // two each
  const one = new Node('If', first.inputs, { name: first.name, outputs: outputs.length, attrs: [['then_branch', attr.graph(branches[0]![0])], ['else_branch', attr.graph(branches[0]![1])]] });
  graph.add(one, { before: first });
  outputs.forEach((v, i) => {
    one.outputs[i]!.infer(v.type);
    graph.replace(v, one.outputs[i]!);
  });
  for (const n of all.toReversed()) graph.remove(n);
  one.outputs.forEach((v, i) => names[i] && !v.isOutput && graph.freshName(names[i]) === names[i] && graph.rename(v, names[i]));
  work.ctx.count('merged', all.length - 1);
}

function append(branch: Graph, theirs: Graph, work: Work): void {
  const twins = moveInto(branch, theirs, undefined, work);
  for (const v of theirs.outputs) branch.addOutput(twins.get(v) ?? v);
}
