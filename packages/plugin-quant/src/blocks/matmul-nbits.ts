import { codeOf, int64s, reshaped, type Tensor, type Value } from '@onnxpress/core';
import type { BlockForm, Readers } from './emit.ts';
import type { Front } from './front.ts';
import { holdsProduct, holdsTable, type WeightGroup } from './group.ts';
import type { BlockWeight } from './weight.ts';

/**
 * com.microsoft MatMulNBits for products and GatherBlockQuantized for tables. A table that is multiplied by too is stored once, as MatMulNBits has it,
 * and looked up through a Reshape; scales and zero points have one shape that both take. Scales in half precision are cast: the runtime does so when it
 * loads the model.
 */
export function nbitsForm(group: WeightGroup, { bits, block, codes, scales, zeroPoints }: BlockWeight, front: Front, { accuracyLevel }: BlockForm): Readers {
  const { n, k } = group;
  const blocks = Math.ceil(k / block);
  const bytesPerBlock = (block * bits) / 8;
  const named = (what: string, tensor: Tensor, dims: readonly number[]): Value => front.constant(`${group.weight.name}_${what}`, reshaped(tensor, dims));
  const cast = (v: Value, t: Tensor): Value => (t.dtype === 'uint8' || t.dtype === group.computes ? v : front.op.Cast(v, { to: codeOf(group.computes) }));

  const flat = [n, blocks * bytesPerBlock];
  const storesTable = !holdsProduct(group);
  const stored = named('codes', codes, storesTable ? flat : [n, blocks, bytesPerBlock]);
  const table = storesTable || !holdsTable(group) ? stored : front.op.Reshape(stored, front.constant(`${group.weight.name}_table_shape`, int64s(flat)));
  const scale = cast(named('scales', scales, [n, blocks]), scales);
  const isPacked = zeroPoints?.dtype === 'uint8';
  const zero = zeroPoints && cast(named('zero_points', zeroPoints, [n, isPacked ? Math.ceil((blocks * bits) / 8) : blocks]), zeroPoints);

  return {
    multiply: (a, op) => op.in('com.microsoft').MatMulNBits(a, stored, scale, zero, { K: k, N: n, bits, block_size: block, accuracy_level: accuracyLevel }),
    lookUp: (indices, op) => op.in('com.microsoft').GatherBlockQuantized(table, indices, scale, zero, { bits, block_size: block, gather_axis: 0, quantize_axis: 1 }),
  };
}
