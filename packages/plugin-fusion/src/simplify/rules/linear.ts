import { float32s, float32sOf, lazyTensor, nodeRule, numbersOf, tensorOf, type Node, type Ops, type Tensor, type Value } from '@onnxpress/core';
import { filledTensor, uniformOf } from '../numbers.ts';
import { affineOf, type Affine } from './affine.ts';

/** What a linear operator with constant weights looks like from behind. */
interface Linear {
  readonly node: Node;
  readonly weight: Value;
  /** The weight's numbers: of a constant, or of what a ConstantOfShape fills. */
  readonly numbers: Tensor;
  readonly bias: Tensor | undefined;
  /** Of the result: where its channels are, of how many axes, and how many they are. */
  readonly axis: number;
  readonly rank: number;
  readonly channels: number;
  /** Which channel an element of the weight belongs to. */
  channelOf(element: number): number;
}

/**
 * BatchNormalization (inference), Mul, Div, Add and Sub by one constant per channel behind a Conv, ConvTranspose, Gemm or MatMul that nobody else reads: they go into its
 * weights, W' = W · scale and b' = b · scale + shift, computed in double precision and rounded once.
 */
export const affineIntoWeights = nodeRule('affine-into-weights', {
  operators: ['BatchNormalization', 'Mul', 'Div', 'Add', 'Sub'],
  depth: 2,
  grows: 'a bias of one number per channel may come; the weight keeps its size',
  apply(node, op) {
    const product = node.inputs.find((v) => v?.producer && ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].some((name) => v.producer?.is(name)));
    const maker = product?.producer;
    if (!product || !maker) return 'what it reads is no linear operator';
    if (product.useCount > 1 || product.isOutput) return `"${product.name}" is also read elsewhere`;
    const linear = linearOf(maker);
    if (typeof linear === 'string') return linear;
    const affine = affineOf(node, linear.axis, linear.rank, linear.channels);
    if (typeof affine === 'string') return affine;
    return affine.x === product ? folded(linear, affine, op) : 'the product is not what it changes';
  },
});

function linearOf(node: Node): Linear | string {
  const [, weight, given] = node.inputs;
  const [numbers, bias] = [weight && filledTensor(weight), given && filledTensor(given)];
  if (!weight || !numbers || (given && !bias)) return 'its weights are no constants';
  const { dims, dtype } = numbers;
  if (dtype !== 'float32') return `weights of ${dtype} stay as they are`;
  const rank = dims.length;
  const group = node.int('group', 1);
  if (node.is('Conv')) {
    const each = dims.slice(1).reduce((a, b) => a * b, 1);
    return rank < 3 ? 'its weight has too few axes' : checked({ node, weight, numbers, bias, axis: 1, rank, channels: dims[0]!, channelOf: (i) => Math.floor(i / each) });
  }
  if (node.is('ConvTranspose')) {
    if (rank < 3 || dims[0]! % group !== 0) return 'its weight does not fit its groups';
    const [inputs, part] = [dims[0]! / group, dims[1]!];
    const each = dims.slice(2).reduce((a, b) => a * b, 1);
    const channelOf = (i: number): number => Math.floor(i / (each * part * inputs)) * part + (Math.floor(i / each) % part);
    return checked({ node, weight, numbers, bias, axis: 1, rank, channels: part * group, channelOf });
  }
  const transposed = node.int('transB', 0) !== 0;
  if (rank !== 2) return 'its weight is no matrix';
  const channels = dims[transposed ? 0 : 1]!;
  const channelOf = (i: number): number => (transposed ? Math.floor(i / dims[1]!) : i % channels);
  if (node.is('Gemm')) return checked({ node, weight, numbers, bias, axis: 1, rank: 2, channels, channelOf });
  const outer = node.output.rank;
  return outer === undefined ? 'the rank of its result is not known' : checked({ node, weight, numbers, bias: undefined, axis: outer - 1, rank: outer, channels, channelOf });
}

/** A bias must be one number per channel. */
function checked(linear: Linear): Linear | string {
  const { bias, channels } = linear;
  return !bias || bias.dims.join() === String(channels) ? linear : 'its bias is not one number per channel';
}

function folded(linear: Linear, affine: Affine, op: Ops<Value>): Value | string {
  const { node, bias } = linear;
  const [x] = node.inputs;
  if (!x) return 'it has no input';
  const scaled = scaledWeight(linear, affine.scale, op);
  if (typeof scaled === 'string') return scaled;
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const shift = shifted(bias, affine, beta);
  const needed = bias !== undefined || shift.some((s) => s !== 0);
  const moved = needed ? op.constant(float32s([linear.channels], Float32Array.from(shift))) : undefined;
  if (node.is('MatMul')) return moved ? withBias(linear, x, scaled, moved, op) : op.MatMul(x, scaled);
  if (node.is('Gemm')) return op.Gemm(x, scaled, moved, { alpha, transA: node.int('transA', 0), transB: node.int('transB', 0) });
  const attrs = Object.fromEntries([...node.attrs]);
  return op.call('', node.opType, [x, scaled, moved], attrs)[0]!; // a convolution has one result
}

/** A product of matrices and a bias per column: one Gemm. Products of larger rank have no place for a bias. */
function withBias({ rank }: Linear, x: Value, weight: Value, bias: Value, op: Ops<Value>): Value | string {
  return rank === 2 && x.rank === 2 ? op.Gemm(x, weight, bias) : 'a product of more than matrices has no place for a bias';
}

const shifted = (bias: Tensor | undefined, { scale, shift }: Affine, beta: number): Float64Array => {
  const before = bias && numbersOf(bias);
  return shift.map((s, i) => (before ? before[i]! * beta * scale[i]! : 0) + s);
};

/** A weight that a ConstantOfShape fills stays so: as a constant it would be as large as all its elements. */
function scaledWeight({ weight, numbers, channelOf }: Linear, scale: Float64Array, op: Ops<Value>): Value | string {
  if (scale.every((s) => s === 1)) return weight;
  if (weight.isConstant()) return weight.useCount > 1 || weight.isOutput ? `its weight "${weight.name}" is read elsewhere too` : op.constant(scaledTensor(numbers, scale, channelOf));
  const shape = weight.producer?.inputs[0];
  const filling = weight.producer?.attrs.get('value');
  const before = filling?.type === 'tensor' ? uniformOf(filling.value) : 0;
  if (!shape || before === undefined || scale.some((s) => s !== scale[0])) return 'its weight is filled with one number, and would have several';
  return op.ConstantOfShape(shape, { value: tensorOf('float32', [1], [before * scale[0]!]) });
}

/** Computed when somebody reads it: the weights of a large model are never in memory all at once. */
const scaledTensor = (weight: Tensor, scale: Float64Array, channelOf: (element: number) => number): Tensor =>
  lazyTensor('float32', weight.dims, () => float32sOf(weight).map((w, i) => w * scale[channelOf(i)]!));
