import { numbersOf, type Node, type Value } from '@onnxpress/core';

/** What a kernel applies to each element it has made. */
export interface Activation {
  readonly x: Value;
  readonly name: string;
  /** In the order in which the kernel takes them. */
  readonly parameters: readonly number[];
}

/** The limits of float32: what Clip has where none are given. */
const [LOWEST, HIGHEST] = [-3.4028234663852886e38, 3.4028234663852886e38];

/** The node as an activation, or why it is none whose numbers are known. */
export function activationOf(node: Node): Activation | string {
  const [x] = node.inputs;
  if (!x || node.domain !== '') return 'it is no activation';
  switch (node.opType) {
    case 'Relu':
    case 'Sigmoid':
    case 'Tanh':
      return { x, name: node.opType, parameters: [] };
    case 'LeakyRelu':
      return { x, name: node.opType, parameters: [node.float('alpha', 0.01)] };
    case 'HardSigmoid':
      return { x, name: node.opType, parameters: [node.float('alpha', 0.2), node.float('beta', 0.5)] };
    case 'Clip': {
      const [least, most] = [limit(node, 1, 'min', LOWEST), limit(node, 2, 'max', HIGHEST)];
      return least === undefined || most === undefined ? 'its limits are no constants' : { x, name: 'Clip', parameters: [least, most] };
    }
    default:
      return 'it is no activation';
  }
}

/** A limit as an input, or as the attribute it used to be. */
function limit(node: Node, input: number, name: string, fallback: number): number | undefined {
  const v = node.inputs[input];
  if (!v) return node.float(name, fallback);
  const numbers = v.constant?.dtype === 'float32' ? numbersOf(v.constant) : [];
  return numbers.length === 1 ? numbers[0] : undefined;
}
