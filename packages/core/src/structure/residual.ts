import { inferTypes, isFloat, weightOf, type Graph, type Model, type Node, type Use, type Value, type Weight } from '@onnxpress/onnx';
import { linearOf, type Linear } from './linear.ts';
import { normsOf, type Norm } from './norms.ts';
import { channelsOf, keepsChannels, plain, scalarOf } from './passage.ts';

/** What writes to the stream. */
export type StreamSource =
  | { readonly kind: 'linear'; readonly value: Value; readonly linear: Linear }
  /** Rows of a table. */
  | { readonly kind: 'embedding'; readonly value: Value; readonly node: Node; readonly weight: Weight }
  /** A constant that is added or put beside others: a bias, positions, a class token. Its last axis is the stream's, or has one element. */
  | { readonly kind: 'constant'; readonly value: Value; readonly place: Use; readonly weight: Weight }
  /** The channels of a convolution, turned into the last axis. */
  | { readonly kind: 'convolution'; readonly value: Value; readonly node: Node; readonly weight: Weight }
  | { readonly kind: 'norm'; readonly value: Value; readonly norm: Norm }
  | { readonly kind: 'other'; readonly value: Value };

/** What reads the stream. */
export type StreamSink =
  | { readonly kind: 'norm'; readonly norm: Norm }
  | { readonly kind: 'linear'; readonly linear: Linear }
  | { readonly kind: 'output'; readonly value: Value }
  | { readonly kind: 'other'; readonly place: Use };

/** One step: what a branch (attention, feed-forward) adds. */
export interface StreamBlock {
  /** An Add, or a normalization that adds first. */
  readonly node: Node;
  readonly before: Value;
  readonly branch: Value;
  /** The sum; undefined where the node keeps it to itself. */
  readonly after: Value | undefined;
}

/** Values of one width that are only added to: what a transformer carries from block to block. */
export interface ResidualStream {
  readonly width: number;
  readonly values: ReadonlySet<Value>;
  readonly sources: readonly StreamSource[];
  readonly sinks: readonly StreamSink[];
  readonly blocks: readonly StreamBlock[];
}

/**
 * The residual streams of the main graph, the longest first: found from the inputs of the normalizations through sums, casts and movement of other axes, in
 * both directions. In a pre-norm model one stream has all blocks; in a post-norm model each normalization begins a stream of one block, with that
 * normalization among its sources. Infers types.
 */
export function residualStreams(model: Model): ResidualStream[] {
  inferTypes(model);
  const norms = normsOf(model.graph);
  const partOf = new Map<Node, Norm>(norms.flatMap((norm) => norm.nodes.map((n) => [n, norm] as const)));
  const taken = new Set<Value>();
  const streams: ResidualStream[] = [];
  for (const norm of norms) {
    const seeds = norm.input ? [norm.input] : norm.summands.flatMap(({ node, index }) => node.inputs[index] ?? []);
    const seed = seeds.find((v) => !v.isConstant() && !taken.has(v));
    const stream = seed && streamFrom(seed, model.graph, partOf);
    stream?.values.forEach((v) => taken.add(v));
    if (stream && stream.blocks.length > 0) streams.push(stream);
  }
  return streams.sort((a, b) => b.blocks.length - a.blocks.length);
}

/** Whether normalizations write to the stream, as in post-norm encoders: their gains lie on it, so that nothing can be merged across. */
export const isPostNorm = (stream: ResidualStream): boolean => stream.sources.some((s) => s.kind === 'norm') && stream.blocks.length <= 1;

function streamFrom(seed: Value, graph: Graph, partOf: ReadonlyMap<Node, Norm>): ResidualStream | undefined {
  const width = channelsOf(seed);
  if (width === undefined) return undefined;
  const values = new Set<Value>();
  const sources: StreamSource[] = [];
  const sinks = new Set<Norm>();
  const others: StreamSink[] = [];
  const sums: { readonly node: Node; readonly summands: readonly Value[]; readonly after: Value | undefined }[] = [];
  const seen = new Set<Node>();
  const open = [seed];
  for (let v = open.pop(); v; v = open.pop()) {
    if (values.has(v)) continue;
    values.add(v);
    const behind = into(v);
    if (behind) open.push(...behind);
    else sources.push(sourceOf(v, partOf));
    if (v.isOutput) others.push({ kind: 'output', value: v });
    for (const use of v.uses) open.push(...outOf(use));
  }
  const order = new Map([...graph.nodes].map((n, i) => [n, i] as const));
  sums.sort((a, b) => order.get(a.node)! - order.get(b.node)!); // all are nodes of the graph
  return { width, values, sources, sinks: [...[...sinks].map((norm) => ({ kind: 'norm', norm }) as const), ...others], blocks: blocksOf(sums, sources, [...sinks]) };

  /** The values that this one consists of; undefined where it is a source. */
  function into(v: Value): readonly Value[] | undefined {
    const node = v.producer;
    if (!node) return undefined;
    const norm = partOf.get(node);
    if (norm && norm.summands.length > 0 && v !== norm.output) return sum(node, norm.summands.map((s) => s.index), v);
    if (norm && norm.output === v) return undefined;
    if (node.is('Add') && node.inputs.every((x) => x && isWide(x))) return sum(node, [0, 1], v);
    const scaled = scaledBy(node);
    if (scaled) return [scaled];
    const moved = keepsChannels(node);
    for (const x of moved) {
      const weight = x.isConstant() ? weightOf(x) : undefined;
      if (weight) sources.push({ kind: 'constant', value: x, place: { node, index: node.inputs.indexOf(x) }, weight });
    }
    return moved.length > 0 ? moved.filter((x) => !x.isConstant()) : undefined;
  }

  /** The summands that are computed; constants become sources. */
  function sum(node: Node, places: readonly number[], after: Value | undefined): readonly Value[] {
    const read = places.map((index) => ({ place: { node, index }, value: node.inputs[index]! })); // asked for by the callers
    const computed = read.filter(({ value }) => !weightOf(value));
    if (!seen.has(node)) {
      seen.add(node);
      sums.push({ node, summands: computed.map((c) => c.value), after });
      for (const { place, value } of read) {
        const weight = weightOf(value);
        if (weight) sources.push({ kind: 'constant', value, place, weight });
      }
    }
    return computed.map((c) => c.value);
  }

  /** The values that a reader of the stream carries it on in. */
  function outOf(use: Use): readonly Value[] {
    const { node, index } = use;
    const norm = partOf.get(node);
    if (norm) {
      sinks.add(norm);
      if (!norm.summands.some((s) => s.index === index)) return [];
      const after = norm.input;
      const summands = sum(node, norm.summands.map((s) => s.index), after);
      return after ? [after, ...summands] : summands;
    }
    if (node.is('Shape') || node.is('Size')) return [];
    const continues = (node.is('Add') && node.inputs.every((x) => x && isWide(x))) || scaledBy(node) !== undefined || keepsChannels(node).includes(node.inputs[index]!); // it reads there
    if (continues) return [node.output];
    const linear = linearOf(node);
    others.push(linear && index === 0 ? { kind: 'linear', linear } : { kind: 'other', place: use });
    return [];
  }

  /** As wide as the stream, or one bias for all channels. */
  function isWide(v: Value): boolean {
    return channelsOf(v) === width || weightOf(v) !== undefined;
  }
}

/** What a product with, or a quotient by, one number is made of. */
function scaledBy(node: Node): Value | undefined {
  const [a, b] = node.inputs;
  if (!a || !b || !(node.is('Mul') || node.is('Div'))) return undefined;
  if (scalarOf(b) !== undefined) return a;
  return node.is('Mul') && scalarOf(a) !== undefined ? b : undefined;
}

function sourceOf(value: Value, partOf: ReadonlyMap<Node, Norm>): StreamSource {
  const node = value.producer;
  const norm = node && partOf.get(node);
  if (norm && norm.output === value) return { kind: 'norm', value, norm };
  const linear = node && linearOf(node);
  if (linear && linear.outputs === channelsOf(value)) return { kind: 'linear', value, linear };
  const table = node?.is('Gather') && node.int('axis', 0) === 0 ? node.inputs[0] && weightOf(node.inputs[0]) : undefined;
  if (node && table && isFloat(table.tensor.dtype) && table.tensor.dims.length === 2) return { kind: 'embedding', value, node, weight: table };
  return convolutionOf(value) ?? { kind: 'other', value };
}

/** Channels first, then turned: Transpose of a Conv, or of one whose places were made one axis. */
function convolutionOf(value: Value): StreamSource | undefined {
  const turn = value.producer;
  const x = turn?.is('Transpose') ? turn.inputs[0] : undefined;
  if (!turn || !x || turn.ints('perm')?.at(-1) !== 1 || turn.ints('perm')?.[0] !== 0) return undefined;
  const from = plain(x).producer;
  const conv = from && (from.is('Reshape') || from.is('Flatten')) && from.inputs[0]?.dims?.[1] === x.dims?.[1] ? from.inputs[0]?.producer : from;
  const matrix = conv?.is('Conv') && conv.int('group', 1) === 1 ? conv.inputs[1] : undefined;
  const weight = matrix && weightOf(matrix);
  return conv && weight ? { kind: 'convolution', value, node: conv, weight } : undefined;
}

/** Of each sum of two computed values, which was there before and which a branch adds: a branch depends on nothing but what follows a normalization of this stream. */
function blocksOf(sums: readonly { readonly node: Node; readonly summands: readonly Value[]; readonly after: Value | undefined }[], sources: readonly StreamSource[], sinks: readonly Norm[]): StreamBlock[] {
  const starts = [...sinks.map((n) => n.output), ...sources.flatMap((s) => (s.kind === 'norm' ? [s.norm.output] : []))];
  const behind = downstream(starts);
  const roots = new Set(sources.flatMap((s) => (s.kind !== 'constant' && (s.kind === 'norm' || !s.value.producer || !behind.has(s.value.producer)) ? [s.value] : [])));
  const carried = new Set<Value>(roots);
  const blocks: StreamBlock[] = [];
  for (const { node, summands, after } of sums) {
    const [before, ...more] = summands.filter((v) => isCarried(v));
    const [branch, ...others] = summands.filter((v) => !isCarried(v));
    if (before && after) carried.add(after);
    if (before && branch && more.length === 0 && others.length === 0) blocks.push({ node, before, branch, after });
  }
  return blocks;

  /** Whether the stream comes here, through sums seen before, movement and single numbers. */
  function isCarried(v: Value): boolean {
    const { producer } = v;
    if (carried.has(v) || !producer) return carried.has(v);
    const scaled = scaledBy(producer);
    return (scaled ? [scaled] : keepsChannels(producer)).some(isCarried);
  }
}

/** The nodes that these values reach. */
function downstream(values: readonly Value[]): ReadonlySet<Node> {
  const reached = new Set<Node>();
  const open = [...values];
  for (let v = open.pop(); v; v = open.pop()) {
    for (const { node } of v.uses) {
      if (reached.has(node)) continue;
      reached.add(node);
      open.push(...node.outputs);
    }
  }
  return reached;
}
