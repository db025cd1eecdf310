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

/** Ranges of a task's scratch, one after another, each on a cache line. */
export class ScratchPlan {
  #end = 0;

  take(bytes: number): InScratch {
    const at = this.#end;
    this.#end += Math.ceil(bytes / 64) * 64 + 64; // kernels may read a vector beyond their operands
    return inScratch(at);
  }

  get bytes(): number {
    return this.#end;
  }
}
