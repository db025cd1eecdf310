import { checkLength, checkWhole, KernelError, NonFiniteError } from './error.ts';
import { CHUNK_BYTES, inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { bitsOf } from './selection.ts';

/** Of what a statistic is taken: the whole, each row, each column, or each block of so many neighbours in a row (the last may be shorter). */
export type Per = 'tensor' | 'row' | 'column' | { readonly block: number };

/** Smallest value, largest value and largest magnitude of each group. A group that holds NaN has NaN in all three. */
export interface Ranges {
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly absMax: Float32Array;
}

/** Ranges of a row-major matrix, in one reading. Groups are in the order of the matrix; blocks row by row. Throws for a matrix without elements. */
export function ranges(w: Float32Array, rows: number, columns: number, { per }: { per: Per }): Ranges {
  checkLength('w', w, rows * columns);
  if (w.length === 0) throw new KernelError('wrong-size', `A matrix of ${rows} × ${columns} has no smallest value. Leave it out`);
  if (per === 'column') return rangesOfColumns(w, rows, columns);
  if (per === 'tensor') return rangesOfRows(w, 1, w.length);
  if (per === 'row') return rangesOfRows(w, rows, columns);
  checkWhole('block', per.block, 1);
  return rangesOfBlocks(w, rows, columns, per.block);
}

/** Smallest and largest value of each group: see `ranges`. */
export function minMax(w: Float32Array, rows: number, columns: number, options: { per: Per }): Pick<Ranges, 'min' | 'max'> {
  const { min, max } = ranges(w, rows, columns, options);
  return { min, max };
}

/** Largest magnitude of each group: see `ranges`. */
export function absMax(w: Float32Array, rows: number, columns: number, options: { per: Per }): Float32Array {
  return ranges(w, rows, columns, options).absMax;
}

function noRanges(groups: number): Ranges {
  return { min: new Float32Array(groups), max: new Float32Array(groups), absMax: new Float32Array(groups) };
}

function rangesOfRows(w: Float32Array, rows: number, columns: number): Ranges {
  const found = noRanges(rows);
  if (columns * 4 > CHUNK_BYTES) {
    for (let r = 0; r < rows; r++) store(found, r, rangeOfLongRow(w.subarray(r * columns, (r + 1) * columns)));
    return found;
  }
  inChunks(rows, [{ name: 'w', view: w, use: 'read', per: columns }, ...written(found)], ([from, min, max, absMax], count) => machine().kernels.rangesOfRows(from!, count, columns, min!, max!, absMax!));
  return found;
}

const written = ({ min, max, absMax }: Ranges) => [{ name: 'min', view: min, use: 'write', per: 1 }, { name: 'max', view: max, use: 'write', per: 1 }, { name: 'absMax', view: absMax, use: 'write', per: 1 }] as const;

/** In pieces, each with a range of its own. */
function rangeOfLongRow(row: Float32Array): readonly [number, number, number] {
  let [min, max, absMax] = [Infinity, -Infinity, 0];
  const piece = noRanges(1);
  const whole = [{ name: 'min', view: piece.min, use: 'write' }, { name: 'max', view: piece.max, use: 'write' }, { name: 'absMax', view: piece.absMax, use: 'write' }] as const;
  for (let start = 0; start < row.length; start += CHUNK_BYTES / 4) {
    const part = row.subarray(start, start + CHUNK_BYTES / 4);
    inChunks(1, [{ name: 'w', view: part, use: 'read', per: part.length }, ...whole], ([from, lowest, highest, most]) => machine().kernels.rangesOfRows(from!, 1, part.length, lowest!, highest!, most!));
    // Math.min and Math.max keep NaN.
    min = Math.min(min, piece.min[0]!);
    max = Math.max(max, piece.max[0]!);
    absMax = Math.max(absMax, piece.absMax[0]!);
  }
  return [min, max, absMax];
}

function store(into: Ranges, at: number, [min, max, absMax]: readonly [number, number, number]): void {
  into.min[at] = min;
  into.max[at] = max;
  into.absMax[at] = absMax;
}

function rangesOfColumns(w: Float32Array, rows: number, columns: number): Ranges {
  const found = noRanges(columns);
  const kept = [{ name: 'min', view: found.min, use: 'update' }, { name: 'max', view: found.max, use: 'update' }, { name: 'absMax', view: found.absMax, use: 'update' }] as const;
  inChunks(rows, [{ name: 'w', view: w, use: 'read', per: columns }, ...kept], ([from, min, max, absMax], count, start) => machine().kernels.rangesOfColumns(from!, count, columns, start === 0 ? 1 : 0, min!, max!, absMax!));
  return found;
}

function rangesOfBlocks(w: Float32Array, rows: number, columns: number, block: number): Ranges {
  const tail = columns % block;
  if (tail === 0) return rangesOfRows(w, (rows * columns) / block, block);
  const perRow = Math.ceil(columns / block);
  const found = noRanges(rows * perRow);
  for (let r = 0; r < rows; r++) {
    const row = w.subarray(r * columns, (r + 1) * columns);
    const parts = [row.subarray(0, columns - tail), row.subarray(columns - tail)];
    const [full, last] = [rangesOfRows(parts[0]!, perRow - 1, block), rangesOfRows(parts[1]!, 1, tail)];
    for (const key of ['min', 'max', 'absMax'] as const) {
      found[key].set(full[key], r * perRow);
      found[key].set(last[key], (r + 1) * perRow - 1);
    }
  }
  return found;
}

/** The index of the first NaN or infinity, or -1. */
export function checkFinite(w: Float32Array): number {
  for (let start = 0; start < w.length; start += CHUNK_BYTES / 4) {
    const part = w.subarray(start, start + CHUNK_BYTES / 4);
    let found = -1;
    inChunks(1, [{ name: 'w', view: part, use: 'read', per: part.length }], ([from]) => (found = machine().kernels.firstNonFinite(from!, part.length)));
    if (found >= 0) return start + found;
  }
  return -1;
}

/** How many magnitudes are at least `from` and at most `to`; with Infinity as `to`, infinities too, but never NaN. */
export function countMagnitudes(w: Float32Array, from: number, to: number): number {
  let found = 0;
  inChunks(w.length, [{ name: 'w', view: w, use: 'read', per: 1 }], ([values], count) => (found += machine().kernels.countBetween(values!, count, bitsOf(from), bitsOf(to))));
  return found;
}

/** The index of the first of them, or -1. */
export function firstMagnitude(w: Float32Array, from: number, to: number): number {
  let found = -1;
  inChunks(w.length, [{ name: 'w', view: w, use: 'read', per: 1 }], ([values], count, start) => {
    if (found >= 0) return;
    const at = machine().kernels.firstBetween(values!, count, bitsOf(from), bitsOf(to));
    if (at >= 0) found = start + at;
  });
  return found;
}

/** Throws NonFiniteError where there is NaN or infinity. */
export function refuseNonFinite(w: Float32Array): void {
  const index = checkFinite(w);
  if (index >= 0) throw new NonFiniteError(index, w[index]!);
}

export interface HistogramOptions {
  /** How many equal steps there are from `from` to `to`. */
  readonly bins: number;
  readonly from: number;
  readonly to: number;
  /** Count magnitudes. Default: values. */
  readonly absolute?: boolean;
  /** Add to these counts. Default: new ones. */
  readonly into?: Uint32Array;
}

/**
 * How many values fall into each step: bin floor((x - from) * (bins / (to - from))), all in float32; what lies outside counts in the first or the last.
 * Throws NonFiniteError. Counts end at 2^32 - 1.
 */
export function histogram(w: Float32Array, { bins, from, to, absolute = false, into = new Uint32Array(bins) }: HistogramOptions): Uint32Array {
  checkWhole('bins', bins, 1, 2 ** 16);
  checkLength('into', into, bins);
  if (!(to > from)) throw new KernelError('bad-option', `A histogram from ${from} to ${to} has no width. Give a "to" above "from"`);
  refuseNonFinite(w);
  const scratch = new Uint32Array(bins * 4);
  const binsPerUnit = Math.fround(bins / (Math.fround(to) - Math.fround(from)));
  inChunks(w.length, [{ name: 'w', view: w, use: 'read', per: 1 }, { name: 'into', view: into, use: 'update' }, { name: 'scratch', view: scratch, use: 'update' }], ([values, counts, tables], count) =>
    machine().kernels.histogram(values!, count, absolute ? 1 : 0, from, binsPerUnit, bins, counts!, tables!),
  );
  return into;
}
