import { definePass, extract as cut, inferTypes, namesFitting, nearest, OnnxError, type Graph, type Value } from '@onnxpress/core';

/** Names shown of those that there are. */
const MOST_SHOWN = 8;

/** Cuts a model between named values: to look at a part, to run a part, to find where two models begin to differ. */
export const extract = definePass({
  name: 'fusion/extract',
  summary: 'Cuts a model between named values: what makes the outputs from the inputs stays, under the same names.',
  numerics: 'exact',
  signature: 'its inputs and outputs are the ones that were asked for',
  options: {
    inputs: { type: 'array', items: { type: 'string' }, default: [], description: 'Values that are given from now on, by name or as globs over names. None: the inputs of the model, as far as they are needed.' },
    outputs: { type: 'array', items: { type: 'string' }, default: [], description: 'Values that are asked for, by name or as globs over names. None: the outputs of the model.' },
  },
  run(model, options, ctx) {
    ctx.signal.throwIfAborted();
    if (options.inputs.length === 0 && options.outputs.length === 0) return;
    inferTypes(model);
    const { graph } = model;
    const inputs = options.inputs.length > 0 ? named(options.inputs, 'inputs', graph) : undefined;
    const outputs = options.outputs.length > 0 ? named(options.outputs, 'outputs', graph) : graph.outputs;
    if (isCut(graph, inputs, outputs)) return;
    cut(model, inputs, outputs);
  },
});

/** Whether the model is already what was asked for. */
function isCut(graph: Graph, inputs: readonly Value[] | undefined, outputs: readonly Value[]): boolean {
  const same = (a: readonly Value[], b: readonly Value[]): boolean => a.length === b.length && a.every((v) => b.includes(v));
  return same(outputs, graph.outputs) && (inputs === undefined || same(inputs, graph.inputs));
}

function named(patterns: readonly string[], option: string, graph: Graph): Value[] {
  const values = valuesOf(graph);
  const names = values.map((v) => v.name);
  const byName = new Map(values.map((v) => [v.name, v] as const));
  return [...new Set(patterns.flatMap((pattern) => {
    const found = namesFitting(pattern, names);
    if (found.length === 0) throw new OnnxError('bad-edit', `"${pattern}" under ${option} names no value of the model's main graph.${hint(pattern, names)}`);
    return found.map((name) => byName.get(name)!); // found among them
  }))];
}

function hint(pattern: string, names: readonly string[]): string {
  const close = nearest(pattern, names);
  if (close !== undefined) return ` Did you mean "${close}"?`;
  const like = names.filter((name) => name.toLowerCase().includes(pattern.replaceAll('*', '').toLowerCase()));
  const shown = (like.length > 0 ? like : names).slice(0, MOST_SHOWN);
  return ` There ${shown.length === 1 ? 'is' : 'are'}: ${shown.map((name) => `"${name}"`).join(', ')}${shown.length < names.length ? ' and others' : ''}.`;
}

/** In the order of computation: inputs, weights, what nodes make. */
const valuesOf = (graph: Graph): Value[] => [...graph.inputs, ...graph.initializers.values(), ...[...graph.nodes].flatMap((n) => n.outputs.filter((v) => v.name !== ''))];
