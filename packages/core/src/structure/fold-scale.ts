import { describe, float32sOf, float32s, lazyTensor, OnnxError, tensorOf, valueOps, weightOf, type Graph, type Node, type Tensor, type Use } from '@onnxpress/onnx';
import { weightReaders, type Linear } from './linear.ts';
import type { Mapping } from './mappings.ts';

/**
 * Divides each channel of a mapping's producer by its number of `scale` and multiplies the weights that read it: the model computes the same. Weights are
 * computed when they are read. Throws `bad-edit` for a mapping that does not fold.
 */
export function foldScale(mapping: Mapping, scale: Float64Array): void {
  if (mapping.unfoldable !== undefined) throw new OnnxError('bad-edit', `The scale of "${mapping.activation.name}" cannot be folded: ${mapping.unfoldable}. Insert it: insertScale.`);
  const inverse = scale.map((s) => 1 / s);
  if (mapping.linear) scaleLinear(mapping.linear, 'outputs', (c) => (c >= mapping.from && c < mapping.from + scale.length ? inverse[c - mapping.from]! : 1));
  for (const { place, from } of mapping.vectors) scaleVector(place, (c) => (c >= from && c < from + scale.length ? inverse[c - from]! : 1));
  multiplyConsumers(mapping, scale);
}

/** The same for a mapping that does not fold: one Mul before the consumers, which they share. */
export function insertScale(mapping: Mapping, scale: Float64Array): void {
  const [first] = mapping.consumers;
  const graph = first?.node.graph;
  if (!first || !graph) return;
  const factors = graph.addInitializer(`${mapping.activation.name}_scale`, float32s([first.inputs], Float32Array.from({ length: first.inputs }, (_, c) => 1 / scale[mapping.channelOf(c)]!)));
  const scaled = new Map(mapping.consumers.map((c) => [c.data, undefined] as const));
  for (const data of scaled.keys()) {
    const reader = [...graph.nodes].find((n) => mapping.consumers.some((c) => c.node === n && c.data === data))!; // each comes from a consumer
    const product = valueOps(graph, (n: Node) => void graph.add(n, { before: reader })).Mul(data, factors);
    product.infer(data.type);
    for (const c of mapping.consumers) if (c.data === data) c.node.setInput(0, product);
  }
  multiplyConsumers(mapping, scale);
}

function multiplyConsumers({ consumers, channelOf }: Mapping, scale: Float64Array): void {
  for (const consumer of consumers) scaleLinear(consumer, 'inputs', (c) => scale[channelOf(c)]!);
}

/** Multiplies the inputs or outputs of a linear map, its own bias too, each by a factor. */
function scaleLinear(linear: Linear, axis: 'inputs' | 'outputs', factor: (channel: number) => number): void {
  const { weight, node } = linear;
  const tensor = weight.value.constant ?? weight.tensor; // what an earlier fold made of it
  const isRow = (axis === 'inputs') !== linear.transposed;
  setWeight(linear, scaledMatrix(tensor, isRow, factor));
  if (axis === 'outputs' && linear.bias) scaleVector({ node, index: linear.bias.index }, factor);
}

/** New numbers for a weight that only this node reads. */
export function setWeight({ weight, node }: Linear, tensor: Tensor): void {
  const { value } = weight;
  if (!value.graph || !value.isConstant() || weightReaders(value).some((n) => n !== node)) throw new OnnxError('bad-edit', `The weight "${value.name}" of ${describe(node)} is read elsewhere too.`);
  value.graph.setConstant(value, tensor);
}

/** A matrix of which each row or column is multiplied, in its own element type, computed row by row when it is read. */
function scaledMatrix(tensor: Tensor, rows: boolean, factor: (index: number) => number): Tensor {
  const [height, width] = tensor.dims as [number, number]; // weights of linear maps are matrices
  const factors = Float64Array.from({ length: rows ? height : width }, (_, i) => factor(i));
  return lazyTensor(tensor.dtype, tensor.dims, () => {
    const numbers = float32sOf(tensor);
    for (let r = 0, i = 0; r < height; r++) for (let c = 0; c < width; c++, i++) numbers[i] = numbers[i]! * factors[rows ? r : c]!;
    return tensor.dtype === 'float32' ? numbers : tensorOf(tensor.dtype, tensor.dims, numbers).bytes();
  });
}

/** Multiplies a vector for this reader alone: others that share it keep what they had. */
function scaleVector({ node, index }: Use, factor: (channel: number) => number): void {
  const old = node.inputs[index];
  const found = old && weightOf(old);
  const graph: Graph | undefined = node.graph;
  if (!old || !found || !graph) throw new OnnxError('bad-edit', `Input ${index} of ${describe(node)} is no constant.`);
  const numbers = float32sOf(found.tensor).map((v, c) => v * factor(c));
  const dtype = old.type?.kind === 'tensor' ? old.type.dtype : found.tensor.dtype;
  node.setInput(index, graph.addInitializer(`${found.value.name}_scaled`, tensorOf(dtype, found.tensor.dims, numbers)));
  if (old.isUnused && !old.producer) old.graph?.removeInitializer(old);
}
