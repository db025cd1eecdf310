import { encodedBlocks, lazyTensor, quantizedBlocks } from '@onnxpress/core';
import { blockSizes, dequantizeBlocks, quantizeBlocks, toFloat16, transpose, type BlockGrids, type BlockMode, type Grid, type ScaleForm } from '@onnxpress/kernels';
import { nearestCodes, valuesOf } from '../calibrated/codes.ts';
import { gridOf, leastCode } from '../calibrated/grid.ts';
import { matrixOf } from '../calibrated/layers.ts';
import type { WeightGroup } from './group.ts';
import { hqqGrid } from './hqq.ts';
import { kQuantGrid } from './k-quant.ts';
import { storedBits } from './stored-scale.ts';
import type { BlockWeight } from './weight.ts';

/** How scales are found: those that span each block; those with the least squared error; with the least weighted one, by fitted lines; or half-quadratic, with the least mean error. */
export type Search = 'none' | 'mse' | 'k-quant' | 'hqq';

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
  const grid = onceMade(() => stacked(gridFor(matrixOf(group), k, n, rounding, importance), n, stored));
  const { blocks, zeroBytes } = blockSizes({ rows: n, columns: k, block, bits: stored });
  const hasZeros = mode === 'asymmetric' || stored !== bits;
  const grids: BlockGrids = {
    get scales() {
      return grid().scales;
    },
    get zeroPoints() {
      return hasZeros ? grid().zeroPoints : undefined;
    },
  };
  const codes = encodedBlocks(weight.name, tensor, grids, { block, bits: stored, transposed: !alongRows, lowest: mode !== 'symmetric' });
  const least = leastCode(mode);
  return {
    bits: stored, block,
    codes: bits === 3 ? lazyTensor('uint8', codes.dims, () => codes.bytes().map((byte) => threeBits(byte, least))) : codes,
    scales: lazyTensor(scales, [n, blocks], () => (scales === 'float16' ? toFloat16(grid().scales) : grid().scales)),
    zeroPoints: hasZeros ? lazyTensor('uint8', [n, zeroBytes], () => grid().zeroPoints) : undefined,
  };
}

/** What a search finds, in the layout of MatMulNBits: kept from its first use on, since searching takes long and the result is a twentieth of the weight. */
interface Stacked {
  /** [N, blocks] */
  readonly scales: Float32Array;
  /** [N, ceil(blocks · bits / 8)], packed. */
  readonly zeroPoints: Uint8Array;
}

function stacked({ scales, zeros }: Grid, n: number, bits: 2 | 4 | 8): Stacked {
  const blocks = scales.length / n;
  const bytes = Math.ceil((blocks * bits) / 8);
  const zeroPoints = new Uint8Array(n * bytes);
  for (let b = 0; b < blocks; b++) for (let j = 0; j < n; j++) zeroPoints[j * bytes + Math.floor((b * bits) / 8)]! |= zeros[b * n + j]! << ((b * bits) % 8);
  return { scales: transpose(scales, blocks, n), zeroPoints };
}

function onceMade<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Rounding both ends of a range up would need a ninth code. */
function threeBits(byte: number, least: number): number {
  const clamped = (code: number): number => Math.min(7, Math.max(least, code));
  return clamped(byte & 15) | (clamped(byte >> 4) << 4);
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
  const values = valuesOf(nearestCodes(matrix, grid, { k, n, bits, block, mode }), { k, n, bits, block });
  return alongRows ? transpose(values, k, n) : values;
}

function gridFor(w: Float32Array, k: number, n: number, { search, ...options }: Rounding, importance: ArrayLike<number> | undefined): Grid {
  if (search === 'hqq') return hqqGrid(w, k, n, options);
  return search === 'k-quant' ? kQuantGrid(w, k, n, options, importance) : gridOf(w, k, n, { ...options, search: search === 'mse' ? 'equal' : undefined });
}

/** Whether the kernels do it by themselves. */
const isPlain = (rounding: Rounding): rounding is Rounding & { readonly bits: 2 | 4 | 8 } => rounding.search === 'none' && rounding.bits !== 3;
