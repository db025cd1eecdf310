import { basename, dirname, join } from 'node:path';
import { OnnxError } from '../error.ts';
import type { SelfWriting } from '../wire/writer.ts';
import type { FileSystem } from './file-system.ts';

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

/** Writes one file from front to back, while parts that write themselves do so beside it. Returns, or throws, when all of them have ended. */
async function writePieces(file: NewFile, system: FileSystem, descriptor: number, signal: AbortSignal | undefined, wrote: (bytes: number) => void, left: () => number): Promise<void> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const running = new Set<Promise<void>>();
  let failed: { readonly cause: unknown } | undefined;
  let position = 0;
  try {
    for (const piece of file.pieces()) {
      signal?.throwIfAborted();
      if (failed) break;
      if (piece instanceof Uint8Array) {
        writeAll(system, descriptor, piece, position, file.path, left());
        wrote(piece.length);
        await new Promise(setImmediate); // others get their turn, whoever aborts among them
      } else {
        const job: Promise<void> = piece.writeTo(descriptor, position, either).then(() => wrote(piece.length), (cause: unknown) => void (failed ??= { cause })).finally(() => running.delete(job));
        running.add(job);
        while (running.size >= MOST_AT_ONCE) await Promise.race(running);
      }
      position += piece.length;
    }
    await Promise.all(running);
    if (failed) throw codeOf(failed.cause) === 'ENOSPC' ? diskFull(system, file.path, left(), failed.cause) : failed.cause;
  } finally {
    stop.abort();
    await Promise.allSettled(running); // the descriptor must not be closed under them
  }
}

/** How many parts that write themselves are under way at once: enough to keep every core busy. */
const MOST_AT_ONCE = 64;

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

function writeAll(system: FileSystem, descriptor: number, bytes: Uint8Array, position: number, path: string, left: number): void {
  for (let at = 0; at < bytes.length; ) {
    let got: number;
    try {
      got = system.write(descriptor, bytes.subarray(at), position + at);
    } catch (cause) {
      throw codeOf(cause) === 'ENOSPC' ? diskFull(system, path, left - at, cause) : failure(path, 'cannot be written', cause);
    }
    if (got <= 0) throw new OnnxError('io', `"${path}" cannot be written: the system takes no more bytes. Write to another disk.`);
    at += got;
  }
}

function diskFull(system: FileSystem, path: string, left: number, cause: unknown): OnnxError {
  let free: number | undefined;
  quietly(() => (free = system.freeBytes(dirname(path))));
  const missing = free === undefined ? `${left} bytes were still to be written` : `${Math.max(left - free, 1)} bytes more are needed than the ${free} that are free`;
  return new OnnxError('io', `"${path}" cannot be written: the disk is full; ${missing}. Free some space or write to another disk. The old file, if there was one, is as it was.`, { cause });
}

function attempt<T>(path: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw failure(path, what, cause);
  }
}

const failure = (path: string, what: string, cause: unknown): OnnxError =>
  new OnnxError('io', `"${path}" ${what}: ${cause instanceof Error ? cause.message : String(cause)}. Check that the folder is there and that you may write to it.`, { cause });

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** For cleaning up: a second failure must not hide the first. */
function quietly(act: () => unknown): void {
  try {
    act();
  } catch {
    // what remains is a file beside the output, named after it
  }
}
