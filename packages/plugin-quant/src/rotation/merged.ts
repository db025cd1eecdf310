import { byteLengthOf, countOf, float32sOf, fromReader, lazyTensor, memoryTensor, OnnxError, tensorOf, type DType, type Tensor } from '@onnxpress/core';
import type { Rotation } from './rotation.ts';

/** About how many bytes of float64 are worked on at a time. */
const PIECE_BYTES = 8 * 2 ** 20;

/** What becomes of a weight, and what it is stored in; `name` is for messages. */
export interface Merge {
  readonly name: string;
  readonly dtype: DType;
  readonly rotation: Rotation;
  /** Factors of the rotated axis, multiplied before it is rotated: the gain of a folded normalization. */
  readonly gain?: Float64Array | undefined;
}

/** W · R: each row along the last axis, rotated when it is read, some rows at a time. Throws `unsupported` for a NaN or an infinity. */
export function rotatedRows(tensor: Tensor, merge: Merge): Tensor {
  const { rotation, dtype } = merge;
  const { width } = rotation;
  const height = countOf(tensor.dims) / width;
  const rowBytes = byteLengthOf(dtype, width);
  const most = Math.max(1, Math.floor(PIECE_BYTES / (width * 8)));
  const sourceRow = byteLengthOf(tensor.dtype, width);
  let last: { readonly first: number; readonly bytes: Uint8Array } | undefined;
  return fromReader(dtype, tensor.dims, rowBytes * height, (into, offset) => {
    const first = Math.floor(offset / rowBytes / most) * most;
    const piece = last?.first === first ? last : { first, bytes: rowsFrom(first) };
    last = first + most < height ? piece : undefined; // the end is read last
    const part = piece.bytes.subarray(offset - first * rowBytes, offset - first * rowBytes + into.length);
    into.set(part);
    return part.length;
  });

  function rowsFrom(first: number): Uint8Array {
    const rows = Math.min(most, height - first);
    const raw = new Uint8Array(sourceRow * rows);
    for (let at = 0; at < raw.length; ) at += tensor.read(raw.subarray(at), first * sourceRow + at);
    const numbers = new Float64Array(float32sOf(memoryTensor(tensor.dtype, [rows, width], raw)));
    turnRows(numbers, rows, merge);
    return stored(numbers, dtype, [rows, width], merge.name).bytes();
  }
}

/** Rᵀ · W: each column along the first axis, rotated when the weight is read. Throws `unsupported` for a NaN or an infinity. */
export function rotatedColumns(tensor: Tensor, merge: Merge): Tensor {
  const { width } = merge.rotation;
  const columns = countOf(tensor.dims) / width;
  return lazyTensor(merge.dtype, tensor.dims, () => {
    const numbers = float32sOf(tensor);
    const most = Math.max(1, Math.floor(PIECE_BYTES / (width * 8)));
    for (let from = 0; from < columns; from += most) {
      const count = Math.min(most, columns - from);
      const turned = new Float64Array(count * width);
      for (let r = 0; r < width; r++) for (let c = 0; c < count; c++) turned[c * width + r] = numbers[r * columns + from + c]!;
      turnRows(turned, count, merge);
      for (let r = 0; r < width; r++) for (let c = 0; c < count; c++) numbers[r * columns + from + c] = turned[c * width + r]!;
    }
    const all = stored(numbers, merge.dtype, tensor.dims, merge.name);
    return all.bytes();
  });
}

/** A vector of constants, which is rotated at once. */
export function rotatedVector(numbers: Float64Array, dims: readonly number[], merge: Merge): Tensor {
  const turned = Float64Array.from(numbers);
  turnRows(turned, turned.length / merge.rotation.width, merge);
  return stored(turned, merge.dtype, dims, merge.name);
}

function turnRows(numbers: Float64Array, rows: number, { rotation, gain }: Merge): void {
  if (gain) for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < gain.length; c++, i++) numbers[i] = numbers[i]! * gain[c]!;
  rotation.apply(numbers, rows);
}

/** A NaN spreads over all that is rotated with it: it is an error where it is met. */
function stored(numbers: Float64Array | Float32Array, dtype: DType, dims: readonly number[], name: string): Tensor {
  if (!isFinite(numbers)) throw new OnnxError('unsupported', `Weight "${name}" holds a NaN or an infinity, which a rotation would spread over whole rows. Exclude it, or repair the model.`);
  return dtype === 'float32' ? memoryTensor(dtype, dims, new Float32Array(numbers)) : tensorOf(dtype, dims, numbers);
}

function isFinite(numbers: Float64Array | Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}
