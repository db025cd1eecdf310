import { checkLength, checkOption, checkWhole, KernelError, NonFiniteError } from './error.ts';
import { CHUNK_BYTES, inChunks, type Operand } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { withArena } from './memory/arena.ts';
import { transposedBlocks } from './blocks-transposed.ts';
import { checkFinite } from './statistics.ts';
import { transposeInto } from './layout.ts';

/**
 * How a block's values become codes; zero is always inside the range, and a scale that would be 0 is 1.
 * - `symmetric`: scale = absmax / (2^(bits-1) - 1), zero point 2^(bits-1), the lowest code unused.
 * - `asymmetric`: scale = (max - min) / (2^bits - 1), zero point round(-min / scale), stored.
 * - `full-range`: scale = -(value of largest magnitude) / 2^(bits-1), which may be negative; zero point 2^(bits-1). Of a minimum and a maximum of equal magnitude the minimum counts.
 */
export type BlockMode = 'symmetric' | 'asymmetric' | 'full-range';
export type BlockBits = 2 | 4 | 8;

/**
 * How scales are stored. `float16`: each is rounded to the nearest float16 first (one that would be 0 is the smallest, 2^-24), and codes and zero points are
 * made with what it then is.
 */
export type ScaleForm = 'float32' | 'float16';

/** How values become codes. */
export interface BlockOptions extends BlockShape {
  readonly mode: BlockMode;
  /** Default: float32. */
  readonly scales?: ScaleForm | undefined;
}

/** The matrix and its blocks. */
export interface BlockShape {
  /** Of the matrix as it is stored, row-major. */
  readonly rows: number;
  readonly columns: number;
  /** A power of two, 16 or more. The last block of a row may be shorter; it is padded with codes of zero. */
  readonly block: number;
  readonly bits: BlockBits;
  /** Blocks run down the columns, as for the [K, N] weight of MatMul: the result is that of the transposed matrix. Default: along the rows. */
  readonly transposed?: boolean;
}

/** The inputs of MatMulNBits for a weight of N outputs and K inputs, K in blocks. */
export interface BlockCodes {
  /** [N, blocks, block * bits / 8]; the first code of a byte is in its low bits. */
  readonly codes: Uint8Array;
  /** [N, blocks] */
  readonly scales: Float32Array;
  /** Of asymmetric codes: [N, ceil(blocks * bits / 8)], packed like the codes. Otherwise every zero point is 2^(bits-1). */
  readonly zeroPoints?: Uint8Array;
}

/** Lengths that follow from the shape. */
export interface BlockSizes {
  /** Outputs: rows of the result. */
  readonly n: number;
  /** Inputs. */
  readonly k: number;
  readonly blocks: number;
  readonly codeBytes: number;
  readonly zeroBytes: number;
}

/** The lengths per output of what quantizeBlocks makes. Throws `bad-option`. */
export function blockSizes({ rows, columns, block, bits, transposed = false }: BlockShape): BlockSizes {
  checkOption('bits', bits, [2, 4, 8]);
  checkWhole('block', block, 16, 2 ** 16);
  if (!Number.isInteger(Math.log2(block))) throw new KernelError('bad-option', `"block" cannot be ${block}. It is a power of two, as MatMulNBits has it`);
  const [n, k] = transposed ? [columns, rows] : [rows, columns];
  const blocks = Math.ceil(k / block);
  return { n, k, blocks, codeBytes: (blocks * block * bits) / 8, zeroBytes: Math.ceil((blocks * bits) / 8) };
}

/**
 * Quantizes a matrix in blocks to codes in the layout of MatMulNBits, transposing and packing in one pass: code = clamp(round(w / scale) + zero point), round half
 * to even. Throws NonFiniteError, and `out-of-range` where a scale is beyond float16 and is to be stored so.
 */
export function quantizeBlocks(w: Float32Array, { mode, scales, ...shape }: BlockOptions, into?: BlockCodes): BlockCodes {
  const flags = modeFlags(mode, scales);
  const sizes = blockSizes(shape);
  checkLength('w', w, shape.rows * shape.columns);
  const result = into ?? {
    codes: new Uint8Array(sizes.n * sizes.codeBytes),
    scales: new Float32Array(sizes.n * sizes.blocks),
    ...(mode === 'asymmetric' ? { zeroPoints: new Uint8Array(sizes.n * sizes.zeroBytes) } : {}),
  };
  checkCodes(result, sizes);
  if (mode === 'asymmetric' && result.zeroPoints === undefined) throw new KernelError('wrong-size', 'Asymmetric codes have zero points: give "zeroPoints" with the other results');
  refuse(shape.transposed ? transposedBlocks(w, shape, flags, sizes, result, false) : blocksAlongRows(w, shape, flags, sizes, result), w);
  return result;
}

/** Scales and zero points that are there already, in the layout of BlockCodes. */
export interface BlockGrids {
  /** [N, blocks]; finite, none of them 0. */
  readonly scales: Float32Array;
  /** [N, ceil(blocks * bits / 8)], packed. Without them every zero point is 2^(bits-1). */
  readonly zeroPoints?: Uint8Array | undefined;
}

export interface EncodeBlocksOptions extends BlockShape {
  /** Whether the lowest code is used, where there are no zero points. Default: yes. */
  readonly lowest?: boolean;
}

/**
 * The codes of quantizeBlocks for given scales and zero points: what is outside of a block's grid takes the code at its end. Throws NonFiniteError, and
 * `bad-option` for a scale of 0, NaN or infinity.
 */
export function encodeBlocks(w: Float32Array, { scales, zeroPoints }: BlockGrids, { lowest = true, ...shape }: EncodeBlocksOptions, into?: Uint8Array): Uint8Array {
  const sizes = blockSizes(shape);
  checkLength('w', w, shape.rows * shape.columns);
  const codes = into ?? new Uint8Array(sizes.n * sizes.codeBytes);
  const result = { codes, scales, ...(zeroPoints ? { zeroPoints } : {}) };
  checkCodes(result, sizes);
  const useless = scales.findIndex((scale) => !(Math.abs(scale) > 0 && Number.isFinite(scale)));
  if (useless >= 0) throw new KernelError('bad-option', `The scale at index ${useless} is ${scales[useless]}. Give finite ones other than 0`);
  const flags = MODES[zeroPoints ? 'asymmetric' : lowest ? 'full-range' : 'symmetric'] | GIVEN;
  refuse(shape.transposed ? transposedBlocks(w, shape, flags, sizes, result, true) : blocksAlongRows(w, shape, flags, sizes, result), w);
  return codes;
}

const MODES: Readonly<Record<BlockMode, number>> = { symmetric: 0, asymmetric: 1, 'full-range': 2 };
const HALF_SCALES = 4;
const GIVEN = 8;
/** What block kernels return. */
export const NON_FINITE = 1;
export const TOO_LARGE = 2;

/** What the kernels take for a mode. Throws `bad-option`. */
export function modeFlags(mode: BlockMode, scales: ScaleForm = 'float32'): number {
  checkOption('mode', mode, ['symmetric', 'asymmetric', 'full-range']);
  checkOption('scales', scales, ['float32', 'float16']);
  return MODES[mode] | (scales === 'float16' ? HALF_SCALES : 0);
}

function refuse(outcome: number, w: Float32Array): void {
  if (outcome === TOO_LARGE) throw scaleTooLarge();
  if (outcome !== NON_FINITE) return;
  const index = checkFinite(w);
  throw new NonFiniteError(index, w[index]!);
}

/** For a scale that float16 cannot hold. */
export function scaleTooLarge(): KernelError {
  return new KernelError('out-of-range', 'The range of a block asks for a scale beyond 65504, the largest float16. Store the scales as float32, or leave this tensor as it is');
}

function checkCodes({ codes, scales, zeroPoints }: BlockCodes, { n, blocks, codeBytes, zeroBytes }: BlockSizes): void {
  checkLength('codes', codes, n * codeBytes);
  checkLength('scales', scales, n * blocks);
  if (zeroPoints) checkLength('zeroPoints', zeroPoints, n * zeroBytes);
}

/** Gives 0, or what a kernel could not do. */
function blocksAlongRows(w: Float32Array, { block, bits }: BlockShape, mode: number, { n, k, blocks, codeBytes, zeroBytes }: BlockSizes, { codes, scales, zeroPoints }: BlockCodes): number {
  const grids = mode & GIVEN ? 'read' : 'write';
  const scratch = new Uint8Array(block * 4);
  const zeros = zeroPoints ?? new Uint8Array(0);
  let bad = 0;
  const piece = (rows: number, columns: number, view: BlockCodes & { readonly w: Float32Array; readonly zeros: Uint8Array }, per: Omit<BlockSizes, 'n' | 'k'>): void => {
    const operands: Operand[] = [
      { name: 'w', view: view.w, use: 'read', per: columns },
      { name: 'codes', view: view.codes, use: 'write', per: per.codeBytes },
      { name: 'scales', view: view.scales, use: grids, per: per.blocks },
      { name: 'zeroPoints', view: view.zeros, use: grids, ...(zeroPoints ? { per: per.zeroBytes } : {}) },
      { name: 'scratch', view: scratch, use: 'update' },
    ];
    inChunks(rows, operands, ([from, to, scale, zero, space], count) => (bad ||= machine().kernels.blocksOfRows(from!, count, columns, block, bits, mode, to!, scale!, zero!, space!)));
  };
  if (k * 4 <= CHUNK_BYTES) piece(n, k, { w, codes, scales, zeros }, { blocks, codeBytes, zeroBytes });
  else for (const part of partsOfRows(n, k, block, bits)) piece(1, part.length, partOf({ w, codes, scales, zeros }, part, { block, bits, zeroPoints }, { k, blocks, codeBytes, zeroBytes }), sizesOf(part.length, block, bits));
  return bad;
}

interface Part {
  readonly row: number;
  readonly start: number;
  readonly length: number;
}

/** Long rows in pieces that begin where a byte of packed zero points begins. */
function* partsOfRows(rows: number, k: number, block: number, bits: number): Generator<Part> {
  const unit = (8 / bits) * block;
  const step = Math.max(1, Math.floor(CHUNK_BYTES / 4 / unit)) * unit;
  for (let row = 0; row < rows; row++) for (let start = 0; start < k; start += step) yield { row, start, length: Math.min(step, k - start) };
}

function sizesOf(k: number, block: number, bits: BlockBits): Omit<BlockSizes, 'n' | 'k'> {
  return blockSizes({ rows: 1, columns: k, block, bits });
}

function partOf(
  { w, codes, scales, zeros }: BlockCodes & { readonly w: Float32Array; readonly zeros: Uint8Array },
  { row, start, length }: Part,
  { block, bits, zeroPoints }: { block: number; bits: BlockBits; zeroPoints: Uint8Array | undefined },
  whole: Omit<BlockSizes, 'n'>,
): BlockCodes & { readonly w: Float32Array; readonly zeros: Uint8Array } {
  const own = sizesOf(length, block, bits);
  const slice = <T extends Float32Array | Uint8Array>(view: T, at: number, count: number): T => view.subarray(at, at + count) as T; // subarray keeps the kind of array
  return {
    w: slice(w, row * whole.k + start, length),
    codes: slice(codes, row * whole.codeBytes + (start * bits) / 8, own.codeBytes),
    scales: slice(scales, row * whole.blocks + start / block, own.blocks),
    zeros: zeroPoints ? slice(zeros, row * whole.zeroBytes + (start / block) * (bits / 8), own.zeroBytes) : zeros,
  };
}

/** (code - zero point) * scale of what quantizeBlocks makes, in the shape that the matrix had. */
export function dequantizeBlocks(quantized: BlockCodes, shape: BlockShape, into: Float32Array = new Float32Array(shape.rows * shape.columns)): Float32Array {
  const sizes = blockSizes(shape);
  checkLength('into', into, shape.rows * shape.columns);
  checkCodes(quantized, sizes);
  if (!shape.transposed) {
    decodeRows(quantized, shape, sizes, into);
    return into;
  }
  // A few outputs at a time: decoded to rows, then turned into columns.
  const { n, k, blocks, codeBytes, zeroBytes } = sizes;
  const step = Math.max(1, Math.min(n, Math.floor(CHUNK_BYTES / 4 / k)));
  withArena((arena) => {
    const decoded = arena.float32(step * k);
    for (let start = 0; start < n; start += step) {
      const end = Math.min(start + step, n);
      const part = {
        codes: quantized.codes.subarray(start * codeBytes, end * codeBytes),
        scales: quantized.scales.subarray(start * blocks, end * blocks),
        ...(quantized.zeroPoints ? { zeroPoints: quantized.zeroPoints.subarray(start * zeroBytes, end * zeroBytes) } : {}),
      };
      const rows = decoded.subarray(0, (end - start) * k);
      decodeRows(part, shape, { ...sizes, n: end - start }, rows);
      transposeInto(rows, end - start, k, into, n, start);
    }
  });
  return into;
}

function decodeRows({ codes, scales, zeroPoints }: BlockCodes, { block, bits }: BlockShape, { n, k, blocks, codeBytes, zeroBytes }: BlockSizes, into: Float32Array): void {
  const operands: Operand[] = [
    { name: 'codes', view: codes, use: 'read', per: codeBytes },
    { name: 'scales', view: scales, use: 'read', per: blocks },
    { name: 'into', view: into, use: 'write', per: k },
  ];
  if (zeroPoints) operands.push({ name: 'zeroPoints', view: zeroPoints, use: 'read', per: zeroBytes });
  inChunks(n, operands, ([from, scale, to, zero], count) => machine().kernels.blocksDecode(from!, scale!, zero ?? 0, count, k, block, bits, to!));
}

