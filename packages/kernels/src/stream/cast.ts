import { type Task } from '../pool/calls.ts';
import { type FileRange, PIECE_BYTES, PIECES_PER_TASK, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';
import { grouped, narrowed, PieceReader, type Piece } from './reader.ts';

/** Work from file to file that changes numbers one by one. */
export interface PiecewiseWork {
  readonly tasks: readonly Task[];
  readonly scratch: number;
}

/** Casts `count` numbers of a file to another form, as the casts of this package do. */
export function streamCast(source: FileRange, from: StoredFloat, to: StoredFloat, count: number, target: FileRange): PiecewiseWork {
  const most = Math.min(count, PIECE_BYTES / 4);
  const scratch = new ScratchPlan();
  const reader = new PieceReader(from, most, scratch);
  const narrow = scratch.take(to === 'float32' ? 0 : most * 2);
  const tasks = [...grouped(piecesOf(source, from, count, most), PIECES_PER_TASK)].map((group): Task => reader.through(source, group, (floats, { first, columns }) => [
    ...narrowed(to, floats, columns, narrow),
    ['writeFile', target.descriptor, target.position + first * STORED_BYTES[to], to === 'float32' ? floats : narrow, columns * STORED_BYTES[to]],
  ]));
  return { tasks, scratch: scratch.bytes };
}

/** `count` numbers of a file in pieces of at most so many, each with the index of its first. */
export function piecesOf(source: FileRange, stored: StoredFloat, count: number, most: number): (Piece & { readonly first: number })[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => ({ first: i * most, position: source.position + i * most * STORED_BYTES[stored], rows: 1, columns: Math.min(most, count - i * most) }));
}
