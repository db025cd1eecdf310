import { OnnxError } from '../error.ts';
import { byteLengthOf, countOf } from '../ir/dtype.ts';
import { Node, type Graph, type Value } from '../ir/graph.ts';
import { INITIALIZERS_ALONE, type Model } from '../ir/model.ts';
import { isSparse, type Tensor } from '../ir/tensor.ts';
import { knownContents } from '../ir/shapes/contents.ts';
import { inferTypes, opsetOf } from '../ir/shapes/infer.ts';
import { tensorOf } from '../ir/values.ts';
import { batchModel } from './batch.ts';
import { candidatesOf, hasKnownContents } from './candidates.ts';
import { choose, type Budget } from './choose.ts';
import { compute } from './compute.ts';
import { lazily } from './lazily.ts';

export interface FoldOptions {
  /** How many bytes larger one fold may make the model: 64 KiB by default. A function is asked once, where anything can be folded. */
  readonly maxBytes?: number | (() => number);
  /** How many bytes larger all folds together may make it: 1 MiB by default. */
  readonly maxTotalBytes?: number;
  /**
   * Computes what takes rounding: gives the outputs of a model without inputs, in their order. Without it, only integers, shapes, casts
   * and what moves elements are folded.
   */
  readonly evaluate?: (model: Model) => Promise<readonly Tensor[]>;
  /** Values that must stay computed. */
  readonly keep?: (value: Value) => boolean;
  /** Types were inferred since the last change, so that it need not be done again. */
  readonly inferred?: boolean;
  /** Ends the work between two evaluations, with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface FoldReport {
  /** How many nodes are gone, Constant nodes not counted. */
  readonly folded: number;
  /** Nodes that could be computed in advance and are still there, in the order of computation. */
  readonly leftAlone: readonly { readonly node: Node; readonly reason: string }[];
}

/**
 * Replaces what is the same in every run by constants, in all graphs and functions: nodes that read constants alone, and integers that follow from
 * known sizes. Never folded: random operators, operators without a schema, nodes with subgraphs, DequantizeLinear, and what would make the
 * model grow by more than it may. Graph outputs keep their names. Exact where `evaluate` is the runtime that runs the model.
 */
export async function fold(model: Model, options: FoldOptions = {}): Promise<FoldReport> {
  const { keep = () => false } = options;
  if (!options.inferred) inferTypes(model);
  const candidates = candidatesOf(model);
  const budget = candidates.nodes.size > 0 ? budgetOf(options) : { perFold: 0, total: 0 };
  const known = new Map<Value, Tensor>();
  const tensorFor = (v: Value): Tensor | undefined => v.constant ?? known.get(v);
  for (const n of candidates.nodes) resultsOf(n, tensorFor)?.forEach((tensor, i) => tensor && known.set(n.outputs[i]!, tensor));
  const bytesOf = (v: Value): number | undefined => known.get(v)?.byteLength ?? bytesOfType(v);
  const choice = choose(candidates, budget, bytesOf, keep);
  const leftAlone = new Map(choice.leftAlone);
  const missing = [...choice.values].filter((v) => !known.has(v));
  if (options.evaluate) await evaluateAll(model, missing, tensorFor, known, leftAlone, options);
  else for (const v of missing) leftAlone.set(v.producer!, 'it takes a runtime to compute it, and none was given');
  const bodies = new Set([...model.functions.values()].map((f) => f.body));
  const mayInitialize = (g: Graph): boolean => model.info.irVersion >= INITIALIZERS_ALONE && !bodies.has(g);
  for (const v of choice.values) if (known.has(v)) install(v, known.get(v)!, mayInitialize(v.graph!));
  const folded = sweep(candidates.nodes);
  const order = new Map([...model.nodes()].map((n, i) => [n, i]));
  const left = [...leftAlone].filter(([node]) => order.has(node)).sort(([a], [b]) => order.get(a)! - order.get(b)!);
  return { folded, leftAlone: left.map(([node, reason]) => ({ node, reason })) };
}

function budgetOf({ maxBytes = 64 * 1024, maxTotalBytes = 1024 * 1024 }: FoldOptions): Budget {
  const perFold = typeof maxBytes === 'number' ? maxBytes : maxBytes();
  return { perFold, total: Math.max(perFold, maxTotalBytes) };
}

/** Bytes of the value as a constant; undefined where its size is not known. */
function bytesOfType(v: Value): number | undefined {
  const t = v.type;
  if (t?.kind !== 'tensor' || t.dtype === 'string' || !t.dims?.every((d) => typeof d === 'number')) return undefined;
  return byteLengthOf(t.dtype, countOf(t.dims));
}

function resultsOf(n: Node, tensorFor: (v: Value) => Tensor | undefined): readonly (Tensor | undefined)[] | undefined {
  if (n.outputs.every(hasKnownContents)) return n.outputs.map(fromContents);
  const inputs = n.inputs.map((v) => v && tensorFor(v));
  if (n.inputs.some((v, i) => v && (!inputs[i] || isSparse(inputs[i])))) return undefined;
  try {
    return compute(n, inputs, opsetOf(n)) ?? [lazily(n, inputs)];
  } catch (error) {
    if (error instanceof OnnxError) return undefined; // out of range, or not what the operator takes: the runtime says what it is
    throw error;
  }
}

function fromContents(v: Value): Tensor | undefined {
  const contents = knownContents(v);
  const t = v.type;
  return contents && t?.kind === 'tensor' ? tensorOf(t.dtype, contents.dims, contents.values as number[]) : undefined; // candidates have numbers only
}

/** Results in memory at once, in bytes. */
const BATCH_BYTES = 256 * 1024 * 1024;

/** All at once; where that fails, each half, down to single values. */
async function evaluateAll(model: Model, missing: readonly Value[], tensorFor: (v: Value) => Tensor | undefined, known: Map<Value, Tensor>, leftAlone: Map<Node, string>, options: FoldOptions): Promise<void> {
  const run = async (values: readonly Value[]): Promise<void> => {
    options.signal?.throwIfAborted();
    try {
      const results = await options.evaluate!(batchModel(model, values, tensorFor));
      values.forEach((v, i) => known.set(v, results[i]!));
    } catch (error) {
      options.signal?.throwIfAborted();
      const [first] = values;
      if (values.length === 1 && first) leftAlone.set(first.producer!, `it cannot be computed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
      const half = Math.ceil(values.length / 2);
      if (values.length > 1) for (const part of [values.slice(0, half), values.slice(half)]) await run(part);
    }
  };
  for (const batch of batches(missing)) if (batch.length > 0) await run(batch);
}

/** Values of the same opsets that fit in memory together. */
function batches(values: readonly Value[]): Value[][] {
  const all: { opsets: string; values: Value[]; bytes: number }[] = [];
  for (const v of values) {
    const opsets = JSON.stringify([...(v.graph?.opsets ?? [])]);
    const bytes = countOf((v.dims ?? []).filter((d) => typeof d === 'number')) * 8;
    const open = all.find((b) => b.opsets === opsets && b.bytes + bytes <= BATCH_BYTES);
    if (open) {
      open.values.push(v);
      open.bytes += bytes;
    } else all.push({ opsets, values: [v], bytes });
  }
  return all.map((b) => b.values);
}

/** Puts a constant in the place of the value, under its name. An output is made by a node, and everything where initializers may not stand alone: in old models and in a function's body. */
function install(v: Value, tensor: Tensor, asInitializer: boolean): void {
  const graph = v.graph!;
  if (v.isOutput || !asInitializer) {
    const node = new Node('Constant', [], { attrs: [['value', { type: 'tensor', value: tensor }]], name: v.producer!.name });
    graph.add(node, { before: v.producer });
    graph.replace(v, node.output);
    return;
  }
  const constant = graph.addInitializer(v.name, tensor);
  graph.replace(v, constant);
  graph.exchangeNames(v, constant);
}

/** Removes candidates that nobody reads any more, and what was there for them alone. Returns how many nodes but Constants. */
function sweep(nodes: ReadonlySet<Node>): number {
  return [...nodes].reverse().reduce((removed, n) => removed + drop(n), 0);
}

function drop(n: Node): number {
  const { graph, inputs } = n;
  if (!graph || !n.outputs.every((v) => v.isUnused)) return 0;
  graph.remove(n);
  let removed = n.is('Constant') ? 0 : 1;
  for (const v of new Set(inputs)) {
    if (!v?.isUnused) continue;
    if (v.producer) removed += drop(v.producer);
    else if (v.isConstant() && v.graph) v.graph.removeInitializer(v);
  }
  return removed;
}
