import { appendFileSync, closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeTensors, type PlacedTensor, type Tensor, type Watch } from '@onnxpress/onnx';
import { ifDiskFull } from '../diagnostics/failure.ts';
import { GrowingHash } from './growing-hash.ts';
import type { BlobRef, Store } from './store.ts';

/** One finished tensor of a file that is not finished: a line of its journal. */
interface Finished {
  readonly offset: number;
  readonly length: number;
  readonly sha256: string;
}

const PIECE = 8 * 2 ** 20;

/**
 * Keeps tensors, at their offsets, as one blob. Each tensor that is finished is noted with the hash of its bytes, so that a run that was killed, and is
 * started again with the same `key`, makes the others only: what is noted and still has that hash is kept as it is. While another process is at the
 * same work, this one does it apart, from the beginning.
 */
export async function keepTensors(store: Store, key: string, placed: readonly PlacedTensor[], watch: Watch = {}): Promise<BlobRef> {
  const last = placed.at(-1);
  const size = last ? last.offset + last.tensor.byteLength : 0;
  const folder = join(store.folder, 'partial');
  const path = join(folder, `${key}.part`);
  let unlock: (() => void) | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    unlock = lock(`${path}.lock`);
  } catch (e) {
    throw ifDiskFull(e, store.folder, () => size);
  }
  if (!unlock) return store.keepFile((descriptor, temporary) => writeTensors(descriptor, temporary, placed, watch), size);
  const journal = `${path}.journal`;
  try {
    const known = existsSync(path) ? readJournal(journal) : [];
    let sha256: string;
    const descriptor = openSync(path, existsSync(path) ? 'r+' : 'wx+');
    try {
      const hash = new GrowingHash(descriptor, placed.map(({ tensor, offset }) => ({ offset, length: tensor.byteLength })));
      const wanted = new Set(placed.map(({ tensor, offset }) => `${offset}+${tensor.byteLength}`));
      const finished = new Set(known.filter((f) => wanted.has(placeOf(f)) && hash.add(f, f.sha256) === f.sha256).map(placeOf));
      writeFileSync(journal, known.filter((f) => finished.has(placeOf(f))).map(line).join(''));
      const left = placed.filter(({ tensor, offset }) => !finished.has(`${offset}+${tensor.byteLength}`));
      const done = placed.reduce((sum, { tensor }) => sum + tensor.byteLength, 0) - left.reduce((sum, { tensor }) => sum + tensor.byteLength, 0);
      const note = (offset: number, length: number): void => appendFileSync(journal, line({ offset, length, sha256: hash.add({ offset, length }) }));
      await writeTensors(descriptor, path, left.map(({ tensor, offset }) => ({ tensor: noting(tensor, () => note(offset, tensor.byteLength)), offset })), {
        signal: watch.signal,
        progress: (at) => watch.progress?.(Math.min(size, done + at), size),
      });
      ftruncateSync(descriptor, size);
      fsyncSync(descriptor);
      sha256 = hash.digest();
    } finally {
      closeSync(descriptor);
    }
    const ref = store.adopt(path, { sha256, size });
    rmSync(journal, { force: true });
    return ref;
  } catch (e) {
    throw ifDiskFull(e, store.folder, () => size);
  } finally {
    unlock();
  }
}

/** The same tensor, writing itself and then saying so. */
function noting(tensor: Tensor, finished: () => void): Tensor {
  return {
    ...tensor,
    async writeTo(descriptor, position, signal) {
      if (tensor.writeTo) await tensor.writeTo(descriptor, position, signal);
      else await copy(tensor, descriptor, position, signal);
      finished();
    },
  };
}

async function copy(tensor: Tensor, descriptor: number, position: number, signal: AbortSignal | undefined): Promise<void> {
  const piece = new Uint8Array(Math.min(PIECE, tensor.byteLength));
  for (let at = 0; at < tensor.byteLength; ) {
    signal?.throwIfAborted();
    const got = tensor.read(piece.subarray(0, Math.min(piece.length, tensor.byteLength - at)), at);
    if (got <= 0) throw new Error(`A ${tensor.dtype} tensor of [${tensor.dims.join(', ')}] ended after ${at} of ${tensor.byteLength} bytes. Do not change a model's files while they are in use.`);
    for (let written = 0; written < got; ) written += writeSync(descriptor, piece, written, got - written, position + at + written);
    at += got;
    await new Promise(setImmediate);
  }
}

const placeOf = ({ offset, length }: Finished): string => `${offset}+${length}`;
const line = (f: Finished): string => `${JSON.stringify(f)}\n`;

/** A line that a killed process left half-written is no line. */
function readJournal(path: string): Finished[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').flatMap((text) => {
    try {
      return [JSON.parse(text) as Finished]; // written by `line`
    } catch {
      return [];
    }
  });
}

/** Takes a lock for this process and gives what releases it; undefined where a living process has it. Throws what the system says where no file can be made. */
function lock(path: string): (() => void) | undefined {
  const release = (): void => rmSync(path, { force: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return release;
    } catch (e) {
      if (!(e instanceof Error && 'code' in e && e.code === 'EEXIST')) {
        release(); // a full disk takes a file's name and none of its bytes
        throw e;
      }
      const holder = Number(existsSync(path) ? readFileSync(path, 'utf8') : 0);
      if (holder > 0 && isAlive(holder)) return undefined;
      release(); // its process was killed
    }
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return e instanceof Error && 'code' in e && e.code === 'EPERM';
  }
}
