import { OnnxError } from '../error.ts';
import { attr, type AttrKind, type Int, type Text } from '../ir/attr.ts';
import type { SparseTensor, Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import type { Reader } from '../wire/reader.ts';
import { ATTRIBUTE_TYPE, FIELD } from '../wire/schema.ts';
import type { ExternalFiles } from './external.ts';
import { Kept, keepTensorNotes } from './kept.ts';
import { readGraph } from './read-graph.ts';
import { readTensor } from './read-tensor.ts';
import { readSparse } from './read-sparse.ts';
import { readType } from './read-type.ts';
import type { AttrRecord, GraphRecord } from './records.ts';

const A = FIELD.AttributeProto;

/** What each AttributeProto.AttributeType is called here. */
export const ATTR_KINDS: ReadonlyMap<number, AttrKind> = new Map<number, AttrKind>([
  [ATTRIBUTE_TYPE.float, 'float'], [ATTRIBUTE_TYPE.int, 'int'], [ATTRIBUTE_TYPE.string, 'string'], [ATTRIBUTE_TYPE.tensor, 'tensor'],
  [ATTRIBUTE_TYPE.graph, 'graph'], [ATTRIBUTE_TYPE.floats, 'floats'], [ATTRIBUTE_TYPE.ints, 'ints'], [ATTRIBUTE_TYPE.strings, 'strings'],
  [ATTRIBUTE_TYPE.tensors, 'tensors'], [ATTRIBUTE_TYPE.graphs, 'graphs'], [ATTRIBUTE_TYPE.sparse_tensor, 'sparse'],
  [ATTRIBUTE_TYPE.sparse_tensors, 'sparses'], [ATTRIBUTE_TYPE.type_proto, 'type'], [ATTRIBUTE_TYPE.type_protos, 'types'],
]);

const FIELD_KINDS: ReadonlyMap<number, AttrKind> = new Map<number, AttrKind>([
  [A.f, 'float'], [A.i, 'int'], [A.s, 'string'], [A.t, 'tensor'], [A.g, 'graph'], [A.floats, 'floats'], [A.ints, 'ints'], [A.strings, 'strings'],
  [A.tensors, 'tensors'], [A.graphs, 'graphs'], [A.sparse_tensor, 'sparse'], [A.sparse_tensors, 'sparses'], [A.tp, 'type'], [A.type_protos, 'types'],
]);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Everything an AttributeProto can hold; which of it counts is said by its type. */
interface Fields {
  name: string;
  code: number;
  refersTo: string;
  present: AttrKind | undefined;
  kept: Kept | undefined;
  f: number;
  i: Int;
  s: Text;
  t: Tensor | undefined;
  g: GraphRecord | undefined;
  tp: ValueType | undefined;
  sparse: SparseTensor | undefined;
  floats?: number[];
  ints?: Int[];
  strings?: Text[];
  tensors?: Tensor[];
  graphs?: GraphRecord[];
  sparses?: SparseTensor[];
  types?: ValueType[];
}

/** Reads the AttributeProto at the current field. `owner` names the node, for messages. */
export function readAttr(reader: Reader, files: ExternalFiles, owner: () => string): readonly [string, AttrRecord] {
  const fields: Fields = { name: '', code: 0, refersTo: '', present: undefined, kept: undefined, f: 0, i: 0, s: '', t: undefined, g: undefined, tp: undefined, sparse: undefined };
  const where = (): string => `${fields.name} of ${owner()}`;
  reader.message(() => {
    while (reader.next()) readField(reader, fields, files, where);
  });
  const refuse = (what: string): never => {
    throw new OnnxError('malformed', `Attribute "${fields.name}" of ${owner()} ${what}. The model is damaged, or newer than ONNX 1.23: export it again.`);
  };
  // Files of IR version 1 do not say the type: what is there tells it.
  const kind = fields.code === 0 ? fields.present : ATTR_KINDS.get(fields.code);
  if (!kind) return refuse(fields.code === 0 ? 'has no type' : `has the type ${fields.code}, which ONNX 1.23 does not have`);
  const record = fields.refersTo ? { type: 'ref' as const, to: fields.refersTo, of: kind } : valueOf(kind, fields, refuse);
  const extra = fields.kept?.extra();
  return [fields.name, extra ? { ...record, extra } : record];
}

function readField(reader: Reader, into: Fields, files: ExternalFiles, where: () => string): void {
  const { field } = reader;
  const kind = FIELD_KINDS.get(field);
  if (kind) into.present = kind;
  switch (field) {
    case A.name:
      into.name = reader.string();
      return;
    case A.type:
      into.code = reader.int();
      return;
    case A.ref_attr_name:
      into.refersTo = reader.string();
      return;
    case A.f:
      into.f = reader.float();
      return;
    case A.i:
      into.i = reader.bigint();
      return;
    case A.s:
      into.s = readText(reader);
      return;
    case A.t:
      into.t = readAttrTensor(reader, files, where);
      return;
    case A.g:
      into.g = readGraph(reader, files);
      return;
    case A.tp:
      into.tp = readType(reader);
      return;
    case A.sparse_tensor:
      into.sparse = readSparse(reader, files, where).tensor;
      return;
    case A.floats:
      reader.floats((into.floats ??= []));
      return;
    case A.ints: {
      const exact: bigint[] = [];
      reader.bigints(exact);
      const ints = (into.ints ??= []);
      for (const value of exact) ints.push(value);
      return;
    }
    case A.strings:
      (into.strings ??= []).push(readText(reader));
      return;
    case A.tensors:
      (into.tensors ??= []).push(readAttrTensor(reader, files, where));
      return;
    case A.graphs:
      (into.graphs ??= []).push(readGraph(reader, files));
      return;
    case A.sparse_tensors:
      (into.sparses ??= []).push(readSparse(reader, files, where).tensor);
      return;
    case A.type_protos: {
      const type = readType(reader);
      if (type) (into.types ??= []).push(type);
      return;
    }
    default:
      (into.kept ??= new Kept()).unknown(reader);
  }
}

function valueOf(kind: AttrKind, fields: Fields, refuse: (what: string) => never): AttrRecord {
  const needed = <T>(value: T | undefined): T => value ?? refuse('has no value');
  switch (kind) {
    case 'int':
      return attr.int(fields.i) as AttrRecord; // attr makes no graphs here
    case 'ints':
      return attr.ints(fields.ints ?? []) as AttrRecord;
    case 'float':
      return { type: kind, value: fields.f };
    case 'floats':
      return { type: kind, value: fields.floats ?? [] };
    case 'string':
      return { type: kind, value: fields.s };
    case 'strings':
      return { type: kind, value: fields.strings ?? [] };
    case 'tensor':
      return { type: kind, value: needed(fields.t) };
    case 'tensors':
      return { type: kind, value: fields.tensors ?? [] };
    case 'sparse':
      return { type: kind, value: needed(fields.sparse) };
    case 'sparses':
      return { type: kind, value: fields.sparses ?? [] };
    case 'type':
      return { type: kind, value: needed(fields.tp) };
    case 'types':
      return { type: kind, value: fields.types ?? [] };
    case 'graph':
      return { type: kind, record: needed(fields.g), extra: undefined };
    case 'graphs':
      return { type: kind, records: fields.graphs ?? [], extra: undefined };
  }
}

function readAttrTensor(reader: Reader, files: ExternalFiles, where: () => string): Tensor {
  const { name, tensor, notes } = readTensor(reader, files, where);
  if (name || notes) keepTensorNotes(tensor, { name, notes });
  return tensor;
}

function readText(reader: Reader): Text {
  const bytes = reader.bytes();
  try {
    return decoder.decode(bytes);
  } catch {
    return bytes;
  }
}
