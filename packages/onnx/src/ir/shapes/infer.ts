import { OnnxError } from '../../error.ts';
import { Graph, type Node, type Value } from '../graph.ts';
import { functionKey, type Model } from '../model.ts';
import { latestOpset } from '../schema.ts';
import { tensorType, type ValueType } from '../types.ts';
import { inferContents, noteContents, type Contents } from './contents.ts';
import { bodyTypes, inferCall } from './calls.ts';
import { Facts, type Rule, type Rules } from './facts.ts';
import { schemaTypes } from './generic.ts';
import { eachPair, mapDims, mergeTypes } from './merge.ts';
import { CONVOLUTION } from './rules/convolution.ts';
import { ELEMENTWISE } from './rules/elementwise.ts';
import { GENERATION } from './rules/generation.ts';
import { LINEAR, PREVIEW } from './rules/linear.ts';
import { MICROSOFT } from './rules/microsoft.ts';
import { ML } from './rules/ml.ts';
import { QUANTIZATION } from './rules/quantization.ts';
import { RECURRENT } from './rules/recurrent.ts';
import { REDUCTION } from './rules/reduction.ts';
import { RESHAPING } from './rules/reshaping.ts';
import { SELECTION } from './rules/selection.ts';
import { SEQUENCE } from './rules/sequence.ts';
import { newScope, scopeFor, type InferOptions, type Scope } from './scope.ts';
import { inferSubgraphs } from './subgraphs.ts';
import { TRAINING } from './rules/training.ts';

const RULES: Readonly<Record<string, Rules>> = {
  '': { ...ELEMENTWISE, ...RESHAPING, ...SELECTION, ...LINEAR, ...CONVOLUTION, ...REDUCTION, ...RECURRENT, ...SEQUENCE, ...QUANTIZATION, ...GENERATION },
  'ai.onnx.ml': ML,
  'ai.onnx.preview': PREVIEW,
  'ai.onnx.preview.training': TRAINING,
  'com.microsoft': MICROSOFT,
};

/** What is found out about one output. */
export interface Found {
  readonly type: ValueType | undefined;
  readonly contents?: Contents | undefined;
}

/**
 * Infers the types of a node's outputs from the types and constants of its inputs, and those of everything in its subgraphs. Where it is not sure it says
 * less. It throws for nothing that is wrong with the node. Calls of functions are followed where `inferTypes` saw the model before.
 */
export function inferNode(node: Node): void {
  if (node.graph) inferWithin(node, scopeFor(node.graph));
}

/**
 * Infers the types of every value, in the order of computation, in subgraphs and functions too. Values of a function's body get what holds in every call.
 * An input's dimension without a name gets one, "input_ids.0", that only inferred types show.
 */
export function inferTypes(target: Model | Graph, options: InferOptions = {}): void {
  const whole = target instanceof Graph ? undefined : target;
  const graph = target instanceof Graph ? target : target.graph;
  const functions = whole?.functions ?? scopeFor(graph).functions;
  const scope = whole || !graph.parent ? newScope([graph, ...[...functions.values()].map((f) => f.body)], functions, options) : scopeFor(graph);
  const run = (): void => {
    const bodies = whole && bodyTypes(scope);
    if (!graph.parent) nameInputs(graph, scope);
    inferGraph(graph, scope);
    bodies?.settle();
  };
  run();
  if (scope.proved.size === 0) return;
  for (const name of scope.proved) scope.sizes.mean(name);
  run();
}

/** A size that somebody gives is one size wherever it is used: so it needs a name. */
function nameInputs(graph: Graph, scope: Scope): void {
  for (const v of graph.inputs) {
    const t = v.declared;
    if (t?.kind !== 'tensor' || !t.dims) continue;
    const dims = t.dims.map((d, i) => scope.sizes.known(d) ?? (scope.declared.has(`${v.name}.${i}`) ? null : `${v.name}.${i}`));
    v.infer({ ...t, dims });
  }
}

/** The graph's inputs have their types; everything behind them gets one. */
export function inferGraph(graph: Graph, scope: Scope): void {
  for (const v of graph.inputs) if (v.type && v.type === v.declared) setType(v, v.type, scope);
  for (const n of graph.ordered()) inferWithin(n, scope);
}

function inferWithin(node: Node, scope: Scope): void {
  for (const v of node.inputs) for (const d of v?.declared && 'dims' in v.declared ? (v.declared.dims ?? []) : []) if (typeof d === 'string') scope.sizes.take(d);
  const found = findTypes(node, scope);
  const fallback = found.length < node.outputs.length || found.some((f) => !f.type) ? schemaTypes(node, opsetOf(node)) : [];
  for (const [i, v] of node.outputs.entries()) setType(v, found[i]?.type ?? fallback[i], scope);
  const contents = found.some((f) => f.contents) ? found.map((f) => f.contents) : guarded(() => inferContents(node, opsetOf(node), scope.sizes), []);
  for (const [i, v] of node.outputs.entries()) noteContents(v, matching(contents[i], v));
}

/** Contents that do not have the shape that the value has come from a mistake in the model. */
function matching(contents: Contents | undefined, v: Value): Contents | undefined {
  const { dims } = v;
  const fits = !dims || (dims.length === contents?.dims.length && dims.every((d, i) => typeof d !== 'number' || d === contents.dims[i]));
  return fits ? contents : undefined;
}

function findTypes(node: Node, scope: Scope): readonly Found[] {
  const { constant } = node.outputs[0] ?? {};
  if (constant) return [{ type: tensorType(constant.dtype, constant.dims) }];
  const facts = new Facts(node, opsetOf(node), scope.sizes);
  const def = scope.functions.get(functionKey(node.domain, node.opType, node.overload));
  if (def) return inferCall(node, def, scope);
  const inside = node.graphs().length > 0 ? inferSubgraphs(facts, scope) : [];
  if (inside.length > 0) return inside;
  const rule = [...node.attrs.values()].some((a) => a.type === 'ref') ? undefined : ruleFor(node);
  const result = rule && guarded(() => rule(facts), undefined);
  if (result === undefined) return [];
  return 'kind' in result ? [{ type: result }] : result.map((type) => ({ type }));
}

const ruleFor = (node: Node): Rule | undefined => {
  const rules = RULES[node.domain];
  return rules && Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined;
};

/** Whether there is a rule for the operator, beyond the element types that its schema gives. */
export const hasRule = (node: Node): boolean => ruleFor(node) !== undefined || node.graphs().length > 0 || node.is('Constant');

export const opsetOf = (node: Node): number => node.graph?.opsets.get(node.domain) ?? latestOpset(node.domain) ?? 1;

/** A model may be wrong in ways that reading it does not show; then nothing is known. */
function guarded<T>(f: () => T, otherwise: T): T {
  try {
    return f();
  } catch (error) {
    if (error instanceof OnnxError) return otherwise;
    throw error;
  }
}

/** Gives a value what was inferred, merged with what the file declares. */
export function setType(value: Value, inferred: ValueType | undefined, scope: Scope): void {
  const known = (t: ValueType | undefined): ValueType | undefined => t && mapDims(t, (d) => scope.sizes.known(d));
  const type = known(inferred);
  eachPair(value.declared, type, (d, found) => void (typeof d === 'string' && scope.sizes.readsLike(d, found) && scope.proved.add(d)));
  value.infer(mergeTypes(known(value.declared), type, () => type && scope.options.contradicts?.(value, type)));
}
