import { type InScratch, inScratch } from '../pool/calls.ts';

/** Where the numbers of a tensor are in an open file. */
export interface FileRange {
  readonly descriptor: number;
  readonly position: number;
}

/** Numbers as they are stored; all are float32 for a kernel. */
export type StoredFloat = 'float32' | 'float16' | 'bfloat16';

export const STORED_BYTES: Readonly<Record<StoredFloat, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/** About this much of a file is read at a time: enough for the disk's own reading ahead, little enough for several threads. */
export const PIECE_BYTES = 8 * 2 ** 20;

/** So many pieces of a tensor whose results do not depend on each other are one task. */
export const PIECES_PER_TASK = 8;

const PAGE = 4096;

/** Where in a range of `takePages` the bytes from this position of a file go: as far behind the beginning of a page as in the file, so that pages can be read as they are. */
export function pageAligned({ scratch }: InScratch, position: number): InScratch {
  return inScratch(scratch + (position % PAGE));
}

/** Ranges of a task's scratch, one after another, each on a cache line. */
export class ScratchPlan {
  #end = 0;

  take(bytes: number): InScratch {
    const at = this.#end;
    this.#end += Math.ceil(bytes / 64) * 64 + 64; // kernels may read a vector beyond their operands
    return inScratch(at);
  }

  /** A range that begins at a page, with room for one page more: see `pageAligned`. */
  takePages(bytes: number): InScratch {
    this.#end = Math.ceil(this.#end / PAGE) * PAGE;
    return this.take(bytes + PAGE);
  }

  get bytes(): number {
    return this.#end;
  }
}
