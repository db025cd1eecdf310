import { byteLengthOf, dtypeOf, isFloat, weightOf, type DType, type Model, type Node, type Tensor, type Value } from '@onnxpress/core';

/** A node whose weight can be quantized, and where that weight lies. */
export interface Target {
  readonly node: Node;
  readonly kind: 'matmul' | 'gemm' | 'embedding';
  /** The input through which the node reads its weight. */
  readonly input: number;
  /** The stored weight: an initializer or Constant, behind Cast, Transpose or Identity. */
  readonly weight: Value;
  readonly tensor: Tensor;
  /** Whether what is stored is the transpose of the [rows, columns] matrix that the node multiplies by or looks up in. */
  readonly transposed: boolean;
  /** The type that the node computes in: what the weight is cast to on the way. */
  readonly computes: DType;
}

/** The node as a target, or the reason why it is none; undefined for operators that have no dynamic int8 form. */
export function targetOf(node: Node): Target | string | undefined {
  if (node.is('MatMul')) return matrixAt(node, 1, 'matmul', false);
  if (node.is('Gemm')) {
    if (node.int('transA', 0) !== 0) return 'its first input is transposed';
    if (node.inputs[2] && node.float('beta', 1) !== 1) return `its bias is scaled by beta = ${node.float('beta', 1)}`;
    return matrixAt(node, 1, 'gemm', node.int('transB', 0) !== 0);
  }
  if (!node.is('Gather')) return undefined;
  if (node.int('axis', 0) !== 0) return `it gathers along axis ${node.int('axis', 0)}`;
  const table = matrixAt(node, 0, 'embedding', false);
  return typeof table === 'string' || shrinks(table) ? table : 'its rows are so short that codes and scales would take more room';
}

/** A row of float codes becomes as many bytes and a float32 scale. */
function shrinks({ tensor, transposed }: Target): boolean {
  const columns = tensor.dims[transposed ? 0 : 1] ?? 0;
  return columns + 4 < byteLengthOf(tensor.dtype, columns);
}

function matrixAt(node: Node, input: number, kind: Target['kind'], transposed: boolean): Target | string {
  const value = node.inputs[input];
  const found = value && weightOf(value);
  if (!found) return 'it has no constant weight';
  const { value: weight, tensor, through } = found;
  if (!isFloat(tensor.dtype)) return `its weight is ${tensor.dtype}`;
  if (tensor.dims.length !== 2) return `its weight has ${tensor.dims.length} dimensions`;
  const flips = through.filter((n) => n.is('Transpose')).length; // of a matrix, a Transpose without perm [0, 1] flips it
  if (through.some((n) => n.is('Transpose') && n.ints('perm')?.[0] === 0)) return 'its weight is behind a Transpose that does nothing; simplify first';
  const computes = dtypeOf(through.find((n) => n.is('Cast'))?.int('to', 0) ?? 0) ?? tensor.dtype;
  return { node, kind, input, weight, tensor, transposed: transposed !== (flips % 2 === 1), computes };
}

/** Weights that someone reads who is not among the targets: quantizing them would store them twice. */
export function sharedElsewhere(targets: readonly Target[], model: Model): Set<Value> {
  const taken = new Set(targets.map((t) => t.node));
  const shared = new Set<Value>();
  const readers = (v: Value): Node[] => v.uses.flatMap(({ node }) => (node.is('Cast') || node.is('Transpose') || node.is('Identity') ? readers(node.output) : [node]));
  const outputs = new Set([...model.graphs()].flatMap((g) => [...g.outputs]));
  for (const { weight } of targets) if (outputs.has(weight) || readers(weight).some((n) => !taken.has(n))) shared.add(weight);
  return shared;
}

/** Drops a value that nobody reads any more, and what it alone was made from. */
export function dropUnread(v: Value | undefined): void {
  if (!v?.isUnused || !v.graph) return;
  const { producer, graph } = v;
  if (!producer) return graph.removeInitializer(v);
  const behind = producer.inputs;
  if (!producer.outputs.every((o) => o.isUnused)) return;
  graph.remove(producer);
  behind.forEach(dropUnread);
}
