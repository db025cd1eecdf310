import { importDomainOf, raiseOpset, scalar, valueOps, type Model, type Ops, type Value } from '@onnxpress/core';
import { dropUnread, type Target } from '../target.ts';
import { frontOf } from './front.ts';
import type { WeightGroup } from './group.ts';
import { nbitsForm } from './matmul-nbits.ts';
import { qdqForm } from './qdq.ts';
import type { BlockWeight } from './weight.ts';

export type BlockFormat = 'MatMulNBits' | 'QDQ';

/** In which operators blocks are written. */
export interface BlockForm {
  /** `MatMulNBits`: operators of com.microsoft, at any opset. `QDQ`: DequantizeLinear and MatMul of ONNX itself, from opset 21 on, to which older models are raised. */
  readonly format: BlockFormat;
  /** What MatMulNBits computes in: 1 float32, 4 int8 activations, 0 as the runtime likes. QDQ has no place for it. */
  readonly accuracyLevel: 0 | 1 | 4;
}

/** What a form offers the nodes that read a weight. */
export interface Readers {
  multiply(a: Value, op: Ops<Value>): Value;
  lookUp(indices: Value, op: Ops<Value>): Value;
}

/** DequantizeLinear takes blocks, and 4 bits, from here on. */
const QDQ_OPSET = 21;

/** What files with 4-bit tensors say they are. */
const QDQ_IR = 10;

/**
 * Raises the model's opset to one that has the form, node by node; to be called before targets are looked for. Throws `unsupported` where something in the model
 * cannot be said there.
 */
export function prepareForm(model: Model, { format }: Pick<BlockForm, 'format'>): void {
  if (format !== 'QDQ') return;
  if ((model.opsets.get('') ?? 0) < QDQ_OPSET) raiseOpset(model, QDQ_OPSET);
  model.info.irVersion = Math.max(model.info.irVersion, QDQ_IR);
}

/**
 * Writes quantized blocks in place of the group's weight: every node of the group becomes its form over the same codes, scales and zero points, a bias
 * is added behind it, and the float weight goes where nobody reads it any more. All quantizers of blocks end here.
 */
export function emitBlocks(model: Model, group: WeightGroup, weight: BlockWeight, form: BlockForm): void {
  if (form.format === 'QDQ' && (model.opsets.get('') ?? 0) < QDQ_OPSET) throw new Error('The model was not prepared for QDQ.');
  const home = group.weight.graph ?? model.graph;
  const readers = (form.format === 'QDQ' ? qdqForm : nbitsForm)(group, weight, frontOf(model, home), form);
  for (const target of group.targets) replaceBy(target, readers);
}

/** Puts what the readers make in place of a node; a bias is added behind it, and its weight goes where nobody reads it any more. */
export function replaceBy(target: Target, readers: Readers): void {
  const { node, kind, input } = target;
  const graph = node.graph!; // targets are nodes of a graph
  const op = valueOps(graph, (n) => {
    importDomainOf(n, graph);
    graph.add(n, { before: node });
  });
  const old = node.inputs[input];
  const result = kind === 'embedding' ? readers.lookUp(node.inputs[1]!, op) : withBias(target, readers.multiply(node.inputs[0]!, op), op); // Gather reads indices, a product its activations
  result.infer(node.output.type);
  graph.replace(node.output, result);
  graph.remove(node);
  dropUnread(old);
}

/** What Gemm adds to its product. */
function withBias({ node, kind, computes }: Target, product: Value, op: Ops<Value>): Value {
  if (kind !== 'gemm') return product;
  const alpha = node.float('alpha', 1);
  const scaled = alpha === 1 ? product : op.Mul(product, op.constant(scalar(computes, alpha)));
  return node.inputs[2] ? op.Add(scaled, node.inputs[2]) : scaled;
}
