import { OnnxError, type OnnxErrorCode } from '../error.ts';
import { byteLengthOf, countOf, dtypeOf, type DType } from '../ir/dtype.ts';
import type { Notes } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Range, Reader } from '../wire/reader.ts';
import { DATA_LOCATION, FIELD } from '../wire/schema.ts';
import { parseByteCount, type ExternalFiles } from './external.ts';
import { Kept, markExternal } from './kept.ts';
import { readEntry } from './read-entry.ts';
import { storedTensor } from './stored-tensor.ts';
import { elementBytes, stringBytes, typedTensor, type TypedField } from './typed-tensor.ts';

const TENSOR = FIELD.TensorProto;

/** A tensor of the file, with its name and what else the file says about it. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
  readonly notes: Notes | undefined;
}

/** What a TensorProto said; none of its numbers are loaded. */
interface Parts {
  dims: number[];
  code: number;
  name: string;
  raw: Range | undefined;
  typed: TypedField | undefined;
  /** Where the bytes of a single packed field lie; undefined once there are several fields. */
  packed: Range | undefined;
  fields: number;
  elements: number;
  stringBytes: number;
  location: number;
  readonly external: Map<string, string>;
}

/**
 * Reads the TensorProto at the current field. Its numbers stay where they are, in the model's file or beside it. Throws
 * `malformed` when type, shape and size contradict each other. `where` names a tensor without a name in messages.
 */
export function readTensor(reader: Reader, files: ExternalFiles, where: () => string): NamedTensor {
  const range = reader.range();
  const kept = new Kept();
  const parts = reader.message(() => readParts(reader, kept));
  const label = parts.name || where();
  const dtype = dtypeOf(parts.code);
  if (!dtype) refuse(parts.code === 0 ? 'malformed' : 'unsupported', label, parts.code === 0 ? 'has no element type' : `has the element type ${parts.code}, which ONNX 1.23 does not have`);
  return { name: parts.name, tensor: tensorOf(reader, parts, dtype, range, files, label), notes: kept.notes() };
}

function readParts(reader: Reader, kept: Kept): Parts {
  const parts: Parts = { dims: [], code: 0, name: '', raw: undefined, typed: undefined, packed: undefined, fields: 0, elements: 0, stringBytes: 0, location: 0, external: new Map() };
  while (reader.next()) {
    switch (reader.field) {
      case TENSOR.dims:
        reader.ints(parts.dims);
        break;
      case TENSOR.data_type:
        parts.code = reader.int();
        break;
      case TENSOR.name:
        parts.name = reader.string();
        break;
      case TENSOR.raw_data:
        parts.raw = reader.range();
        break;
      case TENSOR.float_data:
      case TENSOR.int32_data:
      case TENSOR.int64_data:
      case TENSOR.uint64_data:
      case TENSOR.double_data:
        parts.packed = reader.wire === 2 && parts.fields === 0 ? reader.range() : undefined;
        parts.typed = reader.field;
        parts.fields++;
        break;
      case TENSOR.string_data: {
        const { start, end } = reader.range();
        parts.typed = reader.field;
        parts.elements++;
        parts.stringBytes += stringBytes(end - start);
        break;
      }
      case TENSOR.external_data:
        readEntry(reader, (key, value) => parts.external.set(key, value));
        break;
      case TENSOR.data_location:
        parts.location = reader.int();
        break;
      case TENSOR.doc_string:
        kept.docString(reader);
        break;
      case TENSOR.metadata_props:
        readEntry(reader, (key, value) => kept.metadata(key, value));
        break;
      default:
        kept.unknown(reader);
    }
  }
  return parts;
}

function tensorOf(reader: Reader, parts: Parts, dtype: DType, range: Range, files: ExternalFiles, label: string): Tensor {
  const { dims } = parts;
  const count = countOf(dims);
  if (dims.some((d) => d < 0) || !Number.isSafeInteger(count * 16)) refuse('malformed', label, `has the shape [${dims.slice(0, 8).join(', ')}]`);
  const length = byteLengthOf(dtype, count);
  if (parts.location === DATA_LOCATION.external) return externalTensor(parts, dtype, length, files, label);
  if (dtype === 'string') {
    if (parts.elements !== count) refuse('malformed', label, `has ${parts.elements} strings, but the shape [${dims.join(', ')}]`);
    return typedTensor(reader.source, range, dtype, dims, TENSOR.string_data, parts.stringBytes, label);
  }
  if (parts.raw) {
    const given = parts.raw.end - parts.raw.start;
    if (given !== length) refuse('malformed', label, `has ${given} bytes, but ${dtype} [${dims.join(', ')}] needs ${length}`);
    return storedTensor(dtype, dims, reader.source, parts.raw.start);
  }
  if (parts.typed === undefined) {
    if (length > 0) refuse('malformed', label, `has the type ${dtype} [${dims.join(', ')}], but no data`);
    return storedTensor(dtype, dims, reader.source, range.start);
  }
  const width = elementBytes(dtype, parts.typed);
  if (width === undefined) refuse('malformed', label, `has its data in a field that ${dtype} does not use`);
  const { packed } = parts;
  if (packed && (parts.typed === TENSOR.float_data || parts.typed === TENSOR.double_data) && packed.end - packed.start === length) return storedTensor(dtype, dims, reader.source, packed.start);
  // Each element takes at least a byte of the file, so a shape cannot ask for more memory than the file is large.
  if (length > (range.end - range.start) * width) refuse('malformed', label, `has fewer numbers than its shape [${dims.join(', ')}]`);
  return typedTensor(reader.source, range, dtype, dims, parts.typed, length, label);
}

function externalTensor(parts: Parts, dtype: DType, length: number, files: ExternalFiles, label: string): Tensor {
  if (dtype === 'string') refuse('malformed', label, 'has strings beside the model, where only numbers may be');
  const location = parts.external.get('location') ?? '';
  const count = (key: string): number | undefined => {
    const text = parts.external.get(key);
    return text === undefined ? undefined : parseByteCount(label, location, key, text);
  };
  const offset = count('offset') ?? 0;
  const given = count('length') ?? length;
  if (given !== length) refuse('external-data', label, `has ${given} bytes in "${location}", but ${dtype} [${parts.dims.join(', ')}] needs ${length}`);
  const tensor = storedTensor(dtype, parts.dims, files.open({ tensor: label, location, offset, length }), offset);
  markExternal(tensor);
  return tensor;
}

function refuse(code: OnnxErrorCode, label: string, what: string): never {
  throw new OnnxError(code, `Tensor "${label}" ${what}. The model is damaged or incomplete: download or export it again.`);
}
