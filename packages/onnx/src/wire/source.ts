import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { OnnxError } from '../error.ts';

/** Bytes that can be read at any position. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** For messages: the path, or what the bytes are. */
  readonly name: string;
  /** Copies bytes from `position` on into `into` and returns how many: fewer than asked only where the source ends. */
  read(into: Uint8Array, position: number): number;
  close?(): void;
}

/** The source of a file, which knows where it lies. */
export interface FileSource extends ByteSource {
  /** Absolute path. */
  readonly path: string;
  /** For whoever reads on another thread, while this source is held. */
  readonly descriptor: number;
  close(): void;
}

/** The operating system moves at most this much in one call. */
const LARGEST_CALL = 2 ** 30;

/** Bytes in memory, shared, not copied. */
export function memorySource(bytes: Uint8Array, name = 'the bytes in memory'): ByteSource {
  return {
    size: bytes.length,
    name,
    read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** Opens a file for reading in ranges, of any size. The caller closes it. Throws `io` when it is missing or not a file. */
export function fileSource(file: string): FileSource {
  const path = resolve(file);
  const descriptor = attempt(path, () => openSync(path, 'r'));
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new OnnxError('io', `"${path}" is not a file. Name the file itself.`);
  }
  let open = true;
  return {
    size: stat.size,
    name: path,
    path,
    descriptor,
    read(into, position) {
      if (!open) throw new OnnxError('io', `"${path}" was read after it was closed. Keep the model open while its tensors are in use.`);
      let done = 0;
      while (done < into.length) {
        const got = attempt(path, () => readSync(descriptor, into, done, Math.min(into.length - done, LARGEST_CALL), position + done));
        if (got === 0) break;
        done += got;
      }
      return done;
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new OnnxError('io', `"${path}" cannot be read: ${cause instanceof Error ? cause.message : String(cause)}. Check that it exists and that you may read it.`, { cause });
  }
}
