import { type Call, type Task, type TaskValues } from '../pool/calls.ts';
import { type FileRange, PIECE_BYTES, PIECES_PER_TASK, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';
import { grouped, PieceReader, type Piece } from './reader.ts';

/** A matrix as it is stored, and its codes. */
export interface Int8Shape {
  readonly rows: number;
  readonly columns: number;
  /** What has a scale of its own: 0: each row as stored; 1: each column; 'tensor': the whole. */
  readonly axis: 0 | 1 | 'tensor';
  /** Whether codes are written as those of the transposed matrix. */
  readonly transposed?: boolean;
  /** Use 7 of the 8 bits. */
  readonly reduceRange?: boolean;
}

/** Where the results go; what has no target is not written. */
export interface Int8Targets {
  readonly codes?: FileRange | undefined;
  readonly scales?: FileRange | undefined;
}

export interface Int8Work {
  readonly tasks: readonly Task[];
  readonly scratch: number;
  /** Whether a kernel met a NaN or an infinity; the results are then of no use. */
  readonly nonFinite: (values: TaskValues) => boolean;
}

/** How much a thread holds. */
export interface Int8Limits {
  /** About this much of a matrix is read at a time. */
  readonly piece: number;
  /** Codes that are turned around are put together in scratch; where they would be more than this, a strip of columns at a time. */
  readonly results: number;
}

const LIMITS: Int8Limits = { piece: PIECE_BYTES, results: 48 * 2 ** 20 };

/** The largest code. */
const highestOf = ({ reduceRange = false }: Int8Shape): number => (reduceRange ? 63 : 127);

/**
 * The work of symmetric `quantizeInt8PerAxis` and `quantizeInt8PerTensor` for a matrix that lies in a file, with the same bytes. Where a scale
 * is needed before all of its numbers were seen, the matrix is read twice.
 */
export function streamInt8(source: FileRange, stored: StoredFloat, shape: Int8Shape, targets: Int8Targets, limits = LIMITS): Int8Work {
  const plan = { source, stored, shape, targets, limits };
  const built = shape.axis === 0 && !shape.transposed ? rowByRow(plan) : inTwoReadings(plan);
  return { ...built, nonFinite: (values) => values.some((v) => v !== undefined && v >= 0) };
}

interface Plan {
  readonly source: FileRange;
  readonly stored: StoredFloat;
  readonly shape: Int8Shape;
  readonly targets: Int8Targets;
  readonly limits: Int8Limits;
}
type Built = Omit<Int8Work, 'nonFinite'>;
type Part = Piece & { readonly row: number };

/** Each row has its scale: some rows are a task, and are read once. */
function rowByRow({ source, stored, shape, targets, limits }: Plan): Built {
  const { rows, columns } = shape;
  const highest = highestOf(shape);
  const height = Math.min(rows, Math.max(1, Math.floor(limits.piece / 4 / columns)));
  const scratch = new ScratchPlan();
  const reader = new PieceReader(stored, height * columns, scratch);
  const codes = scratch.take(height * columns);
  const scales = scratch.take(height * 4);
  const parts = partsOf(source, stored, columns, { rows, first: 0, width: columns, height });
  const tasks = [...grouped(parts, PIECES_PER_TASK)].map((group) => reader.through(source, group, (floats, { row, rows: count }) => [
    ['int8Rows', floats, count, columns, highest, codes, scales],
    ...written(targets.codes, row * columns, codes, count * columns),
    ...written(targets.scales, row * 4, scales, count * 4),
  ]));
  return { tasks, scratch: scratch.bytes };
}

/** One task: first the scales, then the codes, as wide a strip at a time as can be turned around. */
function inTwoReadings({ source, stored, shape, targets, limits }: Plan): Built {
  const { rows, columns, axis, transposed = false } = shape;
  const highest = highestOf(shape);
  const most = Math.max(1, Math.floor(limits.piece / 4));
  const width = transposed ? Math.min(columns, Math.max(1, Math.floor(limits.results / rows))) : columns;
  const heightOf = (wide: number): number => Math.min(rows, Math.max(1, Math.floor(most / wide)));
  const whole = partsOf(source, stored, columns, { rows, first: 0, width: columns, height: heightOf(columns) });
  const groups = axis === 0 ? rows : axis === 1 ? columns : whole.length;
  const scratch = new ScratchPlan();
  const reader = new PieceReader(stored, Math.max(heightOf(columns) * columns, heightOf(width) * width), scratch);
  const [minima, maxima, magnitudes, scales] = [scratch.take(groups * 4), scratch.take(groups * 4), scratch.take(groups * 4), scratch.take(groups * 4)];
  const codes = scratch.take(heightOf(width) * width);
  const turned = scratch.take(transposed ? width * rows : 0);
  const at = (place: { readonly scratch: number }, element: number): { readonly scratch: number } => ({ scratch: place.scratch + element * 4 });

  const task: Call[] = reader.through(source, whole, (floats, { row, rows: count }) => {
    if (axis === 1) return [['rangesOfColumns', floats, count, columns, row === 0 ? 1 : 0, minima, maxima, magnitudes]];
    const [lines, length, group] = axis === 0 ? [count, columns, row] : [1, count * columns, row / heightOf(columns)];
    return [['rangesOfRows', floats, lines, length, at(minima, group), at(maxima, group), at(magnitudes, group)]];
  });
  if (axis === 'tensor') task.push(['largestFirst', magnitudes, groups]);
  task.push(['int8Scales', magnitudes, axis === 'tensor' ? 1 : groups, highest, scales]);
  task.push(...written(targets.scales, 0, scales, axis === 'tensor' ? 4 : groups * 4));
  if (!targets.codes) return { tasks: [task], scratch: scratch.bytes };

  for (let first = 0; first < columns; first += width) {
    const wide = Math.min(width, columns - first);
    const parts = partsOf(source, stored, columns, { rows, first, width: wide, height: heightOf(width) });
    task.push(...reader.through(source, parts, (floats, { row, rows: count }) => [
      axis === 0 ? ['int8EncodeRows', floats, count, wide, at(scales, row), 0, -highest, highest, codes]
        : axis === 1 ? ['int8EncodeColumns', floats, count, wide, at(scales, first), 0, -highest, highest, codes]
          : ['int8EncodeRows', floats, 1, count * wide, scales, 0, -highest, highest, codes],
      ...(transposed ? [['transpose8', codes, count, wide, wide, { scratch: turned.scratch + row }, rows] as const] : written(targets.codes, row * columns, codes, count * wide)),
    ]));
    if (transposed) task.push(...written(targets.codes, first * rows, turned, wide * rows));
  }
  return { tasks: [task], scratch: scratch.bytes };
}

/** The rows of a strip of columns, in pieces of so many. */
function partsOf(source: FileRange, stored: StoredFloat, columns: number, { rows, first, width, height }: { readonly rows: number; readonly first: number; readonly width: number; readonly height: number }): Part[] {
  const size = STORED_BYTES[stored];
  return Array.from({ length: Math.ceil(rows / height) }, (_, i) => ({
    row: i * height, position: source.position + (i * height * columns + first) * size, rows: Math.min(height, rows - i * height), columns: width, ...(width < columns ? { stride: columns * size } : {}),
  }));
}

function written(target: FileRange | undefined, offset: number, from: { readonly scratch: number }, bytes: number): Call[] {
  return target ? [['writeFile', target.descriptor, target.position + offset, from, bytes]] : [];
}
