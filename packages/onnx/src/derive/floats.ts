import { fromBfloat16, fromFloat16, type FileRange, type StoredFloat } from '@onnxpress/kernels';
import { OnnxError } from '../error.ts';
import { bitsOf, countOf, isFloat, type DType } from '../ir/dtype.ts';
import { readFully } from '../ir/pieces.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import { float32sOf } from '../ir/values.ts';
import { isStored } from '../io/stored-tensor.ts';

const STREAMED: ReadonlySet<DType> = new Set<DType>(['float32', 'float16', 'bfloat16']);

/** Below it a tensor is worked on faster than a worker is told of it. */
const SMALL_BYTES = 64 * 1024;

/** Workers take a matrix by whole rows. */
const LONGEST_ROW = 2 ** 24;

/** Numbers that are decoded at a time. */
export const PIECE_COUNT = 2 ** 20;

/** Where the numbers of a tensor lie in an open file, in a form that workers read; undefined for others, and for those that are not worth it. */
export function streamable(tensor: Tensor): { readonly range: FileRange; readonly form: StoredFloat } | undefined {
  if (!isStored(tensor) || !('descriptor' in tensor.source) || !STREAMED.has(tensor.dtype) || tensor.byteLength < SMALL_BYTES) return undefined;
  if (tensor.dims.length > 1 && tensor.dims.at(-1)! > LONGEST_ROW) return undefined;
  const { descriptor } = tensor.source as { readonly descriptor: number }; // asked for above
  return { range: { descriptor, position: tensor.offset }, form: tensor.dtype as StoredFloat }; // STREAMED
}

/** So many numbers of a float tensor from `first` on, as float32. */
export function floatsAt(tensor: Tensor, first: number, count: number): Float32Array {
  const width = bitsOf(tensor.dtype) / 8;
  const bytes = new Uint8Array(Math.ceil(count * width));
  readFully(tensor, bytes, first * width);
  if (tensor.dtype === 'float32') return new Float32Array(bytes.buffer);
  if (tensor.dtype === 'float16') return fromFloat16(new Uint16Array(bytes.buffer));
  if (tensor.dtype === 'bfloat16') return fromBfloat16(new Uint16Array(bytes.buffer));
  return float32sOf(memoryTensor(tensor.dtype, [count], bytes));
}

/** All numbers of a float tensor as float32, a piece at a time, each with the index of its first. */
export function* floatPiecesOf(tensor: Tensor): Generator<{ readonly first: number; readonly floats: Float32Array }> {
  const count = countOf(tensor.dims);
  for (let first = 0; first < count; first += PIECE_COUNT) yield { first, floats: floatsAt(tensor, first, Math.min(PIECE_COUNT, count - first)) };
}

/** Throws `unsupported` for a tensor of other numbers than floats of whole bytes. */
export function assertFloats(tensor: Tensor, what: string): void {
  if (!isFloat(tensor.dtype) || bitsOf(tensor.dtype) % 8 !== 0) throw new OnnxError('unsupported', `${what} needs floats, and a tensor of [${tensor.dims.join(', ')}] holds ${tensor.dtype}.`);
}

/**
 * Reads numbers that are made one by one from those of another tensor: `make` gives the new numbers, of `width` bytes each, for old ones, of which the first has
 * this index. Has the contract of Tensor.read.
 */
export function readMapped(tensor: Tensor, width: number, make: (floats: Float32Array, first: number) => ArrayBufferView): (into: Uint8Array, offset: number) => number {
  const total = countOf(tensor.dims) * width;
  return (into, offset) => {
    const end = Math.min(total, offset + into.length);
    for (let at = offset; at < end; ) {
      const first = Math.floor(at / width);
      const made = make(floatsAt(tensor, first, Math.min(PIECE_COUNT, Math.ceil(end / width) - first)), first);
      const bytes = new Uint8Array(made.buffer, made.byteOffset, made.byteLength).subarray(at - first * width, end - first * width);
      into.set(bytes, at - offset);
      at += bytes.length;
    }
    return Math.max(0, end - offset);
  };
}

/** The sides of a weight. Throws `unsupported` for what is no matrix. */
export function matrixOf(name: string, weight: Tensor): { readonly rows: number; readonly columns: number } {
  const [rows, columns] = weight.dims;
  if (rows === undefined || columns === undefined || weight.dims.length !== 2) throw new OnnxError('unsupported', `Weight "${name}" has ${weight.dims.length} dimensions, and a matrix is needed.`);
  return { rows, columns };
}
