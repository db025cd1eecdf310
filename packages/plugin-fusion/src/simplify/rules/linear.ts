import { float32sOf, lazyTensor, nodeRule, numbersOf, tensorOf, type DType, type Node, type Ops, type Tensor, type Value } from '@onnxpress/core';
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

/** A type that weights may have. */
interface Format {
  /** What is as large rounds to infinity. */
  readonly infinity: number;
  /** What is smaller has fewer digits. */
  readonly smallest: number;
}

const FORMATS: Readonly<Partial<Record<DType, Format>>> = {
  float32: { infinity: 2 ** 128 - 2 ** 103, smallest: 2 ** -126 },
  float16: { infinity: 65_520, smallest: 2 ** -14 },
};

/** Scales within these bounds cannot bring a weight in float32 near the ends of its range that was not there; others are looked at, and all in half precision. */
const [LEAST_SCALE, MOST_SCALE] = [2 ** -40, 2 ** 40];

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
  if (!FORMATS[dtype]) return `weights of ${dtype} stay as they are`;
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
  const { dtype } = linear.numbers;
  if (shift.some((s) => !(Math.abs(s) < FORMATS[dtype]!.infinity))) return `its bias would be infinite in ${dtype}`;
  const moved = needed ? op.constant(tensorOf(dtype, [linear.channels], shift)) : undefined;
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
function scaledWeight(linear: Linear, scale: Float64Array, op: Ops<Value>): Value | string {
  const { weight, numbers, channelOf } = linear;
  if (scale.every((s) => s === 1)) return weight;
  if (weight.isConstant() && (weight.useCount > 1 || weight.isOutput)) return `its weight "${weight.name}" is read elsewhere too`;
  const unfit = outOfRange(linear, scale);
  if (unfit !== undefined) return unfit;
  if (weight.isConstant()) return op.constant(scaledTensor(numbers, scale, channelOf));
  const shape = weight.producer?.inputs[0];
  const filling = weight.producer?.attrs.get('value');
  const before = filling?.type === 'tensor' ? uniformOf(filling.value) : 0;
  if (!shape || before === undefined || scale.some((s) => s !== scale[0])) return 'its weight is filled with one number, and would have several';
  return op.ConstantOfShape(shape, { value: tensorOf('float32', [1], [before * scale[0]!]) });
}

/** Computed when somebody reads it: the weights of a large model are never in memory all at once. */
const scaledTensor = (weight: Tensor, scale: Float64Array, channelOf: (element: number) => number): Tensor =>
  lazyTensor(weight.dtype, weight.dims, () => {
    const numbers = float32sOf(weight);
    return weight.dtype === 'float32' ? numbers.map((w, i) => w * scale[channelOf(i)]!) : tensorOf(weight.dtype, weight.dims, products(numbers, scale, channelOf)).bytes();
  });

/** In double precision: each is rounded once, when it is stored. */
function* products(numbers: Float32Array, scale: Float64Array, channelOf: (element: number) => number): Generator<number> {
  for (let i = 0; i < numbers.length; i++) yield numbers[i]! * scale[channelOf(i)]!;
}

/** Why the scaled weight would not fit its type: a number would be infinite, or all of a channel so small that digits are lost. */
function outOfRange({ numbers, channels, channelOf }: Linear, scale: Float64Array): string | undefined {
  const { dtype } = numbers;
  if (dtype === 'float32' && scale.every((s) => s === 0 || (Math.abs(s) > LEAST_SCALE && Math.abs(s) < MOST_SCALE))) return undefined;
  const { infinity, smallest } = FORMATS[dtype]!; // linearOf looked
  const largest = new Float64Array(channels);
  float32sOf(numbers).forEach((w, i) => {
    const at = channelOf(i);
    largest[at] = Math.max(largest[at]!, Math.abs(w));
  });
  if (largest.some((w, i) => !(w * Math.abs(scale[i]!) < infinity))) return `its weight would be infinite in ${dtype}`;
  return largest.some((w, i) => w * Math.abs(scale[i]!) < smallest && w * scale[i]! !== 0) ? `its weight would be too small for ${dtype}` : undefined;
}
