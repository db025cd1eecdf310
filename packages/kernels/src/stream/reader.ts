import { type Call, type InScratch } from '../pool/calls.ts';
import { type FileRange, pageAligned, type ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';

/** A piece of a stored matrix: numbers that follow one another, or, with `stride`, rows of `columns` that lie so many bytes apart. */
export interface Piece {
  readonly position: number;
  readonly rows: number;
  readonly columns: number;
  readonly stride?: number;
}

/** Reads pieces of stored numbers as float32, each while kernels work on the one before. */
export class PieceReader {
  readonly #stored: StoredFloat;
  readonly #raw: readonly [InScratch, InScratch];
  readonly #floats: InScratch | undefined;

  /** `most`: the numbers of the largest piece. */
  constructor(stored: StoredFloat, most: number, scratch: ScratchPlan) {
    this.#stored = stored;
    this.#raw = [scratch.takePages(most * STORED_BYTES[stored]), scratch.takePages(most * STORED_BYTES[stored])];
    this.#floats = stored === 'float32' ? undefined : scratch.take(most * 4);
  }

  /** The calls that read all pieces of a file in turn, and after each what `use` makes of its numbers. */
  through<P extends Piece>({ descriptor }: Pick<FileRange, 'descriptor'>, pieces: readonly P[], use: (floats: InScratch, piece: P) => readonly Call[]): Call[] {
    const size = STORED_BYTES[this.#stored];
    const place = (i: number): InScratch => (pieces[i]!.stride === undefined ? pageAligned(this.#raw[i % 2]!, pieces[i]!.position) : this.#raw[i % 2]!);
    const start = (i: number): Call[] => {
      const piece = pieces[i];
      return piece && piece.stride === undefined ? [['startRead', descriptor, piece.position, place(i), piece.rows * piece.columns * size]] : [];
    };
    return start(0).concat(pieces.flatMap((piece, i) => {
      const read: Call = piece.stride === undefined ? ['finishRead'] : ['readRows', descriptor, piece.position, piece.stride, piece.rows, place(i), piece.columns * size];
      const floats = this.#floats ?? place(i);
      return [read, ...start(i + 1), ...widened(this.#stored, place(i), piece.rows * piece.columns, floats), ...use(floats, piece)];
    }));
  }
}

/** Stored numbers as float32 at `floats`; nothing where they are that already. */
export function widened(from: StoredFloat, raw: InScratch, count: number, floats: InScratch): Call[] {
  return from === 'float32' ? [] : [[from === 'float16' ? 'fromFloat16' : 'fromBfloat16', raw, count, floats]];
}

/** The way back. */
export function narrowed(to: StoredFloat, floats: InScratch, count: number, raw: InScratch): Call[] {
  return to === 'float32' ? [] : [[to === 'float16' ? 'toFloat16' : 'toBfloat16', floats, count, raw]];
}

/** Groups of neighbours: pieces that one thread takes together, so that it reads ahead. */
export function* grouped<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
