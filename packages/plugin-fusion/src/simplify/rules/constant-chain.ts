import { countOf, float32s, nodeRule, numbersOf, type Node, type Tensor, type Value } from '@onnxpress/core';

/** From here on the second input of an elementwise operator is spread over the first without being asked. */
const SPREADS_SINCE = 7;
/** More numbers are weights. */
const MOST_ELEMENTS = 65_536;
/** Factors beyond these could make a product infinite, or nothing, that was not before. */
const [LEAST, MOST] = [2 ** -32, 2 ** 32];

/** Two additions of constants one behind the other, or two multiplications and divisions: one, of numbers that are rounded once more. */
export const constantChain = nodeRule('constant-chain', {
  operators: ['Add', 'Sub', 'Mul', 'Div'],
  depth: 2,
  apply(node, op, graph) {
    if ((graph.opsets.get('') ?? 0) < SPREADS_SINCE) return 'the opset spreads inputs by an attribute';
    const outer = stepOf(node);
    const inner = outer?.x.producer && stepOf(outer.x.producer);
    if (!outer || !inner || outer.x.useCount !== 1 || outer.x.isOutput) return 'it is not the second step of two with constants';
    if (outer.product !== inner.product) return 'one adds and one multiplies';
    const [a, b] = [outer.c, inner.c];
    const one = countOf(a.dims) === 1 && a.dims.length <= b.dims.length ? b : countOf(b.dims) === 1 && b.dims.length <= a.dims.length ? a : a.dims.join() === b.dims.join() ? a : undefined;
    if (!one || countOf(one.dims) > MOST_ELEMENTS) return 'its constants have different shapes';
    const { x, product } = inner;
    const [p, q] = [effect(outer), effect(inner)];
    const numbers = Float32Array.from({ length: countOf(one.dims) }, (_, i) => (product ? at(p, i) * at(q, i) : at(p, i) + at(q, i)));
    if (product && ![...p, ...q, ...numbers].every((n) => Math.abs(n) >= LEAST && Math.abs(n) <= MOST)) return 'a factor is too large or too small';
    if (!product && !numbers.every((n, i) => keeps(n, at(p, i), at(q, i)))) return 'its constants cancel, which loses small numbers';
    const c = op.constant(float32s(one.dims, numbers));
    return product ? op.Mul(x, c) : op.Add(x, c);
  },
});

/** Above this, additions that cancel lose digits that others see: 2^8 leaves 2^-16 of a float32. */
const HARMLESS = 2 ** 8;

/** Whether the sum of two numbers is no far smaller than they are, or they are small. */
const keeps = (sum: number, a: number, b: number): boolean => Math.max(Math.abs(a), Math.abs(b)) <= Math.max(HARMLESS, HARMLESS * Math.abs(sum));

interface Step {
  readonly x: Value;
  readonly c: Tensor;
  readonly product: boolean;
  readonly inverse: boolean;
}

/** x + c, x - c, x · c, x / c. */
function stepOf(node: Node): Step | undefined {
  const [a, b] = node.inputs;
  if (!a || !b || node.domain !== '' || !['Add', 'Sub', 'Mul', 'Div'].includes(node.opType)) return undefined;
  const commutes = node.is('Add') || node.is('Mul');
  const [x, c] = b.constant ? [a, b.constant] : commutes && a.constant ? [b, a.constant] : [];
  if (!x || c?.dtype !== 'float32' || x.constant) return undefined;
  return { x, c, product: node.is('Mul') || node.is('Div'), inverse: node.is('Sub') || node.is('Div') };
}

/** What is added, or multiplied by. */
const effect = ({ c, product, inverse }: Step): Float64Array => numbersOf(c).map((n) => (inverse ? (product ? 1 / n : -n) : n));

const at = (numbers: Float64Array, i: number): number => numbers[numbers.length === 1 ? 0 : i]!; // one, or as many as asked for
