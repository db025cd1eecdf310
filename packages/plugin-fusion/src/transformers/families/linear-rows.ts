import { countOf, float32sOf, isSparse, lazyTensor, nodeRule, type Node, type Ops, type Rule, type Value } from '@onnxpress/core';
import { NOT_TRIED } from '../anchored.ts';
import { isPerLast, isSame } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

/**
 * Tokens as the rows of one matrix, times weights plus a bias, and as batch and length again, as for GPT-2's projections and PyTorch's addmm: a product of the tokens themselves, whose bias goes into what follows
 * (attention, GELU, the sum before a normalization).
 */
const linearRows = nodeRule('linear-rows', {
  operators: ['Reshape'],
  depth: 3,
  apply(node, op) {
    const gemm = ownProducer(node.inputs[0], 'Gemm');
    const flatten = ownProducer(gemm?.inputs[0], 'Reshape', true);
    const [, weight, bias] = gemm?.inputs ?? [];
    const x = flatten?.inputs[0];
    if (!gemm || !weight || !x) return NOT_TRIED;
    const [from, to] = [x.dims, node.output.dims];
    if (from?.length !== 3 || to?.length !== 3 || !isSame(from[0], to[0]) || !isSame(from[1], to[1]) || !isSame(from[2], flatten!.output.dims?.[1])) return 'the rows are not known to be the tokens of a batch';
    if (gemm.int('transA', 0) !== 0 || gemm.float('alpha', 1) !== 1 || gemm.float('beta', 1) !== 1) return 'Gemm does more than a product and a sum';
    if (bias && !isPerLast(bias, node.output)) return `"${bias.name}" is not one number per column`;
    const factor = gemm.int('transB', 0) === 0 ? weight : turned(weight, op);
    if (!factor || !isSame(to[2], factor.dims?.[1])) return `"${weight.name}" is not known to be turned without becoming larger`;
    const product = op.MatMul(x, factor);
    return bias ? op.Add(product, bias) : product;
  },
});

export const linearRowsOf = (target: Target): readonly Rule[] => forRuntime(target, [linearRows]);

function ownProducer(v: Value | undefined, operator: 'Gemm' | 'Reshape', shared = false): Node | undefined {
  return v?.producer?.is(operator) && !v.isOutput && (shared || v.useCount === 1) ? v.producer : undefined;
}

/** The weights with rows and columns changed, where nobody else reads them. */
function turned(weight: Value, op: Ops<Value>): Value | undefined {
  const t = weight.constant;
  const [rows, columns] = t?.dims ?? [];
  if (!t || t.dtype !== 'float32' || isSparse(t) || rows === undefined || columns === undefined || weight.useCount !== 1 || weight.isOutput) return undefined;
  const made = op.constant(lazyTensor('float32', [columns, rows], () => {
    const from = float32sOf(t);
    return Float32Array.from({ length: countOf(t.dims) }, (_, i) => from[(i % rows) * columns + Math.floor(i / rows)]!);
  }));
  return made;
}
