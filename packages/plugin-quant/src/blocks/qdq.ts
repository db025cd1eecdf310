import { codeOf, OnnxError, type Value } from '@onnxpress/core';
import type { BlockForm, Readers } from './emit.ts';
import type { Front } from './front.ts';
import { holdsProduct, holdsTable, type WeightGroup } from './group.ts';
import { unpackedBlocks } from './unpacked.ts';
import type { BlockWeight } from './weight.ts';

/**
 * DequantizeLinear in blocks, and MatMul: operators of ONNX itself. A product's codes lie as [K, N], which onnxruntime takes for its own block product
 * when it optimizes. A table's lie as [N, K] in 8 bits: the rows looked up are dequantized, not the table. 2 bits are stored in 4, since onnxruntime
 * 1.30 computes something else from 2 bits when it optimizes.
 */
export function qdqForm(group: WeightGroup, weight: BlockWeight, front: Front, _: BlockForm): Readers {
  if (weight.zeroPoints && weight.zeroPoints.dtype !== 'uint8') throw new OnnxError('unsupported', 'DequantizeLinear has no zero points that are floats. Take "format: MatMulNBits", or zero points that are integers.');
  const { block } = weight;
  const isTable = holdsTable(group);
  const { codes, scales, zeroPoints } = unpackedBlocks(weight, group, { alongRows: isTable, bits: isTable || weight.bits === 8 ? 8 : 4 });
  const named = (what: string, tensor: typeof codes): Value => front.constant(`${group.weight.name}_${what}`, tensor);
  const code = named('codes', codes);
  const half = named('scales', scales);
  const scale = scales.dtype === group.computes ? half : front.op.Cast(half, { to: codeOf(group.computes) });
  const zero = zeroPoints && named('zero_points', zeroPoints);
  const matrix = holdsProduct(group) ? front.op.DequantizeLinear(code, scale, zero, { axis: isTable ? 1 : 0, block_size: block }) : undefined;
  const turned = matrix && isTable ? front.op.Transpose(matrix, { perm: [1, 0] }) : matrix;
  return {
    multiply: (a, op) => op.MatMul(a, turned!), // made where the group holds a product
    lookUp: (indices, op) => op.DequantizeLinear(op.Gather(code, indices), op.Gather(scale, indices), zero && op.Gather(zero, indices), { axis: -1, block_size: block }),
  };
}
