import { dirname } from 'node:path';
import { OnnxError } from '../error.ts';
import type { FileSystem } from './file-system.ts';

/** The error for a full disk: how much is missing, where the system tells. */
export function diskFull(system: FileSystem, path: string, left: number, cause: unknown): OnnxError {
  let free: number | undefined;
  quietly(() => (free = system.freeBytes(dirname(path))));
  const missing = free === undefined ? `${left} bytes were still to be written` : `${Math.max(left - free, 1)} bytes more are needed than the ${free} that are free`;
  return new OnnxError('io', `"${path}" cannot be written: the disk is full; ${missing}. Free some space or write to another disk. The old file, if there was one, is as it was.`, { cause });
}

/** Calls `act`; what it throws becomes an `io` error about `path`. */
export function attempt<T>(path: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw failure(path, what, cause);
  }
}

/** The `io` error for what the system said. */
export const failure = (path: string, what: string, cause: unknown): OnnxError =>
  new OnnxError('io', `"${path}" ${what}: ${cause instanceof Error ? cause.message : String(cause)}. Check that the folder is there and that you may write to it.`, { cause });

/** The system's name for what went wrong: ENOSPC, EEXIST. */
export const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** For cleaning up: a second failure must not hide the first. */
export function quietly(act: () => unknown): void {
  try {
    act();
  } catch {
    // what remains is a file beside the output, named after it
  }
}
