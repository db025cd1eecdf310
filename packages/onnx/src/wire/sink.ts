import { writeSync } from 'node:fs';
import { OnnxError } from '../error.ts';

/** Where bytes go, in order. The array is the writer's and is used again after `write` returns: keep a copy, not the array. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

/** Writes to an open file at its current position. `name` is for messages; opening, syncing and closing are the caller's. */
export function fileSink(descriptor: number, name: string): ByteSink {
  return {
    write(bytes) {
      for (let done = 0; done < bytes.length; ) {
        try {
          done += writeSync(descriptor, bytes, done, bytes.length - done);
        } catch (cause) {
          throw new OnnxError('io', `"${name}" cannot be written: ${cause instanceof Error ? cause.message : String(cause)}. Check the free space and that you may write there.`, { cause });
        }
      }
    },
  };
}

/** Collects what is written. */
export function memorySink(): ByteSink & { bytes(): Uint8Array } {
  const parts: Uint8Array[] = [];
  return {
    write: (bytes) => void parts.push(bytes.slice()),
    bytes() {
      const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        all.set(part, at);
        at += part.length;
      }
      return all;
    },
  };
}
