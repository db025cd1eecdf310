import { isFloat, weightOf, type Node, type Use, type Value, type Weight } from '@onnxpress/onnx';

/** A node that multiplies its first input by a constant matrix: y = x · W (+ bias). */
export interface Linear {
  readonly node: Node;
  /** x: the last axis holds the matrix's inputs. */
  readonly data: Value;
  /** Where the node reads its matrix. */
  readonly place: Use;
  readonly weight: Weight;
  /** Whether what is stored is [outputs, inputs] instead of [inputs, outputs]. */
  readonly transposed: boolean;
  readonly inputs: number;
  readonly outputs: number;
  /** The node's own bias; one that is added behind a MatMul is another node's. */
  readonly bias: Use | undefined;
}

/** The node as a linear map; undefined where it is none, or where its matrix is computed or no float. Attention of com.microsoft counts by its projection of q, k and v. */
export function linearOf(node: Node): Linear | undefined {
  if (node.is('MatMul')) return made(node, false, undefined);
  if (node.is('Gemm')) return node.int('transA', 0) === 0 ? made(node, node.int('transB', 0) !== 0, 2) : undefined;
  if (node.is('FusedMatMul', 'com.microsoft')) return isPlain(node) ? made(node, node.int('transB', 0) !== 0, undefined) : undefined;
  if (node.is('Attention', 'com.microsoft')) return made(node, false, 2);
  return undefined;
}

const isPlain = (node: Node): boolean => ['transA', 'transBatchA', 'transBatchB'].every((name) => node.int(name, 0) === 0);

function made(node: Node, transposedByNode: boolean, biasAt: number | undefined): Linear | undefined {
  const [data, matrix] = node.inputs;
  const weight = matrix && weightOf(matrix);
  if (!data || !weight || data.isConstant() || weight.tensor.dims.length !== 2 || !isFloat(weight.tensor.dtype)) return undefined;
  const turns = weight.through.filter((n) => n.is('Transpose') && n.ints('perm')?.[0] !== 0).length; // of a matrix, any other Transpose turns it
  const transposed = transposedByNode !== (turns % 2 === 1);
  const [first, second] = weight.tensor.dims as [number, number]; // two, as asked above
  const [inputs, outputs] = transposed ? [second, first] : [first, second];
  return { node, data, place: { node, index: 1 }, weight, transposed, inputs, outputs, bias: biasAt !== undefined && node.inputs[biasAt] ? { node, index: biasAt } : undefined };
}

/** The nodes that read a weight, directly or through Cast, Transpose and Identity. */
export function weightReaders(weight: Value): Node[] {
  return weight.uses.flatMap(({ node }) => (node.is('Cast') || node.is('Transpose') || node.is('Identity') ? weightReaders(node.output) : [node]));
}

/** Whether nothing but this node sees the weight, so that its numbers may change with it. */
export const ownsWeight = ({ weight, node }: Linear): boolean =>
  !weight.value.isOutput && weight.through.every((n) => !n.output.isOutput) && weightReaders(weight.value).every((n) => n === node);
