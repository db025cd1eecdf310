import { dtypeOf } from '../ir/dtype.ts';
import { tensorType, type Dim, type ValueType } from '../ir/types.ts';
import type { Range, Reader } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';
import { keepTypeBytes } from './kept.ts';

const TYPE = FIELD.TypeProto;
const TENSOR = FIELD['TypeProto.Tensor'];
const DIMENSION = FIELD['TensorShapeProto.Dimension'];

/** What was read, and whether it says everything the bytes say. */
interface Reading {
  type: ValueType | undefined;
  complete: boolean;
}

/**
 * Reads the TypeProto at the current field. Undefined where the file gives no element type, or one that ONNX 1.23 does not
 * have: then the bytes are the caller's to keep. Denotations and unknown fields are kept with the type.
 */
export function readType(reader: Reader): ValueType | undefined {
  const range = reader.range();
  const reading = reader.message(() => readFields(reader));
  if (reading.type && !reading.complete) keepTypeBytes(reading.type, bytesOf(reader, range));
  return reading.type;
}

function readFields(reader: Reader): Reading {
  let reading: Reading = { type: undefined, complete: true };
  let complete = true;
  while (reader.next()) {
    switch (reader.field) {
      case TYPE.tensor_type:
        reading = reader.message(() => readTensorType(reader, 'tensor'));
        break;
      case TYPE.sparse_tensor_type:
        reading = reader.message(() => readTensorType(reader, 'sparse'));
        break;
      case TYPE.sequence_type:
        reading = reader.message(() => readElement(reader, 'sequence'));
        break;
      case TYPE.optional_type:
        reading = reader.message(() => readElement(reader, 'optional'));
        break;
      case TYPE.map_type:
        reading = reader.message(() => readMap(reader));
        break;
      case TYPE.opaque_type:
        reading = reader.message(() => readOpaque(reader));
        break;
      default:
        complete = false;
    }
  }
  return { type: reading.type, complete: reading.complete && complete };
}

function readTensorType(reader: Reader, kind: 'tensor' | 'sparse'): Reading {
  let code = 0;
  let dims: Dim[] | undefined;
  let complete = true;
  while (reader.next()) {
    if (reader.field === TENSOR.elem_type) code = reader.int();
    else if (reader.field === TENSOR.shape) {
      const shape: Dim[] = (dims ??= []);
      if (!reader.message(() => readShape(reader, shape))) complete = false;
    } else complete = false;
  }
  const dtype = dtypeOf(code);
  return { type: dtype && { ...tensorType(dtype, dims), kind }, complete };
}

/** Returns whether the dimensions say everything. */
function readShape(reader: Reader, into: Dim[]): boolean {
  let complete = true;
  while (reader.next()) {
    if (reader.field === FIELD.TensorShapeProto.dim) {
      if (!reader.message(() => readDim(reader, into))) complete = false;
    } else complete = false;
  }
  return complete;
}

function readDim(reader: Reader, into: Dim[]): boolean {
  let dim: Dim = null;
  let complete = true;
  while (reader.next()) {
    if (reader.field === DIMENSION.dim_value) {
      const size = reader.bigint();
      const known = size >= 0n && size <= Number.MAX_SAFE_INTEGER;
      dim = known ? Number(size) : null; // some exporters write -1 for an unknown size
      if (!known) complete = false;
    } else if (reader.field === DIMENSION.dim_param) dim = reader.string() || null;
    else complete = false;
  }
  into.push(dim);
  return complete;
}

function readElement(reader: Reader, kind: 'sequence' | 'optional'): Reading {
  let of: Reading = { type: undefined, complete: true };
  let complete = true;
  while (reader.next()) {
    if (reader.field === FIELD['TypeProto.Sequence'].elem_type) of = reader.message(() => readFields(reader));
    else complete = false;
  }
  return { type: of.type && { kind, of: of.type }, complete: complete && of.complete };
}

function readMap(reader: Reader): Reading {
  let key = 0;
  let of: Reading = { type: undefined, complete: true };
  let complete = true;
  while (reader.next()) {
    if (reader.field === FIELD['TypeProto.Map'].key_type) key = reader.int();
    else if (reader.field === FIELD['TypeProto.Map'].value_type) of = reader.message(() => readFields(reader));
    else complete = false;
  }
  const keyType = dtypeOf(key);
  return { type: keyType && of.type && { kind: 'map', key: keyType, of: of.type }, complete: complete && of.complete };
}

function readOpaque(reader: Reader): Reading {
  let domain = '';
  let name = '';
  let complete = true;
  while (reader.next()) {
    if (reader.field === FIELD['TypeProto.Opaque'].domain) domain = reader.string();
    else if (reader.field === FIELD['TypeProto.Opaque'].name) name = reader.string();
    else complete = false;
  }
  return { type: { kind: 'opaque', domain, name }, complete };
}

function bytesOf(reader: Reader, range: Range): Uint8Array {
  const bytes = new Uint8Array(range.end - range.start);
  reader.source.read(bytes, range.start);
  return bytes;
}
