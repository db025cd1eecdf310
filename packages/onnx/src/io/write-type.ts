import { codeOf } from '../ir/dtype.ts';
import type { Dim, ValueType } from '../ir/types.ts';
import { FIELD } from '../wire/schema.ts';
import type { Encoder } from '../wire/writer.ts';
import { typeBytes } from './kept.ts';

const TYPE = FIELD.TypeProto;

/** Writes a TypeProto as a field: as it was read, with what this model does not know of it, or anew. */
export function writeType(out: Encoder, field: number, type: ValueType): void {
  const asRead = typeBytes(type);
  if (asRead) out.bytes(field, asRead);
  else out.message(field, () => writeFields(out, type));
}

function writeFields(out: Encoder, type: ValueType): void {
  switch (type.kind) {
    case 'tensor':
    case 'sparse':
      out.message(type.kind === 'tensor' ? TYPE.tensor_type : TYPE.sparse_tensor_type, () => {
        out.int(FIELD['TypeProto.Tensor'].elem_type, codeOf(type.dtype));
        const { dims } = type;
        if (dims) out.message(FIELD['TypeProto.Tensor'].shape, () => dims.forEach((dim) => writeDim(out, dim)));
      });
      return;
    case 'sequence':
      out.message(TYPE.sequence_type, () => writeType(out, FIELD['TypeProto.Sequence'].elem_type, type.of));
      return;
    case 'optional':
      out.message(TYPE.optional_type, () => writeType(out, FIELD['TypeProto.Optional'].elem_type, type.of));
      return;
    case 'map':
      out.message(TYPE.map_type, () => {
        out.int(FIELD['TypeProto.Map'].key_type, codeOf(type.key));
        writeType(out, FIELD['TypeProto.Map'].value_type, type.of);
      });
      return;
    case 'opaque':
      out.message(TYPE.opaque_type, () => {
        if (type.domain !== '') out.string(FIELD['TypeProto.Opaque'].domain, type.domain);
        if (type.name !== '') out.string(FIELD['TypeProto.Opaque'].name, type.name);
      });
  }
}

function writeDim(out: Encoder, dim: Dim): void {
  out.message(FIELD.TensorShapeProto.dim, () => {
    if (typeof dim === 'number') out.int(FIELD['TensorShapeProto.Dimension'].dim_value, dim);
    else if (dim !== null) out.string(FIELD['TensorShapeProto.Dimension'].dim_param, dim);
  });
}
