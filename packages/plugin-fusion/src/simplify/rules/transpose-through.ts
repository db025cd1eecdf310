import { copyOf, countOf, nodeRule, type Node, type Value } from '@onnxpress/core';
import { permutationOf } from './transpose.ts';

/** What is computed element by element, so that it makes no difference in which order the axes are. */
const UNARY = 'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu'.split(' ');
const BROADCASTING = 'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mul Or Pow Sub Sum Where Xor'.split(' ');

/** From here on the inputs of these are spread over each other. */
const SPREADS_SINCE = 8;
const MOST_STEPS = 8;

/** A Transpose behind elementwise operators that undoes the ones before them: none of them is left. */
export const transposeThrough = nodeRule('transpose-through', {
  operators: ['Transpose'],
  depth: MOST_STEPS,
  apply(node, _op, graph) {
    const [x] = node.inputs;
    const perm = permutationOf(node);
    if (!x || !perm) return 'its permutation is not known';
    if (x.producer?.is('Transpose')) return 'it follows another, with which it is merged';
    if ((graph.opsets.get('') ?? 0) < SPREADS_SINCE) return 'the opset spreads inputs by an attribute';
    return undone(x, perm, MOST_STEPS, new Map()) ?? 'what it reads is not computed, element by element, from what it undoes';
  },
});

/** The value with its axes in that order, made without a Transpose; undefined where there is no such way. */
function undone(v: Value, perm: readonly number[], steps: number, made: Map<Value, Value>): Value | undefined {
  const before = made.get(v);
  if (before) return before;
  const node = v.producer;
  if (v.dims && v.dims.length < perm.length && v.dims.every((d) => d === 1)) return v; // one number, wherever the axes are
  if (v.constant && countOf(v.constant.dims) === 1 && v.constant.dims.length <= 1) return v;
  if (!node || steps === 0 || v.isOutput) return undefined;
  if (node.is('Transpose')) return inverse(node, perm);
  if (v.useCount !== 1 || node.outputs.length !== 1) return undefined;
  const result = throughElements(node, perm, steps, made);
  if (result) made.set(v, result);
  return result;
}

function inverse(node: Node, perm: readonly number[]): Value | undefined {
  const first = permutationOf(node);
  return first?.length === perm.length && perm.every((p, i) => first[p] === i) ? node.inputs[0] : undefined;
}

function throughElements(node: Node, perm: readonly number[], steps: number, made: Map<Value, Value>): Value | undefined {
  if (node.domain !== '' || node.inputs.length === 0) return undefined;
  if (UNARY.includes(node.opType)) {
    const [x, ...settings] = node.inputs;
    const moved = x && undone(x, perm, steps - 1, made);
    return moved && copyOf(node, [moved, ...settings]).output;
  }
  if (!BROADCASTING.includes(node.opType)) return undefined;
  const inputs = node.inputs.map((x) => x && undone(x, perm, steps - 1, made));
  const moved = inputs.some((x, i) => x !== node.inputs[i]); // that one has all the axes
  return moved && inputs.every((x) => x !== undefined) ? copyOf(node, inputs).output : undefined;
}
