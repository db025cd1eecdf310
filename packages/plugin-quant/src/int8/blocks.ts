import type { Model } from '@onnxpress/core';
import { emitBlocks } from '../blocks/emit.ts';
import { groupsOf, holdsProduct, holdsTable, type WeightGroup } from '../blocks/group.ts';
import { roundedBlocks, type Rounding } from '../blocks/rounded.ts';
import type { Target } from '../target.ts';

type Block = 16 | 32 | 64 | 128;

/** The largest block that divides a row, as looking up in blocks needs. */
export const dividingBlock = (k: number): Block | undefined => ([128, 64, 32, 16] as const).find((block) => k % block === 0);

/** Inputs of a product that share a scale: as many as onnxruntime is fast with, and no more than there are. */
export const blockFor = (k: number): Block => ([128, 64, 32] as const).find((block) => block <= k) ?? 16;

/** Tables and the products of output heads that are tied to them: blocks are the one form that both read. */
export const tiedTargets = (targets: readonly Target[]): ReadonlySet<Target> => new Set(groupsOf(targets).filter((g) => holdsTable(g) && holdsProduct(g)).flatMap((g) => g.targets));

/**
 * Writes 8-bit MatMulNBits with int8 activations, and GatherBlockQuantized for tables. Scales are float32, since onnxruntime computes zeros from float16
 * ones at accuracy level 4 when it runs without its optimizations. Gives how the weight was rounded.
 */
export function writeBlocks(model: Model, group: WeightGroup): Rounding {
  const block = holdsTable(group) ? dividingBlock(group.k) : blockFor(group.k);
  if (block === undefined) throw new Error(`Rows of ${group.k} numbers have no blocks, and were no targets.`);
  const rounding: Rounding = { bits: 8, block, mode: 'symmetric', scales: 'float32', search: 'none' };
  emitBlocks(model, group, roundedBlocks(group, rounding), { format: 'MatMulNBits', accuracyLevel: 4 });
  return rounding;
}
