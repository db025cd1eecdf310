import { Node, type Use, type Value } from '@onnxpress/core';

/** A place where a value is read; where nobody in its graph reads it, an Identity does from now on. */
export function readerOf(value: Value): Use {
  const [use] = value.uses.filter((u) => u.node.graph === value.graph);
  if (use) return use;
  const node = value.graph!.add(new Node('Identity', [value])); // values that are observed are of a graph
  return { node, index: 0 };
}
