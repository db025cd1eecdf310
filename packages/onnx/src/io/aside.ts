import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { piecesOf } from '../ir/pieces.ts';
import type { Tensor } from '../ir/tensor.ts';
import { heldFile } from './held-file.ts';
import { storedTensor } from './stored-tensor.ts';
import type { FileSource } from '../wire/source.ts';

/**
 * A file for tensors that would fill the memory: what is put there reads the same from the disk. The file has no name where the system allows that, and goes
 * when nobody holds its tensors any more; elsewhere `dispose` removes it.
 */
export class Aside {
  readonly #folder: string;
  #file: { readonly path: string; readonly descriptor: number; readonly source: FileSource } | undefined;
  #end = 0;

  /** `folder` is made where it is missing. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The same numbers, on the disk. Throws what the system says where it cannot be written. */
  put(tensor: Tensor): Tensor {
    const { descriptor, source } = (this.#file ??= this.#open());
    const start = this.#end;
    for (const piece of piecesOf(tensor)) {
      for (let done = 0; done < piece.length; ) done += writeSync(descriptor, piece, done, piece.length - done, this.#end + done);
      this.#end += piece.length;
    }
    return storedTensor(tensor.dtype, tensor.dims, source, start);
  }

  /** No more tensors are put there; those that were stay readable. */
  dispose(): void {
    if (!this.#file) return;
    closeSync(this.#file.descriptor);
    remove(this.#file.path);
    this.#file = undefined;
  }

  #open(): { path: string; descriptor: number; source: FileSource } {
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `aside-${randomUUID()}.tmp`);
    const descriptor = openSync(path, 'wx');
    const source = heldFile(path);
    if (process.platform !== 'win32') remove(path); // open files stay readable there
    return { path, descriptor, source };
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // somebody still reads it on a system that keeps such files; it lies among temporary ones
  }
}
