import { cloneGraph, Node, type Attr, type Graph, type Value } from '@onnxpress/core';
import { addConstant } from './constants.ts';
import type { Work } from './part.ts';

/** Adds everything in a branch to another graph, before a node of it or at its end. Names stay where they are free. `given` stands for its inputs. Gives what each value has become. */
export function moveInto(graph: Graph, branch: Graph, before: Node | undefined, { model }: Pick<Work, 'model'>, given: ReadonlyMap<Value, Value> = new Map()): Map<Value, Value> {
  const twins = new Map(given);
  for (const v of branch.initializers.values()) twins.set(v, addConstant(model, graph, v.constant, v.name, before));
  for (const inner of branch.ordered()) graph.add(copied(inner, graph, twins), { before });
  return twins;
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

/** The two branches of an If. */
export function branchesOf(node: Node): readonly [Graph, Graph] | undefined {
  const [t, e] = [node.attrs.get('then_branch'), node.attrs.get('else_branch')];
  return node.is('If') && t?.type === 'graph' && e?.type === 'graph' ? [t.value, e.value] : undefined;
}
