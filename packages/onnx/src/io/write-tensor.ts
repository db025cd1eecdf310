import { codeOf } from '../ir/dtype.ts';
import type { Notes } from '../ir/graph.ts';
import { stringBytesOf } from '../ir/strings.ts';
import type { SparseTensor, Tensor } from '../ir/tensor.ts';
import { DATA_LOCATION, FIELD } from '../wire/schema.ts';
import type { Encoder } from '../wire/writer.ts';
import { payloadOf } from './payload.ts';
import { tensorNotes } from './kept.ts';
import { writeEntry, writeMetadata } from './write-entry.ts';

const TENSOR = FIELD.TensorProto;
const SPARSE = FIELD.SparseTensorProto;

/** Up to this size bytes are taken into the structure at once; larger ones are read when the message is written. */
const AT_ONCE = 4096;

/** Where a tensor's bytes go when they do not go into the model file. */
export interface Place {
  /** The file's name, as the model says it. */
  readonly location: string;
  readonly offset: number;
}

/** Writes a TensorProto as a field. The bytes are always raw data, whatever form they were read from; strings are strings. */
export function writeTensor(out: Encoder, field: number, tensor: Tensor, name: string, notes: Notes | undefined, place?: Place): void {
  out.message(field, () => {
    out.ints(TENSOR.dims, tensor.dims);
    out.int(TENSOR.data_type, codeOf(tensor.dtype));
    if (tensor.dtype === 'string') for (const text of stringBytesOf(tensor)) out.bytes(TENSOR.string_data, text);
    if (name !== '') out.string(TENSOR.name, name);
    if (tensor.dtype !== 'string' && !place) {
      if (tensor.byteLength > AT_ONCE) out.deferred(TENSOR.raw_data, tensor.byteLength, payloadOf(tensor), tensor.writeTo && ((...to) => tensor.writeTo!(...to)));
      else out.bytes(TENSOR.raw_data, tensor.bytes());
    }
    if (notes?.docString) out.string(TENSOR.doc_string, notes.docString);
    if (place) {
      writeEntry(out, TENSOR.external_data, 'location', place.location);
      writeEntry(out, TENSOR.external_data, 'offset', String(place.offset));
      writeEntry(out, TENSOR.external_data, 'length', String(tensor.byteLength));
      out.int(TENSOR.data_location, DATA_LOCATION.external);
    }
    writeMetadata(out, TENSOR.metadata_props, notes);
    if (notes?.extra) out.raw(notes.extra);
  });
}

/** Writes a tensor of an attribute, with the name and notes it was read with. */
export function writeAttrTensor(out: Encoder, field: number, tensor: Tensor, place?: Place): void {
  const known = tensorNotes(tensor);
  writeTensor(out, field, tensor, known?.name ?? '', known?.notes, place);
}

/** Writes a SparseTensorProto as a field; `name` is that of its values. */
export function writeSparse(out: Encoder, field: number, tensor: SparseTensor, name?: string): void {
  out.message(field, () => {
    const values = tensorNotes(tensor.values);
    writeTensor(out, SPARSE.values, tensor.values, name ?? values?.name ?? '', values?.notes);
    writeAttrTensor(out, SPARSE.indices, tensor.indices);
    out.ints(SPARSE.dims, tensor.dims);
  });
}
