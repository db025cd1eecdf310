import type { Node } from '../graph.ts';
import { schemaOf, type OperatorSchema, type ParameterSchema } from '../schema.ts';
import type { ValueType } from '../types.ts';
import { typeNamed } from './merge.ts';

/** What the schema alone says of the outputs: element types, of unknown rank. */
export function schemaTypes(node: Node, opset: number): readonly (ValueType | undefined)[] {
  const schema = schemaOf(node.domain, node.opType, opset);
  if (!schema) return [];
  const bound = bindings(node, schema);
  return node.outputs.map((_, i) => {
    const parameter = parameterAt(schema.outputs, i);
    return parameter && typeOf(parameter, schema, bound);
  });
}

function parameterAt(list: readonly ParameterSchema[], index: number): ParameterSchema | undefined {
  const last = list.at(-1);
  return list[index] ?? (last?.option === 'variadic' ? last : undefined);
}

/** What each type variable stands for, from the inputs that have one. */
function bindings(node: Node, schema: OperatorSchema): ReadonlyMap<string, ValueType> {
  const bound = new Map<string, ValueType>();
  for (const [i, v] of node.inputs.entries()) {
    const parameter = parameterAt(schema.inputs, i);
    if (v?.type && parameter && !parameter.heterogeneous && schema.constraints.has(parameter.type) && !bound.has(parameter.type)) bound.set(parameter.type, withoutShape(v.type));
  }
  return bound;
}

function typeOf({ type, heterogeneous }: ParameterSchema, schema: OperatorSchema, bound: ReadonlyMap<string, ValueType>): ValueType | undefined {
  const allowed = schema.constraints.get(type);
  if (!allowed) return typeNamed(type);
  if (allowed.size === 1) return typeNamed([...allowed][0]!);
  return heterogeneous ? undefined : bound.get(type);
}

function withoutShape(t: ValueType): ValueType {
  switch (t.kind) {
    case 'tensor':
    case 'sparse':
      return { ...t, dims: undefined };
    case 'sequence':
    case 'optional':
      return { kind: t.kind, of: withoutShape(t.of) };
    case 'map':
      return { ...t, of: withoutShape(t.of) };
    case 'opaque':
      return t;
  }
}
