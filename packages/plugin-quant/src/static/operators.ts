import { countOf, describe, float32sOf, numbersOf, selector, weightOf, type Model, type Node, type PassContext, type Tensor, type Value } from '@onnxpress/core';
import { targetOf } from '../target.ts';

/** A number for each output of an operator, added where the operator itself has no place for it. */
export interface Bias {
  readonly node: Node;
  readonly index: number;
  /** Undefined where a bias can be added and there is none. */
  readonly tensor: Tensor | undefined;
}

export interface OperatorWeight {
  readonly value: Value;
  readonly tensor: Tensor;
  /** The axis of its output channels as it is stored. */
  readonly axis: 0 | 1;
  /** Whether its codes are to be stored transposed: those of products are [inputs, outputs]. */
  readonly turned: boolean;
}

/**
 * `conv` and `product` have weights. `compute` makes new numbers of one or two activations. `move` only moves or picks numbers, so that its input and output
 * share a grid.
 */
export type OperatorKind = 'conv' | 'product' | 'compute' | 'move';

/** An operator that onnxruntime has for 8 bits. */
export interface Operator {
  readonly node: Node;
  readonly kind: OperatorKind;
  /** Where it reads activations. */
  readonly reads: readonly number[];
  readonly weight: OperatorWeight | undefined;
  readonly bias: Bias | undefined;
  /** What its codes stand for: its output, or what a Relu or Clip, a factor and an offset behind it make of that, all of which the codes take in. Undefined for products, whose output stays float. */
  readonly place: Value | undefined;
  /** The nodes behind it that the codes take in. */
  readonly taken: readonly Node[];
  /** Between which a Relu or Clip behind it keeps its output. */
  readonly bounds: readonly [low: number, high: number];
  /** By which the output is multiplied behind that. */
  readonly factor: number;
  /** What is added to it behind that. */
  readonly offset: number;
}

const MOVES: ReadonlySet<string> = new Set(['MaxPool', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'DepthToSpace', 'SpaceToDepth', 'Resize', 'Concat']);
const COMPUTES: ReadonlySet<string> = new Set(['Add', 'Mul', 'AveragePool', 'GlobalAveragePool', 'Sigmoid', 'LeakyRelu']);

/** Everything of the main graph that could take 8 bits, in the order of computation. What could not, and has a weight, goes to `ctx.missed`. Types must have been inferred. */
export function operatorsIn(model: Model, { include, exclude }: { readonly include: readonly string[]; readonly exclude: readonly string[] }, ctx: Pick<PassContext, 'missed'>): Operator[] {
  const chosen = selector(model, include, exclude);
  const found: Operator[] = [];
  for (const node of model.graph.ordered()) {
    if (!chosen(node) || node.domain !== '') continue;
    const operator = operatorOf(node);
    if (typeof operator === 'string') ctx.missed(`${describe(node)} stays: ${operator}.`);
    else if (operator) found.push(operator);
  }
  for (const node of model.nodes()) if (node.graph !== model.graph && chosen(node) && (node.is('Conv') || node.is('MatMul') || node.is('Gemm'))) ctx.missed(`${describe(node)} stays: it lies in a subgraph or function, where nothing can be observed.`);
  return found;
}

function operatorOf(node: Node): Operator | string | undefined {
  if (node.is('Conv')) return convolution(node);
  if (node.is('ConvTranspose')) return 'onnxruntime has no ConvTranspose of 8 bits';
  if (node.is('MatMul') || node.is('Gemm')) return product(node);
  if (MOVES.has(node.opType)) return movement(node);
  return COMPUTES.has(node.opType) ? computation(node) : undefined;
}

function convolution(node: Node): Operator | string {
  const [x, w, b] = node.inputs;
  const weight = w && weightOf(w);
  if (!weight) return 'it has no constant weight';
  const why = notFloat32(x) ?? weightProblem(weight.tensor, weight.through.length);
  if (why) return why;
  const bias = b && constantBehind(b);
  if (b && !bias) return 'its bias is computed';
  return { ...placed(node), node, kind: 'conv', reads: [0], weight: { value: weight.value, tensor: weight.tensor, axis: 0, turned: false }, bias: { node, index: 2, tensor: bias } };
}

function product(node: Node): Operator | string | undefined {
  const target = targetOf(node);
  if (typeof target === 'string') return target;
  if (!target || target.kind === 'embedding') return undefined;
  const why = notFloat32(node.inputs[0]) ?? (target.computes === 'float32' ? undefined : `it computes in ${target.computes}`);
  if (why) return why;
  if (node.is('Gemm') && node.float('alpha', 1) !== 1) return `its product is scaled by alpha = ${node.float('alpha', 1)}`;
  const { output } = node;
  const bias = node.is('Gemm') ? node.inputs[2] && constantBehind(node.inputs[2]) : undefined;
  if (node.is('Gemm') && node.inputs[2] && !bias) return 'its bias is computed';
  const columns = target.tensor.dims[target.transposed ? 0 : 1]!; // targets are matrices
  if (bias && countOf(bias.dims) !== columns) return 'its bias is no vector of its outputs';
  const behind = output.uses.length === 1 && !output.isOutput ? output.uses[0]!.node : undefined;
  const at = behind?.is('Add') ? behind.inputs.findIndex((v) => v !== output) : -1;
  const added = at >= 0 ? constantBehind(behind!.inputs[at]!) : undefined;
  const isVector = added && countOf(added.dims) === columns && added.dims.at(-1) === columns;
  return {
    node, kind: 'product', reads: [0], weight: { value: target.weight, tensor: target.tensor, axis: target.transposed ? 0 : 1, turned: target.transposed },
    bias: node.is('Gemm') ? { node, index: 2, tensor: bias } : isVector ? { node: behind!, index: at, tensor: added } : undefined,
    place: undefined, taken: [], bounds: [-Infinity, Infinity], factor: 1, offset: 0,
  };
}

function movement(node: Node): Operator | undefined {
  const reads = node.is('Concat') ? node.inputs.map((_, i) => i) : [0];
  if (node.outputs.filter((v) => v.name !== '').length !== 1 || reads.some((i) => notFloat32(node.inputs[i]) !== undefined || node.inputs[i]!.isConstant())) return undefined;
  if (node.is('Resize') && (node.string('mode', 'nearest') !== 'nearest' || node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize')) return undefined;
  return { node, kind: 'move', reads, weight: undefined, bias: undefined, place: node.output, taken: [], bounds: [-Infinity, Infinity], factor: 1, offset: 0 };
}

function computation(node: Node): Operator | undefined {
  const reads = node.inputs.flatMap((v, i) => (v && !v.isConstant() ? [i] : []));
  if (reads.length === 0 || node.inputs.some((v) => notFloat32(v) !== undefined)) return undefined;
  if (node.is('Mul') && operandOf(node) !== undefined) return undefined; // a factor alone is no work: it goes into a scale where it can
  return { ...placed(node), node, kind: 'compute', reads, weight: undefined, bias: undefined };
}

/** Follows an operator's output through what codes take in: one Relu or Clip, then one positive factor, then one offset, each the only reader of what is before it. */
function placed({ output }: Node): Pick<Operator, 'place' | 'taken' | 'bounds' | 'factor' | 'offset'> {
  let place = output;
  const taken: Node[] = [];
  let bounds: readonly [number, number] = [-Infinity, Infinity];
  let factor = 1;
  const next = (): Node | undefined => (place.uses.length === 1 && !place.isOutput && place.uses[0]!.node.graph === output.graph ? place.uses[0]!.node : undefined);
  const clip = next();
  const found = clip && boundsOf(clip);
  if (clip && found && found[0] <= 0 && found[1] > 0) {
    bounds = found;
    taken.push(clip);
    place = clip.output;
  }
  const scaling = next();
  const by = scaling?.is('Mul') ? operandOf(scaling) : undefined;
  if (scaling && by !== undefined && by > 0) {
    factor = by;
    taken.push(scaling);
    place = scaling.output;
  }
  const adding = next();
  const offset = adding?.is('Add') ? operandOf(adding) : undefined;
  if (adding && offset !== undefined && Number.isFinite(offset) && !leadsToClip(adding)) {
    taken.push(adding);
    place = adding.output;
  }
  return { place, taken, bounds, factor, offset: place === adding?.output ? offset! : 0 };
}

/** An offset before a Clip is a step of its own: the codes of the sum take the Clip in. */
const leadsToClip = ({ output }: Node): boolean => output.uses.length === 1 && !output.isOutput && boundsOf(output.uses[0]!.node) !== undefined;

function boundsOf(node: Node): readonly [number, number] | undefined {
  if (node.is('Relu')) return [0, Infinity];
  if (!node.is('Clip')) return undefined;
  if (node.attrs.has('min') || node.attrs.has('max')) return [node.float('min', -Infinity), node.float('max', Infinity)];
  const [, min, max] = node.inputs;
  const low = min ? numberOf(min) : -Infinity;
  const high = max ? numberOf(max) : Infinity;
  return low === undefined || high === undefined ? undefined : [low, high];
}

/** The constant that a Mul or Add takes, where it is one number and gives the other input's shape. */
function operandOf(node: Node): number | undefined {
  const at = node.inputs.findIndex((v) => v?.isConstant());
  const constant = node.inputs[at];
  const other = node.inputs[1 - at];
  if (!constant || !other || other.isConstant() || (constant.rank ?? 0) > (other.rank ?? 0)) return undefined;
  return numberOf(constant);
}

function numberOf(v: Value): number | undefined {
  const tensor = constantBehind(v);
  return tensor && countOf(tensor.dims) === 1 ? numbersOf(tensor)[0] : undefined;
}

/** A constant of float32; what is stored otherwise is cast by nodes that are left alone. */
const constantBehind = (v: Value): Tensor | undefined => (v.constant?.dtype === 'float32' ? v.constant : undefined);

const notFloat32 = (v: Value | undefined): string | undefined => (v?.type?.kind === 'tensor' && v.type.dtype === 'float32' ? undefined : `its input is ${v?.type?.kind === 'tensor' ? v.type.dtype : 'of unknown type'}`);

function weightProblem(tensor: Tensor, through: number): string | undefined {
  if (tensor.dtype !== 'float32' || through > 0) return `its weight is ${tensor.dtype}${through > 0 ? ' behind other nodes' : ''}; quant/static takes float32`;
  return tensor.dims.length < 3 || countOf(tensor.dims) === 0 ? `its weight has the shape [${tensor.dims.join(', ')}]` : undefined;
}

/** The bias in float32, zeros where there is none. */
export const biasOf = ({ bias, weight }: Operator): Float32Array => (bias?.tensor ? float32sOf(bias.tensor) : new Float32Array(weight!.tensor.dims[weight!.axis]!)); // asked of operators with weights
