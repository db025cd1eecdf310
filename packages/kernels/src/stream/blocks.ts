import { type BlockMode, type BlockShape, blockSizes } from '../blocks.ts';
import { machine } from '../memory/machine.ts';
import { type Call, type InScratch, type Task, type TaskValues } from '../pool/calls.ts';
import { type FileRange, PIECE_BYTES, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';

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
}

/** How much a thread holds. */
export interface StreamLimits {
  /** About this much of a matrix is read at a time. */
  readonly piece: number;
  /** A task keeps its results in scratch while it reads a matrix from front to back; beyond this it takes a strip of columns at a time instead. */
  readonly results: number;
  /** About the size of a strip. */
  readonly strip: number;
}

const LIMITS: StreamLimits = { piece: PIECE_BYTES, results: 48 * 2 ** 20, strip: 32 * 2 ** 20 };

const MODES: Readonly<Record<BlockMode, number>> = { symmetric: 0, asymmetric: 1, 'full-range': 2 };

/**
 * The work of `quantizeBlocks` for a matrix that lies in a file: read in pieces, quantized, transposed and packed, and written to other places in
 * files. A thread holds at most about 64 MiB. The bytes are those of `quantizeBlocks`.
 */
export function streamBlocks(source: FileRange, stored: StoredFloat, { mode, ...shape }: BlockShape & { readonly mode: BlockMode }, targets: BlockTargets, limits = LIMITS): StreamWork {
  const plan = { source, stored, shape, mode: MODES[mode], targets, limits };
  const { n, codeBytes, blocks, zeroBytes } = blockSizes(shape);
  const built = !shape.transposed ? alongRows(plan) : n * (codeBytes + blocks * 4 + zeroBytes) <= limits.results ? downColumns(plan) : inStrips(plan);
  return { ...built, nonFinite: (values) => values.some((v) => v === 1) };
}

interface Plan {
  readonly source: FileRange;
  readonly stored: StoredFloat;
  readonly shape: BlockShape;
  readonly mode: number;
  readonly targets: BlockTargets;
  readonly limits: StreamLimits;
}
type Built = Omit<StreamWork, 'nonFinite'>;

/** One task: pieces of rows from front to back, results put together in scratch. */
function downColumns({ source, stored, shape, mode, targets, limits }: Plan): Built {
  const { block, bits } = shape;
  const sizes = blockSizes(shape);
  const { n, k, blocks } = sizes;
  const unit = (8 / bits) * block; // pieces begin where a byte of packed zero points begins
  const height = Math.min(k, Math.max(1, Math.floor(limits.piece / (n * 4) / unit)) * unit);
  const scratch = new ScratchPlan();
  const read = reader(stored, height * n, scratch);
  const results = resultsIn(scratch, n, sizes);
  const own = scratch.take(machine().kernels.blocksTransposedScratch(block));
  const task: Call[] = [];
  for (let row = 0; row < k; row += height) {
    const rows = Math.min(height, k - row);
    task.push(...read.calls(source.descriptor, source.position + row * n * STORED_BYTES[stored], rows * n));
    task.push(['blocksTransposed', read.floats, rows, n, 0, n, block, bits, mode, row / block, blocks, results.codes, results.scales, results.zeroPoints, own]);
  }
  return { tasks: [[...task, ...writes(results, targets, 0, n, sizes)]], scratch: scratch.bytes };
}

/** A task for each strip of columns: for a matrix whose results alone would be too much for a thread. */
function inStrips({ source, stored, shape, mode, targets, limits }: Plan): Built {
  const { block, bits } = shape;
  const sizes = blockSizes(shape);
  const { n, k, blocks } = sizes;
  const width = Math.min(n, Math.max(1, Math.floor(limits.strip / (k * 4) / 16)) * 16);
  const scratch = new ScratchPlan();
  const read = reader(stored, k * width, scratch);
  const results = resultsIn(scratch, width, sizes);
  const own = scratch.take(machine().kernels.blocksTransposedScratch(block));
  const size = STORED_BYTES[stored];
  const tasks: Task[] = [];
  for (let column = 0; column < n; column += width) {
    const columns = Math.min(width, n - column);
    tasks.push([
      ...read.rows(source.descriptor, source.position + column * size, n * size, k, columns),
      ['blocksTransposed', read.floats, k, columns, 0, columns, block, bits, mode, 0, blocks, results.codes, results.scales, results.zeroPoints, own],
      ...writes(results, targets, column, columns, sizes),
    ]);
  }
  return { tasks, scratch: scratch.bytes };
}

/** A task for each piece of rows: their results do not depend on each other. */
function alongRows({ source, stored, shape, mode, targets, limits }: Plan): Built {
  const { block, bits } = shape;
  const sizes = blockSizes(shape);
  const { n, k } = sizes;
  const height = Math.min(n, Math.max(1, Math.floor(limits.piece / (k * 4))));
  const scratch = new ScratchPlan();
  const read = reader(stored, height * k, scratch);
  const results = resultsIn(scratch, height, sizes);
  const own = scratch.take(block * 4);
  const tasks: Task[] = [];
  for (let row = 0; row < n; row += height) {
    const rows = Math.min(height, n - row);
    tasks.push([
      ...read.calls(source.descriptor, source.position + row * k * STORED_BYTES[stored], rows * k),
      ['blocksOfRows', read.floats, rows, k, block, bits, mode, results.codes, results.scales, results.zeroPoints, own],
      ...writes(results, targets, row, rows, sizes),
    ]);
  }
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
function writes(results: Results, targets: BlockTargets, first: number, rows: number, { codeBytes, blocks, zeroBytes }: Sizes): Call[] {
  const perRow = { codes: codeBytes, scales: blocks * 4, zeroPoints: zeroBytes };
  return (Object.keys(perRow) as (keyof Results)[]).flatMap((what): Call[] => {
    const to = targets[what];
    return to ? [['writeFile', to.descriptor, to.position + first * perRow[what], results[what], rows * perRow[what]]] : [];
  });
}

/** Reads numbers as float32, cast on the way where they are stored otherwise. */
function reader(stored: StoredFloat, most: number, scratch: ScratchPlan): {
  readonly floats: InScratch;
  calls(descriptor: number, position: number, count: number): Call[];
  rows(descriptor: number, position: number, stride: number, rows: number, columns: number): Call[];
} {
  const floats = scratch.take(most * 4);
  const size = STORED_BYTES[stored];
  const raw = stored === 'float32' ? floats : scratch.take(most * size);
  const cast = (count: number): Call[] => (stored === 'float32' ? [] : [[stored === 'float16' ? 'fromFloat16' : 'fromBfloat16', raw, count, floats]]);
  return {
    floats,
    calls: (descriptor, position, count) => [['readFile', descriptor, position, raw, count * size], ...cast(count)],
    rows: (descriptor, position, stride, rows, columns) => [['readRows', descriptor, position, stride, rows, raw, columns * size], ...cast(rows * columns)],
  };
}
