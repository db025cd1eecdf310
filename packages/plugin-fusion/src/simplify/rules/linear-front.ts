import { float32s, float32sOf, lazyTensor, nodeRule, numbersOf, type Node, type Ops, type Tensor, type Value } from '@onnxpress/core';
import { affineOf, type Affine } from './affine.ts';

/** Factors beyond these could make a product infinite, or nothing, that was not before. */
const [LEAST, MOST] = [2 ** -32, 2 ** 32];

/** A linear operator with constant weights as it looks from in front. */
interface Front {
  readonly node: Node;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Of what it reads: where its channels are, of how many axes, and how many they are. */
  readonly axis: number;
  readonly rank: number;
  readonly channels: number;
  readonly outputs: number;
  /** Why nothing can be added in front of it. */
  readonly noShift: string | undefined;
  /** Which channel an element of the weight reads, and which it writes. */
  from(element: number): number;
  to(element: number): number;
}

/**
 * What normalizes the input of a convolution or a product of matrices and is read by nothing else goes into its weights: a BatchNormalization (inference), or the Mul, Div, Add or
 * Sub of one constant per channel that stands at an input of the model. Elsewhere those belong to activations and normalizations that have operators of their own.
 */
export const affineInFront = nodeRule('affine-in-front', {
  operators: ['Conv', 'Gemm', 'MatMul'],
  depth: 2,
  grows: 'a bias of one number per channel may come; the weight keeps its size',
  apply(node, op) {
    const changed = node.inputs[0];
    const maker = changed?.producer;
    if (!changed || !maker || !(maker.is('BatchNormalization') || (ARITHMETIC.some((name) => maker.is(name)) && maker.inputs.some((v) => v?.isInput)))) return 'what it reads does not normalize';
    if (changed.useCount > 1 || changed.isOutput) return `"${changed.name}" is also read elsewhere`;
    const front = frontOf(node);
    if (typeof front === 'string') return front;
    const affine = affineOf(maker, front.axis, front.rank, front.channels);
    if (typeof affine === 'string') return affine;
    const { x, scale, shift } = affine;
    if (x.rank !== front.rank || x.dims?.[front.axis] !== front.channels) return 'it spreads what it changes';
    if (scale.some((s) => Math.abs(s) < LEAST || Math.abs(s) > MOST)) return 'a factor is too large or too small';
    if (front.noShift !== undefined && shift.some((s) => s !== 0)) return front.noShift;
    return folded(front, { scale, shift }, x, op);
  },
});

const ARITHMETIC = ['Mul', 'Div', 'Add', 'Sub'] as const;

function frontOf(node: Node): Front | string {
  const [x, w, b] = node.inputs;
  if (!w?.constant || (b && !b.constant)) return 'its weights are no constants';
  if (w.useCount > 1 || w.isOutput) return `its weight "${w.name}" is read elsewhere too`;
  const { constant: weight } = w;
  const bias = b?.constant;
  const { dims, dtype } = weight;
  if (dtype !== 'float32') return `weights of ${dtype} stay as they are`;
  if (node.is('Conv')) {
    const group = node.int('group', 1);
    const [outputs, each] = [dims[0] ?? 0, dims.slice(2).reduce((a, c) => a * c, 1)];
    const part = dims[1] ?? 0;
    const to = (i: number): number => Math.floor(i / (part * each));
    const from = (i: number): number => Math.floor(to(i) / (outputs / group)) * part + (Math.floor(i / each) % part);
    const padded = !['NOTSET', 'VALID'].includes(node.string('auto_pad', 'NOTSET')) || (node.ints('pads') ?? []).some((p) => p !== 0);
    return dims.length < 3 ? 'its weight has too few axes' : { node, weight, bias, axis: 1, rank: dims.length, channels: part * group, outputs, noShift: padded ? 'its padding is not shifted' : undefined, from, to };
  }
  const rank = x?.rank;
  if (dims.length !== 2 || rank === undefined) return 'it is no product with a matrix of known rank';
  if (node.int('transA', 0) !== 0 || node.float('alpha', 1) !== 1 || node.float('beta', 1) !== 1) return 'it changes what it reads in another way';
  const transposed = node.int('transB', 0) !== 0;
  const [rows, columns] = [dims[0]!, dims[1]!];
  const [outer, inner] = [(i: number): number => Math.floor(i / columns), (i: number): number => i % columns];
  const plain = bias && bias.dims.join() !== String(transposed ? rows : columns) ? 'its bias is not one number per column' : undefined;
  const noShift = rank === 2 ? plain : 'a product of more than matrices has no place for a bias';
  return { node, weight, bias, axis: rank - 1, rank, channels: transposed ? columns : rows, outputs: transposed ? rows : columns, noShift, from: transposed ? inner : outer, to: transposed ? outer : inner };
}

function folded({ node, weight, bias, outputs, from, to }: Front, { scale, shift }: Affine, x: Value, op: Ops<Value>): Value {
  const scaled = op.constant(lazyTensor('float32', weight.dims, () => float32sOf(weight).map((w, i) => w * scale[from(i)]!)));
  let moved = node.inputs[2];
  if (shift.some((s) => s !== 0)) {
    const sums = bias ? numbersOf(bias) : new Float64Array(outputs);
    float32sOf(weight).forEach((w, i) => {
      sums[to(i)]! += w * shift[from(i)]!;
    });
    moved = op.constant(float32s([outputs], Float32Array.from(sums)));
  }
  if (node.is('MatMul') && moved) return op.Gemm(x, scaled, moved);
  return op.call('', node.opType, [x, scaled, moved], Object.fromEntries(node.attrs))[0]!; // each has one result
}
