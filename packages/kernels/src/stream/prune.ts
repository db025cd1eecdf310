import { checkWhole } from '../error.ts';
import { bitsOf } from '../selection.ts';
import { type PiecewiseWork, piecesOf } from './cast.ts';
import { type FileRange, PIECE_BYTES, PIECES_PER_TASK, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';
import { grouped, narrowed, PieceReader, type Piece } from './reader.ts';
import { type Call, type InScratch } from '../pool/calls.ts';

export interface StreamMask {
  readonly threshold: number;
  /** Values of exactly the threshold are zeroed too where their index is below this. */
  readonly tiesBefore: number;
}

/** Zeros what has a magnitude below the threshold in `count` numbers of a file, as `maskBelow` does, and keeps their form. */
export function streamMaskBelow(source: FileRange, form: StoredFloat, count: number, { threshold, tiesBefore }: StreamMask, target: FileRange): PiecewiseWork {
  const most = Math.min(count, PIECE_BYTES / 4);
  const cut = Math.min(count, tiesBefore);
  const rest = { descriptor: source.descriptor, position: source.position + cut * STORED_BYTES[form] };
  const pieces = [...piecesOf(source, form, cut, most), ...piecesOf(rest, form, count - cut, most).map((p) => ({ ...p, first: p.first + cut }))];
  const bits = bitsOf(Math.abs(threshold));
  return changed(source, form, pieces, most, target, false, (floats, { first, columns }) => ['maskBelow', floats, columns, bits, first < cut ? columns : 0, floats]);
}

export interface StreamKeep {
  readonly rows: number;
  readonly columns: number;
  readonly n: number;
  readonly m: number;
  readonly along: 'row' | 'column';
}

/** Keeps n of each m numbers of a matrix in a file, as `keepNofM` does, and their form. A piece holds whole rows, and `m` of them at least where groups run down the columns. */
export function streamKeepNofM(source: FileRange, form: StoredFloat, { rows, columns, n, m, along }: StreamKeep, target: FileRange): PiecewiseWork {
  checkWhole('m', m, 1, 2 ** 16);
  checkWhole('n', n, 0, m);
  const unit = along === 'row' ? 1 : m;
  const height = Math.min(rows, Math.max(1, Math.floor(PIECE_BYTES / 4 / columns / unit)) * unit);
  const pieces = Array.from({ length: Math.ceil(rows / height) }, (_, i) => {
    const first = i * height * columns;
    return { first, position: source.position + first * STORED_BYTES[form], rows: Math.min(height, rows - i * height), columns };
  });
  return changed(source, form, pieces, height * columns, target, true, (floats, piece, out) => [along === 'row' ? 'keepInRows' : 'keepInColumns', floats, piece.rows, columns, n, m, out]);
}

/** Numbers of a file, a piece at a time, through a kernel to the same places of another one. Without `apart` the kernel writes over its input. */
function changed(source: FileRange, form: StoredFloat, pieces: readonly (Piece & { readonly first: number })[], most: number, target: FileRange, apart: boolean, kernel: (floats: InScratch, piece: Piece & { readonly first: number }, out: InScratch) => Call): PiecewiseWork {
  const scratch = new ScratchPlan();
  const reader = new PieceReader(form, most, scratch);
  const out = apart ? scratch.take(most * 4) : undefined;
  const narrow = scratch.take(form === 'float32' ? 0 : most * 2);
  const size = STORED_BYTES[form];
  const tasks = [...grouped(pieces, PIECES_PER_TASK)].map((group) => reader.through(source, group, (floats, piece) => {
    const [made, count] = [out ?? floats, piece.rows * piece.columns];
    return [kernel(floats, piece, made), ...narrowed(form, made, count, narrow), ['writeFile', target.descriptor, target.position + piece.first * size, form === 'float32' ? made : narrow, count * size]];
  }));
  return { tasks, scratch: scratch.bytes };
}
