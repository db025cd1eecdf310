import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TextError } from './error.ts';

/** Where a tokenizer's files come from: a model's folder, or files that travel with a model in memory. */
export interface TextFiles {
  /** How messages name the place: a folder, or "the files of model.onnx". */
  readonly place: string;
  /** The bytes of the file of that name, or undefined where there is none. */
  read(name: string): Promise<Uint8Array | undefined>;
}

/** The files of a folder. A name that is absent reads as undefined; any other failure is a TextError (`unreadable-file`). */
export function folderFiles(folder: string): TextFiles {
  return {
    place: folder,
    async read(name) {
      try {
        return await readFile(join(folder, name));
      } catch (cause) {
        if (isAbsent(cause)) return undefined;
        throw new TextError('unreadable-file', `${join(folder, name)} cannot be read: ${String(cause)}. Check that it is a file you may read.`, { cause });
      }
    },
  };
}

/** Files in memory, by name; `place` is what messages call them. */
export function memoryFiles(files: ReadonlyMap<string, Uint8Array | Blob>, place: string): TextFiles {
  return {
    place,
    async read(name) {
      const file = files.get(name);
      return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
    },
  };
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
}
