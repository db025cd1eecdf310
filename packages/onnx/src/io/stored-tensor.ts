import { OnnxError } from '../error.ts';
import { byteLengthOf, countOf, type DType } from '../ir/dtype.ts';
import { assertFits, fromReader, type FileTensor, type Tensor } from '../ir/tensor.ts';
import type { ByteSource, FileSource } from '../wire/source.ts';

/** Which open file a tensor reads: two tensors are the same bytes only if this is the same too. */
export interface Stored extends FileTensor {
  readonly source: ByteSource;
}

class StoredTensor implements Stored {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly byteLength: number;
  readonly file: string;
  readonly offset: number;
  readonly source: ByteSource;

  constructor(dtype: DType, dims: readonly number[], source: FileSource, offset: number) {
    this.dtype = dtype;
    this.dims = dims;
    this.byteLength = byteLengthOf(dtype, countOf(dims));
    this.file = source.path;
    this.offset = offset;
    this.source = source;
  }

  read(into: Uint8Array, offset: number): number {
    return readRange(this.source, this.offset, this.byteLength, into, offset);
  }

  bytes(): Uint8Array {
    assertFits(this);
    const all = new Uint8Array(this.byteLength);
    this.read(all, 0);
    return all;
  }
}

/** A tensor whose bytes lie in a source from `start` on: a FileTensor where the source is a file. */
export function storedTensor(dtype: DType, dims: readonly number[], source: ByteSource, start: number): Tensor {
  if (isFile(source)) return new StoredTensor(dtype, dims, source, start);
  const byteLength = byteLengthOf(dtype, countOf(dims));
  return fromReader(dtype, dims, byteLength, (into, offset) => readRange(source, start, byteLength, into, offset));
}

/** Whether the tensor is one of `storedTensor` over a file. */
export const isStored = (tensor: Tensor): tensor is Stored => tensor instanceof StoredTensor;

const isFile = (source: ByteSource): source is FileSource => 'path' in source;

function readRange(source: ByteSource, start: number, length: number, into: Uint8Array, offset: number): number {
  const part = into.subarray(0, Math.max(0, Math.min(into.length, length - offset)));
  const got = source.read(part, start + offset);
  if (got < part.length) throw new OnnxError('truncated', `${source.name} ends at byte ${start + offset + got}, earlier than when it was opened. Do not change a model's files while it is in use.`);
  return got;
}
