import { nodeRule, numbersOf, type Node, type Ops, type Value } from '@onnxpress/core';
import { activationOf } from './activation.ts';

/** Whether the node swaps the last two axes and leaves the others. */
function swapsLastTwo(node: Node): boolean {
  const rank = node.inputs[0]?.rank;
  const perm = node.ints('perm') ?? (rank === 2 ? [1, 0] : undefined);
  return perm !== undefined && perm.length >= 2 && perm.every((p, i) => p === (i < perm.length - 2 ? i : 2 * perm.length - 3 - i));
}

const isFloat32 = (v: Value | undefined): boolean => v?.type?.kind === 'tensor' && v.type.dtype === 'float32';

interface Product {
  readonly a: Value;
  readonly b: Value;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** A MatMul, or a FusedMatMul with nothing else than what is here. */
function productOf(node: Node | undefined): Product | undefined {
  const [a, b] = node?.inputs ?? [];
  if (!node || !a || !b || !isFloat32(node.outputs[0])) return undefined;
  if (node.is('MatMul')) return { a, b, transA: false, transB: false, alpha: 1 };
  if (!node.is('FusedMatMul', 'com.microsoft') || node.int('transBatchA', 0) !== 0 || node.int('transBatchB', 0) !== 0) return undefined;
  return { a, b, transA: node.int('transA', 0) !== 0, transB: node.int('transB', 0) !== 0, alpha: node.float('alpha', 1) };
}

const made = ({ a, b, transA, transB, alpha }: Product, op: Ops<Value>): Value => op.in('com.microsoft').FusedMatMul(a, b, { ...(transA && { transA: 1 }), ...(transB && { transB: 1 }), ...(alpha !== 1 && { alpha }) });

/** A product of a matrix whose axes were swapped just for it: FusedMatMul swaps them as it reads. */
export const matmulTranspose = nodeRule('matmul-transpose', {
  operators: ['MatMul', 'com.microsoft.FusedMatMul'],
  depth: 2,
  apply(node, op) {
    const product = productOf(node);
    if (!product) return 'it is no plain product of float32';
    const [a, b] = [swapped(product.a), swapped(product.b)];
    if (!a && !b) return 'neither matrix is transposed for it alone';
    return made({ ...product, ...(a && { a, transA: !product.transA }), ...(b && { b, transB: !product.transB }) }, op);
  },
});

/** What a Transpose of the last two axes reads, that nobody else does. Weights are left to be folded. */
function swapped(v: Value): Value | undefined {
  const node = v.producer;
  const [x] = node?.inputs ?? [];
  return node?.is('Transpose') && v.useCount === 1 && !v.isOutput && x && !x.constant && (x.rank ?? 0) >= 2 && swapsLastTwo(node) ? x : undefined;
}

/** A product of matrices times a number. */
export const matmulScale = nodeRule('matmul-scale', {
  operators: ['Mul', 'Div'],
  depth: 2,
  apply(node, op) {
    const [a, b] = node.inputs;
    const [v, c] = b?.constant ? [a, b.constant] : node.is('Mul') && a?.constant ? [b, a.constant] : [];
    const product = productOf(v?.producer);
    if (!v || !c || !product || v.useCount > 1 || v.isOutput) return 'it is no product of matrices, that it alone reads, times a constant';
    const numbers = c.dtype === 'float32' && c.dims.length <= (v.rank ?? 0) ? numbersOf(c) : [];
    const [number] = numbers;
    if (numbers.length !== 1 || !number) return 'the constant is not one number';
    return made({ ...product, alpha: Math.fround(product.alpha * (node.is('Mul') ? number : 1 / number)) }, op);
  },
});

/** How FusedGemm calls the parameters of an activation, in their order. */
const GEMM_PARAMETERS = ['activation_alpha', 'activation_beta'] as const;

/** An activation of a Gemm: one FusedGemm. */
export const gemmActivation = nodeRule('gemm-activation', {
  operators: ['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu'],
  depth: 2,
  apply(node, op) {
    const activation = activationOf(node);
    if (typeof activation === 'string') return activation;
    const { x, name, parameters } = activation;
    const gemm = x.producer;
    if (!gemm?.is('Gemm') || x.useCount > 1 || x.isOutput || !isFloat32(x)) return 'what it reads is no Gemm of float32 that it alone reads';
    const given = Object.fromEntries(parameters.map((p, i) => [GEMM_PARAMETERS[i]!, p])); // no activation here has more
    return op.call('com.microsoft', 'FusedGemm', gemm.inputs, { ...Object.fromEntries(gemm.attrs), activation: name, ...given })[0]!; // one, as asked for
  },
});
