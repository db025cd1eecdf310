import { OnnxError } from '../error.ts';
import { Value, describe } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { dropUncalled } from '../functions/uncalled.ts';

/**
 * Cuts a model down to what makes `outputs` from `inputs`, values of its main graph: each input is given by the caller from now on, under the name it has, with the type that
 * is known of it. Without `inputs` the graph's own stay, as far as they are needed. Throws `bad-edit` where an output needs an input of the graph that was not given, where an
 * input leads to no output, and where no type is known of a value that is to be given. The model is then half cut: work on a copy.
 */
export function extract(model: Model, inputs: readonly Value[] | undefined, outputs: readonly Value[]): void {
  const { graph } = model;
  const types = new Map(outputs.map((v) => [v, v.type] as const));
  const own = new Set(graph.inputs);
  while (graph.outputs.length > 0) graph.removeOutput(0);
  for (const v of types.keys()) graph.addOutput(v);
  const given = new Set((inputs ?? []).map((v) => (own.has(v) ? v : becomeInput(v, model))));
  for (const [v, type] of types) if (v.declared === undefined) v.type = type;
  graph.prune();

  for (const v of given) if (v.isUnused) throw new OnnxError('bad-edit', `No output needs the input "${v.name}". Leave it out, or ask for an output that depends on it.`);
  const missing = inputs ? graph.inputs.filter((v) => !v.isUnused && !given.has(v) && v.default === undefined) : [];
  if (missing.length > 0) throw new OnnxError('bad-edit', `${missing.map((v) => `"${v.name}"`).join(', ')} ${missing.length === 1 ? 'is' : 'are'} needed${readers(missing[0]!)} and cannot be computed from the given inputs. Give ${missing.length === 1 ? 'it' : 'them'} too, or values behind ${missing.length === 1 ? 'it' : 'them'}.`);
  for (const v of [...graph.inputs]) if (v.isUnused && !given.has(v)) graph.removeInput(v);
  dropUncalled(model);
}

/** The value comes from outside: who made it makes it no more. */
function becomeInput(v: Value, { graph }: Model): Value {
  const { name, type, constant } = v;
  const known = type ?? (constant && { kind: 'tensor' as const, dtype: constant.dtype, dims: constant.dims });
  if (!known) throw new OnnxError('bad-edit', `Nothing is known of the type of "${name}", and an input must have one. Declare it in the model, or cut elsewhere.`);
  if (graph.outputs.includes(v)) throw new OnnxError('bad-edit', `"${name}" is asked for as an input and as an output. Ask for one of them.`);
  graph.rename(v, graph.freshName(`${name}_replaced`));
  const input = graph.addInput(new Value(name, { type: known }));
  graph.replace(v, input);
  return input;
}

function readers(v: Value): string {
  const [use] = v.uses;
  return use ? ` by ${describe(use.node)}` : ' as an output';
}
