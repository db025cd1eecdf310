import { type BlockOptions, type BlockShape, blockSizes, modeFlags, NON_FINITE, type ScaleForm, TOO_LARGE } from '../blocks.ts';
import { machine } from '../memory/machine.ts';
import { type Call, type InScratch, type Task, type TaskValues } from '../pool/calls.ts';
import { type FileRange, PIECE_BYTES, PIECES_PER_TASK, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';
import { grouped, PieceReader, type Piece } from './reader.ts';

/** Where the results go; what has no target is not written. */
export interface BlockTargets {
  readonly codes?: FileRange | undefined;
  readonly scales?: FileRange | undefined;
  readonly zeroPoints?: FileRange | undefined;
}

/** Work from file to file, for a WorkerPool. */
export interface StreamWork {
  readonly tasks: readonly Task[];
  readonly scratch: number;
  /** Whether a kernel met a NaN or an infinity; the results are then of no use. */
  readonly nonFinite: (values: TaskValues) => boolean;
  /** Whether a scale was beyond float16; the same. */
  readonly scaleTooLarge: (values: TaskValues) => boolean;
}

/** How much a thread holds. */
export interface StreamLimits {
  /** About this much of a matrix is read at a time. */
  readonly piece: number;
  /** A task keeps its results in scratch while it reads a matrix from front to back; where they would be more than this, a task is a strip of columns. */
  readonly results: number;
}

const LIMITS: StreamLimits = { piece: PIECE_BYTES, results: 48 * 2 ** 20 };

/**
 * The work of `quantizeBlocks` for a matrix that lies in a file: read in pieces, quantized, transposed and packed, and written to other places in
 * files. A thread holds at most about 80 MiB. The bytes are those of `quantizeBlocks`, with float16 scales as two bytes each.
 */
export function streamBlocks(source: FileRange, stored: StoredFloat, { mode, scales, ...shape }: BlockOptions, targets: BlockTargets, limits = LIMITS): StreamWork {
  const plan = { source, stored, shape, mode: modeFlags(mode, scales), scales: scales ?? 'float32', targets, limits };
  const has = (outcome: number) => (values: TaskValues): boolean => values.some((v) => v === outcome);
  return { ...(shape.transposed ? downColumns(plan) : alongRows(plan)), nonFinite: has(NON_FINITE), scaleTooLarge: has(TOO_LARGE) };
}

interface Plan {
  readonly source: FileRange;
  readonly stored: StoredFloat;
  readonly shape: BlockShape;
  readonly mode: number;
  readonly scales: ScaleForm;
  readonly targets: BlockTargets;
  readonly limits: StreamLimits;
}
type Built = Pick<StreamWork, 'tasks' | 'scratch'>;

/** A task for each strip of columns, most often one: pieces of rows from front to back, results put together in scratch. */
function downColumns({ source, stored, shape, mode, scales, targets, limits }: Plan): Built {
  const { block, bits } = shape;
  const sizes = blockSizes(shape);
  const { n, k, blocks, codeBytes, zeroBytes } = sizes;
  const width = Math.min(n, Math.max(1, Math.floor(limits.results / (codeBytes + blocks * 4 + zeroBytes) / 16)) * 16);
  const unit = (8 / bits) * block; // pieces begin where a byte of packed zero points begins
  const height = Math.min(k, Math.max(1, Math.floor(limits.piece / (width * 4) / unit)) * unit);
  const scratch = new ScratchPlan();
  const reader = new PieceReader(stored, height * width, scratch);
  const results = resultsIn(scratch, width, sizes);
  const own = scratch.take(machine().kernels.blocksTransposedScratch(block));
  const size = STORED_BYTES[stored];
  const tasks: Task[] = [];
  for (let column = 0; column < n; column += width) {
    const columns = Math.min(width, n - column);
    const pieces: (Piece & { readonly row: number })[] = [];
    for (let row = 0; row < k; row += height) pieces.push({ row, position: source.position + (row * n + column) * size, rows: Math.min(height, k - row), columns, ...(columns < n ? { stride: n * size } : {}) });
    const made = reader.through(source, pieces, (floats, { row, rows }) => [['blocksTransposed', floats, rows, columns, 0, columns, block, bits, mode, row / block, blocks, results.codes, results.scales, results.zeroPoints, own]]);
    tasks.push([...made, ...writes(results, targets, column, columns, sizes, scales)]);
  }
  return { tasks, scratch: scratch.bytes };
}

/** A task for some pieces of rows: their results do not depend on each other. */
function alongRows({ source, stored, shape, mode, scales, targets, limits }: Plan): Built {
  const { block, bits } = shape;
  const sizes = blockSizes(shape);
  const { n, k } = sizes;
  const height = Math.min(n, Math.max(1, Math.floor(limits.piece / (k * 4))));
  const scratch = new ScratchPlan();
  const reader = new PieceReader(stored, height * k, scratch);
  const results = resultsIn(scratch, height, sizes);
  const own = scratch.take(block * 4);
  const pieces: (Piece & { readonly row: number })[] = [];
  for (let row = 0; row < n; row += height) pieces.push({ row, position: source.position + row * k * STORED_BYTES[stored], rows: Math.min(height, n - row), columns: k });
  const tasks = [...grouped(pieces, PIECES_PER_TASK)].map((group) => reader.through(source, group, (floats, { row, rows }) => [
    ['blocksOfRows', floats, rows, k, block, bits, mode, results.codes, results.scales, results.zeroPoints, own],
    ...writes(results, targets, row, rows, sizes, scales),
  ]));
  return { tasks, scratch: scratch.bytes };
}

type Sizes = ReturnType<typeof blockSizes>;
interface Results {
  readonly codes: InScratch;
  readonly scales: InScratch;
  readonly zeroPoints: InScratch;
}

const resultsIn = (scratch: ScratchPlan, rows: number, { codeBytes, blocks, zeroBytes }: Sizes): Results => ({
  codes: scratch.take(rows * codeBytes),
  scales: scratch.take(rows * blocks * 4),
  zeroPoints: scratch.take(rows * zeroBytes),
});

/** Writes the results of `rows` outputs from output `first` on. */
function writes(results: Results, targets: BlockTargets, first: number, rows: number, { codeBytes, blocks, zeroBytes }: Sizes, form: ScaleForm): Call[] {
  const half = form === 'float16';
  const perRow = { codes: codeBytes, scales: blocks * (half ? 2 : 4), zeroPoints: zeroBytes };
  // In place: what is written never overtakes what is read.
  const narrow: Call[] = half && targets.scales ? [['toFloat16', results.scales, rows * blocks, results.scales]] : [];
  return narrow.concat((Object.keys(perRow) as (keyof Results)[]).flatMap((what): Call[] => {
    const to = targets[what];
    return to ? [['writeFile', to.descriptor, to.position + first * perRow[what], results[what], rows * perRow[what]]] : [];
  }));
}
