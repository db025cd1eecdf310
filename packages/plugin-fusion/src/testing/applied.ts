import { inferNode, inferTypes, parseModel, rewrite, type Graph, type Model, type Node, type Rule, type Value } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { workOn, type Part } from '../simplify/part.ts';

/** What rules leave of a model given as text: its nodes, each as `y = Relu(x)`, those of subgraphs indented behind their node. */
export function applied(text: string, rules: readonly Rule[]): string[] {
  const model = parseModel(text);
  inferTypes(model);
  rewrite(model, rules, { infer: inferNode });
  return shown(model);
}

/** What a part leaves. */
export async function after(text: string, part: Part, exclude: (node: Node) => boolean = () => false): Promise<string[]> {
  return shown(await afterPart(text, part, exclude));
}

export async function afterPart(text: string, part: Part, exclude: (node: Node) => boolean = () => false): Promise<Model> {
  const model = parseModel(text);
  inferTypes(model);
  await part.run({ ...workOn(model, [], testPassContext()), mayChange: (node) => !exclude(node), excludes: true });
  return model;
}

/** The nodes as they are. */
export function shown(model: Model): string[] {
  return [...linesOf(model.graph, ''), ...[...model.functions.values()].flatMap((f) => [`${f.name}:`, ...linesOf(f.body, '  ')])];
}

function linesOf(graph: Graph, indent: string): string[] {
  return graph.ordered().flatMap((n) => {
    const inputs = n.inputs.map(nameOf);
    while (inputs.at(-1) === '') inputs.pop();
    return [`${indent}${n.outputs.map(nameOf).join(', ')} = ${n.opType}(${inputs.join(', ')})`, ...n.graphs().flatMap((g) => linesOf(g, `${indent}  `))];
  });
}

/** Names of constants that a rule made say nothing. */
const nameOf = (v: Value | undefined): string => (v && /(^|_)constant(_\d+)?$/.test(v.name) ? 'constant' : (v?.name ?? ''));
