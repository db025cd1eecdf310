import { OnnxError } from '../error.ts';
import { byteLengthOf, countOf, type DType } from './dtype.ts';

/**
 * Numbers that never change. `dtype`, `dims` and `byteLength` cost nothing; `read` and `bytes` may read a file or
 * compute, and keep nothing afterwards. Bytes are little-endian, row-major, packed as ONNX's raw_data; the elements
 * of a string tensor follow one another, each behind its length in bytes as a uint32.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly byteLength: number;
  /**
   * Copies bytes from `offset` on into `into`, and returns how many: less than `into.length` only at the tensor's end.
   * The way to read anything large: a Uint8Array ends at 4 GiB, a tensor does not.
   */
  read(into: Uint8Array, offset: number): number;
  /** All bytes, in an array of the caller's own, aligned for any typed array. Throws above 1 GiB and says to use `read`. */
  bytes(): Uint8Array;
  /**
   * Where a tensor knows a faster way than `read`: writes all bytes into an open file from `position` on, perhaps on another thread, and is
   * done when the promise is. Several tensors may do so at once. Rejects with the signal's reason when it is aborted.
   */
  writeTo?(descriptor: number, position: number, signal?: AbortSignal): Promise<void>;
}

/** Bytes that stay in a file: part of the model file itself, or external data beside it. */
export interface FileTensor extends Tensor {
  /** Absolute path. */
  readonly file: string;
  /** Position of the first byte. */
  readonly offset: number;
}

/** A tensor of which only some elements are written down; `read` and `bytes` give the dense form. */
export interface SparseTensor extends Tensor {
  /** The elements that are not zero, rank 1. */
  readonly values: Tensor;
  /** int64: positions in the flattened tensor, [count], or coordinates, [count, rank]. */
  readonly indices: Tensor;
}

export const isFileTensor = (t: Tensor): t is FileTensor => 'file' in t && 'offset' in t;
export const isSparse = (t: Tensor): t is SparseTensor => 'indices' in t && 'values' in t;

/** The most `bytes()` gives at once: beyond it memory is no longer bounded by what one step needs. */
export const BYTES_LIMIT = 2 ** 30;

/** Throws unless the tensor is small enough for `bytes()`. Implementations of Tensor call it first. */
export function assertFits(t: Tensor): void {
  if (t.byteLength > BYTES_LIMIT) throw new OnnxError('too-large', `A tensor of ${t.byteLength} bytes is too large to read at once. Read it in pieces: tensor.read(into, offset).`);
}

/** A tensor over bytes that are already in memory. They are shared, not copied: do not write to them afterwards. */
export function memoryTensor(dtype: DType, dims: readonly number[], data: ArrayBufferView): Tensor {
  const source = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const expected = dtype === 'string' ? source.length : byteLengthOf(dtype, countOf(dims));
  if (source.length !== expected) throw new OnnxError('malformed', `A ${dtype} tensor of [${dims.join(', ')}] has ${expected} bytes, not ${source.length}.`);
  return fromReader(dtype, dims, source.length, (into, offset) => {
    const part = source.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  });
}

/**
 * A tensor whose bytes are computed when somebody reads them, all at once: weights stay on disk until the model is written. `compute` must give
 * the same bytes each time. They are held weakly, so that reading in pieces computes once while memory lasts.
 */
export function lazyTensor(dtype: DType, dims: readonly number[], compute: () => ArrayBufferView): Tensor {
  let last: WeakRef<Tensor> | undefined;
  return fromReader(dtype, dims, byteLengthOf(dtype, countOf(dims)), (into, offset) => {
    const computed = last?.deref() ?? memoryTensor(dtype, dims, compute());
    if (last?.deref() !== computed) last = new WeakRef(computed);
    return computed.read(into, offset);
  });
}

/** A tensor that reads itself in ranges; `read` has the contract of Tensor.read. */
export function fromReader(dtype: DType, dims: readonly number[], byteLength: number, read: Tensor['read']): Tensor {
  const tensor: Tensor = {
    dtype,
    dims,
    byteLength,
    read,
    bytes() {
      assertFits(tensor);
      const all = new Uint8Array(byteLength);
      for (let at = 0; at < byteLength; ) {
        const got = read(all.subarray(at), at);
        if (got <= 0) throw new OnnxError('truncated', `A ${dtype} tensor of [${dims.join(', ')}] ends after ${at} of ${byteLength} bytes.`);
        at += got;
      }
      return all;
    },
  };
  return tensor;
}

/** The same bytes under another shape. Throws when the number of elements differs. */
export function reshaped(t: Tensor, dims: readonly number[]): Tensor {
  if (countOf(dims) !== countOf(t.dims)) throw new OnnxError('bad-edit', `[${t.dims.join(', ')}] cannot become [${dims.join(', ')}]: the number of elements differs.`);
  const tensor = fromReader(t.dtype, dims, t.byteLength, (into, offset) => t.read(into, offset));
  return t.writeTo ? { ...tensor, writeTo: (...where) => t.writeTo!(...where) } : tensor; // asked for just now
}
