import { OnnxError } from '../error.ts';
import { bitsOf, byteLengthOf, countOf } from './dtype.ts';
import { unpack } from './packing.ts';
import { fromReader, type SparseTensor, type Tensor } from './tensor.ts';
import { numbersOf } from './values.ts';

/**
 * A tensor of which only `values`, rank 1, are written down; all else is zero. `indices` are int64: positions in the flattened
 * tensor, [count], or coordinates, [count, rank]; ascending, none twice, as ONNX's SparseTensorProto has them. Throws
 * `malformed` when the parts do not fit together; positions are checked when the dense form is read.
 */
export function sparseTensor(dims: readonly number[], values: Tensor, indices: Tensor): SparseTensor {
  const { dtype } = values;
  const count = values.dims[0];
  if (dtype === 'string') throw new OnnxError('unsupported', 'A sparse tensor of strings has no dense form. Write all its elements down.');
  if (values.dims.length !== 1 || count === undefined) throw new OnnxError('malformed', `The values of a sparse tensor have rank 1, not [${values.dims.join(', ')}].`);
  const coordinates = indices.dims.length === 2;
  const expected = coordinates ? [count, dims.length] : [count];
  if (indices.dtype !== 'int64' || indices.dims.join() !== expected.join()) {
    throw new OnnxError('malformed', `The indices of ${count} values in a sparse tensor of [${dims.join(', ')}] are int64 of [${count}] or [${count}, ${dims.length}], not ${indices.dtype} of [${indices.dims.join(', ')}].`);
  }
  const bits = bitsOf(dtype);
  const byteLength = byteLengthOf(dtype, countOf(dims));
  const dense = fromReader(dtype, dims, byteLength, (into, offset) => {
    const length = Math.max(0, Math.min(into.length, byteLength - offset));
    const part = into.subarray(0, length).fill(0);
    const bytes = bits < 8 ? unpack(values.bytes(), bits, count) : values.bytes();
    positionsOf(dims, indices).forEach((position, i) => (bits < 8 ? putBits(part, position * bits - offset * 8, bytes[i]!) : putBytes(part, (position * bits) / 8 - offset, bytes, (i * bits) / 8, bits / 8)));
    return length;
  });
  return { ...dense, values, indices };
}

/** Positions in the flattened tensor, checked. */
function positionsOf(dims: readonly number[], indices: Tensor): Float64Array {
  const numbers = numbersOf(indices);
  const count = countOf(dims);
  const rank = indices.dims[1];
  const positions = rank === undefined ? numbers : Float64Array.from({ length: indices.dims[0]! }, (_, i) => flatten(dims, numbers.subarray(i * rank, (i + 1) * rank)));
  positions.forEach((position, i) => {
    if (!(position >= 0 && position < count)) throw new OnnxError('malformed', `Index ${i} of a sparse tensor points outside [${dims.join(', ')}]. Export the model again.`);
    if (i > 0 && position <= positions[i - 1]!) throw new OnnxError('malformed', `Index ${i} of a sparse tensor of [${dims.join(', ')}] does not come after the one before. Sort the indices, each once.`);
  });
  return positions;
}

/** NaN when a coordinate lies outside. */
const flatten = (dims: readonly number[], at: Float64Array): number =>
  dims.reduce((position, dim, axis) => (at[axis]! >= 0 && at[axis]! < dim ? position * dim + at[axis]! : NaN), 0);

/** Copies the `width` bytes at `from` to `to`, as far as they lie within `into`. */
function putBytes(into: Uint8Array, to: number, bytes: Uint8Array, from: number, width: number): void {
  for (let k = Math.max(0, -to); k < width && to + k < into.length; k++) into[to + k] = bytes[from + k]!;
}

/** Adds the bits of an element narrower than a byte, as far as they lie within `into`. */
function putBits(into: Uint8Array, bit: number, code: number): void {
  const at = Math.floor(bit / 8);
  const pair = code << (bit - at * 8);
  if (at >= 0 && at < into.length) into[at]! |= pair & 255;
  if (pair > 255 && at + 1 >= 0 && at + 1 < into.length) into[at + 1]! |= pair >> 8;
}
