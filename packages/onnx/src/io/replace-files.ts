import { basename, dirname, join } from 'node:path';
import type { SelfWriting } from '../wire/writer.ts';
import { attempt, codeOf, quietly } from './disk.ts';
import type { FileSystem } from './file-system.ts';
import { writePieces } from './write-pieces.ts';

/** How writing goes on. */
export interface Watch {
  /** Ends the writing with the signal's reason; nothing has changed then. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each piece, with bytes. */
  readonly progress?: ((done: number, of: number) => void) | undefined;
}

/** New content of one file. */
export interface NewFile {
  readonly path: string;
  readonly size: number;
  readonly pieces: () => Iterable<Uint8Array | SelfWriting>;
}

/**
 * Writes files that belong together beside their targets, and puts them in their places, in order, when all are safely on the
 * disk. Whatever fails or stops it on the way, the old files are there as they were and no others are left behind; only a machine that dies
 * between two renames can leave new and old side by side. Old files are never written to: who has them open reads on.
 */
export async function replaceFiles(files: readonly NewFile[], system: FileSystem, { signal, progress }: Watch = {}): Promise<void> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const temporary: string[] = [];
  let done = 0;
  try {
    for (const file of files) {
      const { path, descriptor } = createBeside(file.path, system);
      temporary.push(path);
      try {
        await writePieces(file, system, descriptor, signal, (written) => {
          done += written;
          progress?.(done, total);
        }, () => total - done);
        attempt(file.path, 'cannot be written', () => system.sync(descriptor));
      } finally {
        system.close(descriptor);
      }
    }
    signal?.throwIfAborted();
    putInPlace(files, temporary, system);
  } finally {
    for (const path of temporary) quietly(() => system.remove(path));
  }
}

function putInPlace(files: readonly NewFile[], temporary: readonly string[], system: FileSystem): void {
  const undo: (() => void)[] = [];
  const old: string[] = [];
  try {
    files.forEach((file, i) => {
      const backup = i < files.length - 1 && system.exists(file.path) ? keepOld(file.path, system) : undefined;
      if (backup) old.push(backup);
      attempt(file.path, 'cannot be replaced', () => system.rename(temporary[i]!, file.path));
      undo.push(() => (backup ? system.rename(backup, file.path) : system.remove(file.path)));
    });
  } catch (cause) {
    for (const step of undo.reverse()) quietly(step);
    throw cause;
  } finally {
    for (const path of old) quietly(() => system.remove(path));
  }
  for (const folder of new Set(files.map((file) => dirname(file.path)))) quietly(() => system.syncFolder(folder));
}

/** Gives the old file a second name, under which it survives being replaced, or that name alone where files have one name only. */
function keepOld(path: string, system: FileSystem): string {
  const keep = (name: string): void => {
    try {
      system.link(path, name);
    } catch (cause) {
      if (codeOf(cause) === 'EEXIST') throw cause;
      system.rename(path, name);
    }
  };
  return attempt(path, 'cannot be replaced', () => withFreeName(path, 'old', keep).path);
}

function createBeside(path: string, system: FileSystem): { path: string; descriptor: number } {
  const { path: name, result } = attempt(path, 'cannot be written', () => withFreeName(path, 'tmp', (name) => system.create(name)));
  return { path: name, descriptor: result };
}

/** Calls `make` with a name beside `path` that is not taken. */
function withFreeName<T>(path: string, ending: string, make: (name: string) => T): { path: string; result: T } {
  for (let i = 1; ; i++) {
    const name = join(dirname(path), `.${basename(path)}.${process.pid}-${i}.${ending}`);
    try {
      return { path: name, result: make(name) };
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST' || i === 1000) throw cause;
    }
  }
}
