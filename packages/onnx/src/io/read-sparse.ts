import { OnnxError } from '../error.ts';
import { countOf } from '../ir/dtype.ts';
import { sparseTensor } from '../ir/sparse.ts';
import type { SparseTensor } from '../ir/tensor.ts';
import type { Reader } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';
import type { ExternalFiles } from './external.ts';
import { keepTensorNotes } from './kept.ts';
import { readTensor, type NamedTensor } from './read-tensor.ts';

const SPARSE = FIELD.SparseTensorProto;

/** Reads the SparseTensorProto at the current field; its name is that of its values. */
export function readSparse(reader: Reader, files: ExternalFiles, where: () => string): { readonly name: string; readonly tensor: SparseTensor } {
  let values: NamedTensor | undefined;
  let indices: NamedTensor | undefined;
  const dims: number[] = [];
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === SPARSE.values) values = readTensor(reader, files, where);
      else if (reader.field === SPARSE.indices) indices = readTensor(reader, files, where);
      else if (reader.field === SPARSE.dims) reader.ints(dims);
    }
  });
  const refuse = (what: string): never => {
    throw new OnnxError('malformed', `Sparse tensor "${values?.name || where()}" ${what}. The model is damaged: download or export it again.`);
  };
  if (!values || !indices) return refuse('lacks its values or its indices');
  if (dims.some((d) => d < 0) || !Number.isSafeInteger(countOf(dims) * 16)) return refuse(`has the shape [${dims.slice(0, 8).join(', ')}]`);
  for (const { name, tensor, notes } of [values, indices]) if (name || notes) keepTensorNotes(tensor, { name, notes });
  return { name: values.name, tensor: sparseTensor(dims, values.tensor, indices.tensor) };
}
