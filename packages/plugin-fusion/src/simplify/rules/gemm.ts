import { nodeRule, type Node, type Value } from '@onnxpress/core';

/** From here on the third input of Gemm is spread without being asked. */
const SPREADS_SINCE = 7;

/** MatMul of two matrices and an Add: one Gemm, where the sum is not larger than the product. */
export const matmulAddToGemm = nodeRule('matmul-add-to-gemm', {
  operators: ['Add'],
  depth: 2,
  apply(node, op, graph) {
    if ((graph.opsets.get('') ?? 0) < SPREADS_SINCE) return 'the opset spreads inputs by an attribute';
    const [a, b] = node.inputs;
    const found = pair(a, b) ?? pair(b, a);
    if (!found) return 'neither input is a product of matrices that it alone reads';
    const { product, c } = found;
    const [x, w] = product.inputs;
    const type = product.output.type;
    if (!x || !w || x.rank !== 2 || w.rank !== 2) return 'the product is not known to be one of matrices';
    if (type?.kind !== 'tensor' || !['float32', 'float64', 'float16'].includes(type.dtype)) return 'Gemm is for floats';
    const [rows, columns] = [x.dims?.[0], w.dims?.[1]];
    const [last, first] = [c.dims?.at(-1), c.dims?.at(-2)];
    const fits = c.rank !== undefined && c.rank >= 1 && c.rank <= 2 && (last === 1 || (last === columns && last !== null)) && (c.rank === 1 || first === 1 || (first === rows && first !== null));
    return fits ? op.Gemm(x, w, c) : `"${c.name}" may make the product larger`;
  },
});

function pair(v: Value | undefined, c: Value | undefined): { product: Node; c: Value } | undefined {
  const product = v?.producer;
  return product?.is('MatMul') && c && v?.useCount === 1 && !v.isOutput ? { product, c } : undefined;
}
