import { countOf, integersOf, weightOf, type Graph, type Node, type Use, type Value } from '@onnxpress/onnx';
import { channelsOf, plain, scalarOf } from './passage.ts';

/** A normalization over the last axis: `layer` takes the mean away first, `rms` does not. An operator, or written out in several nodes. */
export interface Norm {
  readonly kind: 'layer' | 'rms';
  /** What is normalized; undefined where the operator makes the sum itself and gives it to nobody. */
  readonly input: Value | undefined;
  /** Where an operator reads what it adds up before it normalizes; empty for those that do not add. */
  readonly summands: readonly Use[];
  readonly output: Value;
  /** Where the factor per channel is read, after normalizing; undefined without one. */
  readonly gain: Use | undefined;
  /** Where the bias behind the factor is read. */
  readonly bias: Use | undefined;
  /** All its nodes, the one that gives `output` last. */
  readonly nodes: readonly Node[];
}

/** The constant that is read at a place. */
export function constantAt(place: Use | undefined): Value | undefined {
  const value = place?.node.inputs[place.index];
  return value && weightOf(value)?.value;
}

/** Every normalization of a graph, in its order; not those of its subgraphs. Types must have been inferred. */
export function normsOf(graph: Graph): Norm[] {
  return [...graph.nodes].flatMap((node) => ofOperator(node) ?? writtenOut(node) ?? []);
}

interface Places {
  readonly kind: Norm['kind'];
  readonly gain: number;
  readonly bias?: number;
  readonly summands?: readonly number[];
  /** The output that gives the sum. */
  readonly sum?: number;
}

const OPERATORS: Readonly<Record<string, Places>> = {
  LayerNormalization: { kind: 'layer', gain: 1, bias: 2 },
  RMSNormalization: { kind: 'rms', gain: 1 },
  SimplifiedLayerNormalization: { kind: 'rms', gain: 1 },
  SkipLayerNormalization: { kind: 'layer', gain: 2, bias: 3, summands: [0, 1, 4], sum: 3 },
  SkipSimplifiedLayerNormalization: { kind: 'rms', gain: 2, summands: [0, 1, 3], sum: 3 },
  EmbedLayerNormalization: { kind: 'layer', gain: 5, bias: 6, summands: [], sum: 2 },
};

function ofOperator(node: Node): Norm | undefined {
  const places = OPERATORS[node.opType];
  const [x] = node.inputs;
  if (!places || !x) return undefined;
  const axis = node.int('axis', -1);
  if (axis !== -1 && axis !== (x.rank ?? 0) - 1) return undefined;
  const at = (index: number | undefined): Use | undefined => (index !== undefined && node.inputs[index] ? { node, index } : undefined);
  const given = places.sum === undefined ? x : node.outputs[places.sum];
  return {
    kind: places.kind,
    input: given && given.name !== '' ? given : undefined,
    summands: (places.summands ?? []).flatMap((index) => at(index) ?? []),
    output: node.output,
    gain: at(places.gain),
    bias: at(places.bias),
    nodes: [node],
  };
}

/** One that ends its root at this node: x / sqrt(mean(x²) + ε), of x or of x without its mean. */
function writtenOut(root: Node): Norm | undefined {
  const isRoot = root.is('Sqrt') || (root.is('Pow') && scalarOf(root.inputs[1]) === 0.5);
  const sum = isRoot ? root.inputs[0]?.producer : undefined;
  const mean = sum?.is('Add') ? sum.inputs.map((v) => v?.producer).find((n) => n?.is('ReduceMean')) : undefined;
  const square = mean?.inputs[0]?.producer;
  if (!sum || !mean || !square || !isOverLast(mean) || sum.inputs.every((v) => scalarOf(v) === undefined)) return undefined;
  const [x, y] = square.inputs;
  const isSquare = (square.is('Pow') && scalarOf(y) === 2) || (square.is('Mul') && x === y);
  if (!x || !isSquare) return undefined;
  const normal = normalOf(plain(x), root);
  if (!normal) return undefined;
  const centred = takenFromMean(plain(x));
  const nodes = [...(centred ? [centred.mean, centred.node] : []), square, mean, sum, root, ...normal.nodes];
  return { kind: centred ? 'layer' : 'rms', input: centred?.input ?? plain(x), summands: [], ...affine(normal.value, nodes) };
}

/** x · (1 / root) or x / root. */
function normalOf(x: Value, root: Node): { readonly value: Value; readonly nodes: readonly Node[] } | undefined {
  const reader = only(root.output);
  if (!reader) return undefined;
  if (reader.is('Div') && reader.inputs[1] === root.output && isOf(reader.inputs[0], x)) return { value: reader.output, nodes: [reader] };
  const inverse = reader.is('Reciprocal') || (reader.is('Div') && reader.inputs[1] === root.output && scalarOf(reader.inputs[0]) === 1);
  const product = inverse ? only(reader.output) : undefined;
  if (!product?.is('Mul') || !product.inputs.some((v) => isOf(v, x))) return undefined;
  return { value: product.output, nodes: [reader, product] };
}

const isOf = (v: Value | undefined, x: Value): boolean => v !== undefined && plain(v) === x;

/** x − mean(x): what a layer normalization squares. */
function takenFromMean(v: Value): { readonly input: Value; readonly node: Node; readonly mean: Node } | undefined {
  const node = v.producer;
  const [x, m] = node?.is('Sub') ? node.inputs : [];
  const mean = m && plain(m).producer;
  if (!node || !x || !mean?.is('ReduceMean') || !isOverLast(mean) || !isOf(mean.inputs[0], plain(x))) return undefined;
  return { input: plain(x), node, mean };
}

function isOverLast(mean: Node): boolean {
  const axes = integersOf(mean, 'axes');
  return axes?.length === 1 && (axes[0] === -1 || axes[0] === (mean.inputs[0]?.rank ?? 0) - 1);
}

/** The factor and the bias per channel that follow, through casts. */
function affine(normal: Value, nodes: readonly Node[]): Pick<Norm, 'output' | 'gain' | 'bias' | 'nodes'> {
  const [scaled, gain, byGain] = vectorStep(normal, 'Mul');
  const [output, bias, byBias] = vectorStep(scaled, 'Add');
  return { output, gain, bias, nodes: [...nodes, ...byGain, ...byBias] };
}

/** The one reader, where it is this operator with a vector of constants. */
function vectorStep(v: Value, opType: 'Mul' | 'Add'): readonly [Value, Use | undefined, readonly Node[]] {
  const passed: Node[] = [];
  let at = v;
  for (let next = only(at); next && (next.is('Cast') || next.is('Identity')); next = only(at)) {
    passed.push(next);
    at = next.output;
  }
  const node = only(at);
  const index = node?.is(opType) ? node.inputs.findIndex((other) => other !== undefined && other !== at && isVector(other, channelsOf(v))) : -1;
  return node && index >= 0 ? [node.output, { node, index }, [...passed, node]] : [v, undefined, []];
}

function isVector(v: Value, channels: number | undefined): boolean {
  const tensor = weightOf(v)?.tensor;
  return tensor !== undefined && channels !== undefined && tensor.dims.at(-1) === channels && countOf(tensor.dims) === channels;
}

/** The one node that reads a value which no graph gives out. */
function only(v: Value): Node | undefined {
  return v.useCount === 1 && !v.isOutput ? v.uses[0]?.node : undefined;
}
