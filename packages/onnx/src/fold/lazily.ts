import { bitsOf, countOf } from '../ir/dtype.ts';
import type { Node } from '../ir/graph.ts';
import { stridesOf } from '../ir/grid/grid.ts';
import { lazyTensor, reshaped, type Tensor } from '../ir/tensor.ts';

const SAME_BYTES: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/**
 * A large weight under another shape, or transposed: the bytes stay where they are until somebody reads them. Undefined for other operators, and
 * where the dimensions of the result are not known.
 */
export function lazily(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor | undefined {
  const [data] = inputs;
  const dims = node.outputs[0]?.dims;
  if (!data || node.domain !== '' || !dims?.every((d) => typeof d === 'number') || countOf(dims) !== countOf(data.dims)) return undefined;
  if (SAME_BYTES.has(node.opType)) return reshaped(data, dims);
  const width = bitsOf(data.dtype) / 8;
  if (node.opType !== 'Transpose' || ![1, 2, 4].includes(width)) return undefined;
  const perm = node.ints('perm') ?? dims.map((_, i) => dims.length - 1 - i);
  const own = stridesOf(data.dims);
  return lazyTensor(data.dtype, dims, () => transposed(data.bytes(), width, dims, perm.map((p) => own[p] ?? 0)));
}

/** Elements of `width` bytes, in the order of `dims` with these strides. */
function transposed(bytes: Uint8Array, width: number, dims: readonly number[], strides: readonly number[]): Uint8Array {
  const from = elementsOf(bytes, width);
  const out = new Uint8Array(bytes.length);
  const into = elementsOf(out, width);
  let next = 0;
  const walk = (axis: number, at: number): void => {
    const [size, stride] = [dims[axis] ?? 1, strides[axis] ?? 0];
    if (axis >= dims.length - 1) for (let i = 0; i < size; i++) into[next++] = from[at + i * stride]!;
    else for (let i = 0; i < size; i++) walk(axis + 1, at + i * stride);
  };
  if (bytes.length > 0) walk(0, 0);
  return out;
}

/** One unsigned integer per element, which carries every bit of it. */
function elementsOf(bytes: Uint8Array, width: number): Uint8Array | Uint16Array | Uint32Array {
  const count = bytes.length / width;
  switch (width) {
    case 1:
      return bytes;
    case 2:
      return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    default:
      return new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  }
}
