import type { Attr } from '../ir/attr.ts';
import { isInteger } from '../ir/dtype.ts';
import { Value, type Node } from '../ir/graph.ts';
import { MOVED } from '../ir/moved.ts';
import { schemaOf, type OperatorSchema } from '../ir/schema.ts';
import type { Tensor } from '../ir/tensor.ts';
import { bigintsOf, int64s, tensorOf } from '../ir/values.ts';

/** The version of the operator that the node follows; undefined without a schema. */
export const schemaFor = (node: Node): OperatorSchema | undefined => schemaOf(node.domain, node.opType, node.graph?.opsets.get(node.domain) ?? Infinity);

const movedOf = (node: Node): (typeof MOVED)[string] => (node.domain === '' && node.attrs.size > 0 ? (MOVED[node.opType] ?? []) : []);

/**
 * Input `index` of the operator's newest form. Where the node's opset has an attribute instead (axes, pads, split, min, max …),
 * a constant with the attribute's value that is in no graph. undefined: missing.
 */
export function inputOf(node: Node, index: number): Value | undefined {
  const moved = movedOf(node).find((m) => m.input === index && node.attrs.has(m.attr));
  const a = moved && node.attrs.get(moved.attr);
  const tensor = a && tensorOfAttr(a, node);
  return tensor ? new Value(moved.attr, { constant: tensor }) : node.inputs[index];
}

/** Whether `inputOf` gives the attribute as one of the first `count` inputs. */
export const isInputOf = (node: Node, attribute: string, count: number): boolean => movedOf(node).some((m) => m.attr === attribute && m.input < count);

/**
 * The integers of a parameter that older opsets have as an attribute and newer ones as an input: `integersOf(node, 'axes')`; beyond 2^53 the
 * nearest number, as for the end of a Slice. undefined where it is absent or not known.
 */
export function integersOf(node: Node, name: string): readonly number[] | undefined {
  const a = node.attrs.get(name);
  if (a?.type === 'ints') return a.value.map(Number);
  if (a?.type === 'int') return [Number(a.value)];
  const at = schemaFor(node)?.inputs.findIndex((p) => p.name === name) ?? -1;
  const tensor = at < 0 ? undefined : node.inputs[at]?.constant;
  return tensor && isInteger(tensor.dtype) ? Array.from(bigintsOf(tensor), Number) : undefined;
}

/** As the operator takes it as an input: a float has the type of the data, a count comes in a list. */
function tensorOfAttr(a: Attr, node: Node): Tensor | undefined {
  const data = node.inputs[0]?.type;
  const dtype = data?.kind === 'tensor' && node.opType !== 'Dropout' ? data.dtype : 'float32';
  if (a.type === 'ints') return int64s(a.value);
  if (a.type === 'int') return int64s([a.value], node.opType === 'TopK' ? [1] : []);
  if (a.type === 'floats') return tensorOf('float32', [a.value.length], a.value);
  return a.type === 'float' ? tensorOf(dtype, [], [a.value]) : undefined;
}
