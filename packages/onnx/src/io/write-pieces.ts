import { OnnxError } from '../error.ts';
import type { Tensor } from '../ir/tensor.ts';
import { filePiecesOf, type Part } from '../wire/writer.ts';
import { partOf } from './payload.ts';
import { codeOf, diskFull, failure } from './disk.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import type { NewFile, Watch } from './replace-files.ts';

/** A tensor, and where in a file its bytes begin. */
export interface PlacedTensor {
  readonly tensor: Tensor;
  readonly offset: number;
}

/** How many parts that write themselves are asked for at once: so many that all cores are busy nearly to the end. */
const MOST_AT_ONCE = 512;

/** After so many bytes the disk begins to take them: a system that gathers them in memory would make everybody wait for all of them at the end. */
const FLUSHED = 64 * 2 ** 20;

/**
 * Writes tensors, in the order of their offsets, into an open file that begins at `offset` 0; tensors that write themselves do so side by side.
 * `path` is for messages. Throws `io`, `truncated`, and the signal's reason.
 */
export async function writeTensors(descriptor: number, path: string, placed: readonly PlacedTensor[], { signal, progress }: Watch = {}): Promise<void> {
  const last = placed.at(-1);
  const size = last ? last.offset + last.tensor.byteLength : 0;
  let done = 0;
  const wrote = (bytes: number): void => {
    done += bytes;
    progress?.(done, size);
  };
  await writePieces({ path, pieces: () => filePiecesOf(partsAt(placed), size) }, nodeFileSystem, descriptor, signal, wrote, () => size - done);
}

/** Tensors at their offsets as the parts of a file. What is in between is left as it is: zeros, in a new file. */
export function* partsAt(tensors: Iterable<PlacedTensor>): Generator<Part> {
  let end = 0;
  for (const { tensor, offset } of tensors) {
    if (offset > end) yield gap(offset - end);
    yield partOf(tensor);
    end = offset + tensor.byteLength;
  }
}

/** In memory it is zeros; in a file nothing is written there. */
const gap = (length: number): Part => ({
  length,
  what: 'Padding',
  read(into, offset) {
    const count = Math.min(into.length, length - offset);
    into.fill(0, 0, count);
    return count;
  },
  writeTo: () => Promise.resolve(),
});

/** Writes one file from front to back, while parts that write themselves do so beside it. Returns, or throws, when all of them have ended. */
export async function writePieces({ path, pieces }: Pick<NewFile, 'path' | 'pieces'>, system: FileSystem, descriptor: number, signal: AbortSignal | undefined, wrote: (bytes: number) => void, left: () => number): Promise<void> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const running = new Set<Promise<void>>();
  let failed: { readonly cause: unknown } | undefined;
  let position = 0;
  let waiting = 0;
  let flushing: Promise<void> | undefined;
  const put = (bytes: number): void => {
    wrote(bytes);
    waiting += bytes;
    if (waiting < FLUSHED || flushing || !system.flush) return;
    waiting = 0;
    flushing = system.flush(descriptor).catch((cause: unknown) => void (failed ??= { cause })).finally(() => (flushing = undefined));
  };
  try {
    for (const piece of pieces()) {
      signal?.throwIfAborted();
      if (failed) break;
      if (piece instanceof Uint8Array) {
        writeAll(system, descriptor, piece, position, path, left());
        put(piece.length);
        await new Promise(setImmediate); // others get their turn, whoever aborts among them
      } else {
        const job: Promise<void> = piece.writeTo(descriptor, position, either).then(() => put(piece.length), (cause: unknown) => void (failed ??= { cause })).finally(() => running.delete(job));
        running.add(job);
        while (running.size >= MOST_AT_ONCE) await Promise.race(running);
      }
      position += piece.length;
    }
    await Promise.all(running);
    await flushing;
    if (failed) throw codeOf(failed.cause) === 'ENOSPC' ? diskFull(system, path, left(), failed.cause) : failed.cause;
  } finally {
    stop.abort();
    await Promise.allSettled([...running, flushing]); // the descriptor must not be closed under them
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
