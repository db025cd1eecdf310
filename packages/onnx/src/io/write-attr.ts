import type { Attr, AttrKind, Text } from '../ir/attr.ts';
import { ATTRIBUTE_TYPE, FIELD } from '../wire/schema.ts';
import type { Encoder } from '../wire/writer.ts';
import { writeGraph, type GraphContext } from './write-graph.ts';
import { writeAttrTensor, writeSparse } from './write-tensor.ts';
import { writeType } from './write-type.ts';

const A = FIELD.AttributeProto;

const CODES: Readonly<Record<AttrKind, number>> = {
  float: ATTRIBUTE_TYPE.float, int: ATTRIBUTE_TYPE.int, string: ATTRIBUTE_TYPE.string, tensor: ATTRIBUTE_TYPE.tensor, graph: ATTRIBUTE_TYPE.graph,
  floats: ATTRIBUTE_TYPE.floats, ints: ATTRIBUTE_TYPE.ints, strings: ATTRIBUTE_TYPE.strings, tensors: ATTRIBUTE_TYPE.tensors, graphs: ATTRIBUTE_TYPE.graphs,
  sparse: ATTRIBUTE_TYPE.sparse_tensor, sparses: ATTRIBUTE_TYPE.sparse_tensors, type: ATTRIBUTE_TYPE.type_proto, types: ATTRIBUTE_TYPE.type_protos,
};

/** Writes an AttributeProto as a field. */
export function writeAttr(out: Encoder, field: number, name: string, a: Attr, context: GraphContext): void {
  out.message(field, () => {
    out.string(A.name, name);
    writeValue(out, a, context);
    out.int(A.type, CODES[a.type === 'ref' ? a.of : a.type]);
    if (a.type === 'ref') out.string(A.ref_attr_name, a.to);
    if (a.extra) out.raw(a.extra);
  });
}

function writeValue(out: Encoder, a: Attr, context: GraphContext): void {
  switch (a.type) {
    case 'float':
      return out.float(A.f, a.value);
    case 'int':
      return out.int(A.i, a.value);
    case 'string':
      return writeText(out, A.s, a.value);
    case 'tensor':
      return writeAttrTensor(out, A.t, a.value, context.places.get(a.value));
    case 'graph':
      return writeGraph(out, A.g, a.value, context);
    case 'sparse':
      return writeSparse(out, A.sparse_tensor, a.value);
    case 'type':
      return writeType(out, A.tp, a.value);
    case 'floats':
      return out.floats(A.floats, a.value);
    case 'ints':
      return out.ints(A.ints, a.value);
    case 'strings':
      return a.value.forEach((text) => writeText(out, A.strings, text));
    case 'tensors':
      return a.value.forEach((t) => writeAttrTensor(out, A.tensors, t));
    case 'graphs':
      return a.value.forEach((g) => writeGraph(out, A.graphs, g, context));
    case 'sparses':
      return a.value.forEach((t) => writeSparse(out, A.sparse_tensors, t));
    case 'types':
      return a.value.forEach((t) => writeType(out, A.type_protos, t));
    case 'ref':
  }
}

function writeText(out: Encoder, field: number, text: Text): void {
  if (typeof text === 'string') out.string(field, text);
  else out.bytes(field, text);
}
