import { cloneGraph, contentsOf, Node, numbersOf, type Attr, type Graph, type Value } from '@onnxpress/core';
import { addConstant } from './constants.ts';
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

/** Moves the branch into the graph around it. Its names stay where they are free. */
function inline(node: Node, graph: Graph, branch: Graph, { model, ctx }: Work): void {
  for (const name of ['then_branch', 'else_branch']) node.setAttr(name, undefined); // frees their names, and what they read
  const twins = new Map<Value, Value>();
  for (const v of branch.initializers.values()) twins.set(v, addConstant(model, graph, v.constant, v.name, node));
  for (const inner of branch.ordered()) graph.add(copied(inner, graph, twins), { before: node });
  node.outputs.forEach((v, i) => {
    const given = branch.outputs[i];
    if (given && !v.isUnused) graph.replace(v, twins.get(given) ?? given);
  });
  graph.remove(node);
  ctx.count('inlined');
}

/** A copy of a node that reads `twins`, with names that are free. */
function copied(n: Node, graph: Graph, twins: Map<Value, Value>): Node {
  const inputs = n.inputs.map((v) => v && (twins.get(v) ?? v));
  const attrs = [...n.attrs].map(([name, a]): readonly [string, Attr] => {
    if (a.type === 'graph') return [name, { ...a, value: cloneGraph(a.value, twins) }];
    return [name, a.type === 'graphs' ? { ...a, value: a.value.map((g) => cloneGraph(g, twins)) } : a];
  });
  const taken = new Set<string>();
  const outputs = n.outputs.map((v) => (v.name === '' ? '' : free(v.name, graph, taken)));
  const copy = new Node(n.opType, inputs, { domain: n.domain, overload: n.overload, name: n.name, outputs, attrs, notes: n.notes });
  n.outputs.forEach((v, i) => {
    const twin = copy.outputs[i]!; // as many
    twin.type = v.declared;
    if (v.type !== v.declared) twin.infer(v.type);
    twins.set(v, twin);
  });
  return copy;
}

function free(hint: string, graph: Graph, taken: Set<string>): string {
  let name = graph.freshName(hint);
  for (let i = 1; taken.has(name); i++) name = graph.freshName(`${hint}_${i}`);
  taken.add(name);
  return name;
}
