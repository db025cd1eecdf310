import type { Attr } from './attr.ts';
import type { Node, Value } from './graph.ts';
import { lazyTensor, type Tensor } from './tensor.ts';
import { stringTensor } from './strings.ts';

const known = new WeakMap<Attr, Tensor>();

/** The tensor that a Constant node makes, from whichever of its attributes is set; undefined for other nodes and for attributes of a function's caller. */
export function constantOf(node: Node, value: Value): Tensor | undefined {
  if (node.opType !== 'Constant' || node.domain !== '' || node.outputs[0] !== value) return undefined;
  for (const a of node.attrs.values()) {
    const tensor = known.get(a) ?? read(a);
    if (!tensor) continue;
    known.set(a, tensor);
    return tensor;
  }
  return undefined;
}

function read(a: Attr): Tensor | undefined {
  switch (a.type) {
    case 'tensor':
    case 'sparse':
      return a.value;
    case 'int':
      return lazyTensor('int64', [], () => BigInt64Array.of(BigInt(a.value)));
    case 'ints':
      return lazyTensor('int64', [a.value.length], () => BigInt64Array.from(a.value, BigInt));
    case 'float':
      return lazyTensor('float32', [], () => Float32Array.of(a.value));
    case 'floats':
      return lazyTensor('float32', [a.value.length], () => Float32Array.from(a.value));
    case 'string':
      return stringTensor([], [a.value]);
    case 'strings':
      return stringTensor([a.value.length], a.value);
    default:
      return undefined;
  }
}
