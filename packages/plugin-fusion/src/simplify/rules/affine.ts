import { countOf, numbersOf, type Node, type Tensor, type Value } from '@onnxpress/core';
import { filledTensor } from '../numbers.ts';

/** y = x · scale + shift, one of each per channel. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** A node that does that to `x`, or why it does not. */
export type AffineOf = (Affine & { readonly x: Value }) | string;

/** The numbers of a BatchNormalization in inference, an addition or a multiplication by constants, along axis `axis` of `rank` with `channels` elements. */
export function affineOf(node: Node, axis: number, rank: number, channels: number): AffineOf {
  return node.is('BatchNormalization') ? normalization(node, axis, channels) : arithmetic(node, axis, rank, channels);
}

function normalization(node: Node, axis: number, channels: number): AffineOf {
  const [x, ...rest] = node.inputs;
  const tensors = rest.map((v) => v && filledTensor(v)).filter((t) => t !== undefined);
  if (!x || tensors.length !== 4) return 'its statistics are no constants';
  if (axis !== 1 || tensors.some((t) => t.dims.join() !== String(channels))) return 'its channels are others';
  if (node.int('training_mode', 0) !== 0 || node.int('spatial', 1) !== 1) return 'it is in training mode, or not per channel';
  if (node.outputs.slice(1).some((v) => !v.isUnused)) return 'its statistics are read';
  if ((node.graph?.opsets.get('') ?? 0) < 7 && node.int('is_test', 0) === 0) return 'it is in training mode';
  const [gain, bias, mean, variance] = tensors.map(numbersOf) as [Float64Array, Float64Array, Float64Array, Float64Array]; // four, as checked
  const epsilon = Math.fround(node.float('epsilon', 1e-5));
  const scale = gain.map((g, i) => g / Math.sqrt(variance[i]! + epsilon));
  return finite({ x, scale, shift: bias.map((b, i) => b - mean[i]! * scale[i]!) });
}

function arithmetic(node: Node, axis: number, rank: number, channels: number): AffineOf {
  const [a, b] = node.inputs;
  if ((node.graph?.opsets.get('') ?? 0) < 7) return 'the opset spreads inputs by an attribute';
  if (!a || !b || node.inputs.length !== 2) return 'an input is missing';
  const first = !a.isConstant() || b.isConstant();
  const [x, c] = first ? [a, b] : [b, a];
  if (!c.isConstant()) return `"${c.name}" is no constant`;
  const numbers = perChannel(c.constant, axis, rank, channels);
  if (!numbers) return `"${c.name}" is not one number per channel`;
  const [ones, zeros] = [new Float64Array(channels).fill(1), new Float64Array(channels)];
  switch (node.opType) {
    case 'Mul':
      return finite({ x, scale: numbers, shift: zeros });
    case 'Add':
      return finite({ x, scale: ones, shift: numbers });
    case 'Sub':
      return finite(first ? { x, scale: ones, shift: numbers.map((v) => -v) } : { x, scale: ones.fill(-1), shift: numbers });
    case 'Div':
      return first ? finite({ x, scale: numbers.map((v) => 1 / v), shift: zeros }) : 'it divides by what the model computes';
    default:
      return 'it is no such operator';
  }
}

/** A constant's numbers per channel, where it says the same for everything else and does not make the result larger. */
function perChannel(t: Tensor, axis: number, rank: number, channels: number): Float64Array | undefined {
  if (t.dims.length > rank) return undefined;
  const place = axis - (rank - t.dims.length);
  if (t.dims.some((d, i) => d !== 1 && (i !== place || d !== channels)) || countOf(t.dims) === 0) return undefined;
  const numbers = numbersOf(t);
  return numbers.length === channels ? numbers : new Float64Array(channels).fill(numbers[0]!);
}

function finite(found: Affine & { readonly x: Value }): AffineOf {
  return [...found.scale, ...found.shift].every(Number.isFinite) ? found : 'a number in it is not finite';
}
