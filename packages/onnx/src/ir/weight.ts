import type { Node, Value } from './graph.ts';
import type { Tensor } from './tensor.ts';

/** A constant, and the nodes between it and its reader that only change how it is stored. */
export interface Weight {
  /** The value that holds the numbers: an initializer, or the output of a Constant node. */
  readonly value: Value;
  readonly tensor: Tensor;
  /** Cast and Transpose nodes on the way, the one nearest to the reader first. */
  readonly through: readonly Node[];
}

/**
 * The weight behind a value, seen through Cast (weights stored in half precision), Transpose (tied embeddings) and Identity;
 * undefined where the value is computed.
 */
export function weightOf(value: Value): Weight | undefined {
  const through: Node[] = [];
  for (let v: Value | undefined = value; v; ) {
    const tensor: Tensor | undefined = v.constant;
    if (tensor) return { value: v, tensor, through };
    const node: Node | undefined = v.producer;
    if (!node || !(node.is('Cast') || node.is('Transpose') || node.is('Identity'))) return undefined;
    if (!node.is('Identity')) through.push(node);
    v = node.inputs[0];
  }
  return undefined;
}
