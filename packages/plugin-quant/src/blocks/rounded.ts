import { derived, quantizedBlocks, reshaped } from '@onnxpress/core';
import { blockSizes, dequantizeBlocks, quantizeBlocks, transpose, type BlockMode, type Grid, type ScaleForm } from '@onnxpress/kernels';
import { blockWeightOf, nearestCodes, storedBits, valuesOf } from '../calibrated/codes.ts';
import { gridOf } from '../calibrated/grid.ts';
import { matrixOf } from '../calibrated/layers.ts';
import type { WeightGroup } from './group.ts';
import { kQuantGrid } from './k-quant.ts';
import type { BlockWeight } from './weight.ts';

/** How scales are found: those that span each block; those with the least squared error; or with the least weighted one, by fitted lines. */
export type Search = 'none' | 'mse' | 'k-quant';

/** Rounding to nearest, in blocks. */
export interface Rounding {
  readonly bits: 2 | 3 | 4 | 8;
  /** A power of two, 16 or more. */
  readonly block: number;
  readonly mode: BlockMode;
  readonly scales: ScaleForm;
  readonly search: Search;
}

/** A part of a weight: whole blocks of some of its outputs. */
export interface Piece {
  /** [outputs, inputs] where blocks run along rows, else [inputs, outputs]. */
  readonly w: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly alongRows: boolean;
  /** The first input. */
  readonly from: number;
}

/**
 * A weight rounded to the nearest codes, made when it is read or written: without a search from file to file, with one in memory. `importance` is mean x²
 * for each input; only `k-quant` asks for it.
 */
export function roundedBlocks(group: WeightGroup, rounding: Rounding, importance?: ArrayLike<number>): BlockWeight {
  const { bits, block, mode, scales } = rounding;
  const { weight, tensor, k, n, alongRows } = group;
  if (isPlain(rounding)) return { bits: rounding.bits, block, ...quantizedBlocks(weight.name, tensor, { block, bits: rounding.bits, mode, scales, transposed: !alongRows }) };
  const stored = storedBits(bits);
  const { blocks, zeroBytes } = blockSizes({ rows: n, columns: k, block, bits: stored });
  const hasZeros = mode === 'asymmetric' || stored !== bits;
  const made = derived<'codes' | 'scales' | 'zeroPoints'>({
    outputs: {
      codes: { dtype: 'uint8', dims: [n, blocks, (block * stored) / 8] },
      scales: { dtype: scales, dims: [n * blocks] },
      zeroPoints: { dtype: 'uint8', dims: [n * zeroBytes] },
    },
    compute() {
      const w = matrixOf(group);
      const made = blockWeightOf(nearestCodes(w, gridFor(w, k, n, rounding, importance), { k, n, bits, block }), { k, n, bits, block }, scales);
      const middle = new Uint8Array(n * zeroBytes).fill(stored === 8 ? 0x80 : stored === 4 ? 0x88 : 0xaa);
      return { codes: made.codes.bytes(), scales: made.scales.bytes(), zeroPoints: made.zeroPoints?.bytes() ?? middle };
    },
  });
  return { bits: stored, block, codes: made.codes, scales: made.scales, zeroPoints: hasZeros ? reshaped(made.zeroPoints, [n, zeroBytes]) : undefined };
}

/** What the codes of a piece stand for, in its own layout. Throws NonFiniteError for plain rounding. */
export function roundedPiece({ w, rows, columns, alongRows, from }: Piece, rounding: Rounding, importance?: ArrayLike<number>): Float32Array {
  const { bits, block, mode, scales } = rounding;
  if (isPlain(rounding)) {
    const shape = { rows, columns, block, bits: rounding.bits, transposed: !alongRows };
    return dequantizeBlocks(quantizeBlocks(w, { ...shape, mode, scales }), shape);
  }
  const [k, n] = alongRows ? [columns, rows] : [rows, columns];
  const matrix = alongRows ? transpose(w, rows, columns) : w;
  const grid = gridFor(matrix, k, n, rounding, importance && Array.from({ length: k }, (_, i) => importance[from + i]!));
  const values = valuesOf(nearestCodes(matrix, grid, { k, n, bits, block }), { k, n, bits, block });
  return alongRows ? transpose(values, k, n) : values;
}

function gridFor(w: Float32Array, k: number, n: number, { search, ...options }: Rounding, importance: ArrayLike<number> | undefined): Grid {
  return search === 'k-quant' ? kQuantGrid(w, k, n, options, importance) : gridOf(w, k, n, { ...options, search: search === 'mse' ? 'equal' : undefined });
}

/** Whether the kernels do it by themselves. */
const isPlain = (rounding: Rounding): rounding is Rounding & { readonly bits: 2 | 4 | 8 } => rounding.search === 'none' && rounding.bits !== 3;
