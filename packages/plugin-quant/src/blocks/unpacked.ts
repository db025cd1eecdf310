import { lazyTensor, type Tensor } from '@onnxpress/core';
import { packInt4, transpose, unpackUint2, unpackUint4 } from '@onnxpress/kernels';
import type { WeightGroup } from './group.ts';
import type { BlockWeight } from './weight.ts';

/** The operands of DequantizeLinear. */
export interface UnpackedBlocks {
  /** int4 or int8 around zero, uint4 or uint8 where there are zero points. */
  readonly codes: Tensor;
  readonly scales: Tensor;
  readonly zeroPoints: Tensor | undefined;
}

interface Layout {
  /** [N, K] and [N, blocks]; otherwise [K, N] and [blocks, N]. */
  readonly alongRows: boolean;
  /** Of an element of the result: as many as a code has, or more. */
  readonly bits: 4 | 8;
}

/** The same codes as matrices of elements, without padding, computed when they are read. A weight without zero points becomes signed: code − 2^(bits − 1). */
export function unpackedBlocks(weight: BlockWeight, { n, k }: Pick<WeightGroup, 'n' | 'k'>, { alongRows, bits }: Layout): UnpackedBlocks {
  const blocks = Math.ceil(k / weight.block);
  const dims = (rows: number, columns: number): number[] => (alongRows ? [rows, columns] : [columns, rows]);
  const dtype = `${weight.zeroPoints ? 'uint' : 'int'}${bits}` as const;
  const packed = (elements: Uint8Array): Uint8Array => (bits === 4 ? packInt4(elements) : elements);
  const turned = <T extends Uint8Array | Uint16Array | Float32Array>(rows: T, columns: number): T => (alongRows ? rows : (transpose(rows, n, columns) as T)); // transpose keeps the kind of array
  const { zeroPoints } = weight;
  return {
    codes: lazyTensor(dtype, dims(n, k), () => {
      const all = elementsOf(weight.codes, weight.bits, n, blocks * weight.block, k);
      const middle = zeroPoints ? 0 : 2 ** (weight.bits - 1);
      for (let i = 0; middle > 0 && i < all.length; i++) all[i] = all[i]! - middle;
      return packed(turned(all, k));
    }),
    scales: lazyTensor(weight.scales.dtype, dims(n, blocks), () => {
      const bytes = weight.scales.bytes();
      return turned(weight.scales.dtype === 'float16' ? new Uint16Array(bytes.buffer, bytes.byteOffset, n * blocks) : new Float32Array(bytes.buffer, bytes.byteOffset, n * blocks), blocks);
    }),
    zeroPoints: zeroPoints && lazyTensor(dtype, dims(n, blocks), () => packed(turned(elementsOf(zeroPoints, weight.bits, n, (Math.ceil((blocks * weight.bits) / 8) * 8) / weight.bits, blocks), blocks))),
  };
}

/** Packed rows of `stored` elements as an element a byte, the first `wanted` of each row. */
function elementsOf(packed: Tensor, bits: 2 | 4 | 8, rows: number, stored: number, wanted: number): Uint8Array {
  const bytes = packed.bytes();
  const all = bits === 8 ? bytes : (bits === 4 ? unpackUint4 : unpackUint2)(bytes, rows * stored);
  if (stored === wanted) return all;
  const cut = new Uint8Array(rows * wanted);
  for (let r = 0; r < rows; r++) cut.set(all.subarray(r * stored, r * stored + wanted), r * wanted);
  return cut;
}
