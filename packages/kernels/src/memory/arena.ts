import { allocate, machine } from './machine.ts';

/** The arrays that kernels read and write. */
export type NumericArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** Arrays in the memory of the kernels: filled in place (also by fs.readSync), read by kernels without a copy, gone with the arena. */
export interface Arena {
  float32(length: number): Float32Array;
  float64(length: number): Float64Array;
  int8(length: number): Int8Array;
  uint8(length: number): Uint8Array;
  uint16(length: number): Uint16Array;
  int32(length: number): Int32Array;
  uint32(length: number): Uint32Array;
}

/**
 * Runs `work` with an arena and releases all of its arrays afterwards: when `work` returns or throws, or, if it returns a promise, when that settles.
 * Arrays start with whatever was there before. Do not keep them: their place is given to the next arena.
 */
export function withArena<T>(work: (arena: Arena) => T): T {
  const taken: number[] = [];
  const release = (): void => {
    for (const pointer of taken.splice(0)) machine().allocator.release(pointer);
  };
  const take = (bytes: number): [SharedArrayBuffer, number] => {
    const pointer = allocate(bytes);
    taken.push(pointer);
    return [sharedBuffer(), pointer];
  };
  const arena: Arena = {
    float32: (n) => new Float32Array(...take(n * 4), n),
    float64: (n) => new Float64Array(...take(n * 8), n),
    int8: (n) => new Int8Array(...take(n), n),
    uint8: (n) => new Uint8Array(...take(n), n),
    uint16: (n) => new Uint16Array(...take(n * 2), n),
    int32: (n) => new Int32Array(...take(n * 4), n),
    uint32: (n) => new Uint32Array(...take(n * 4), n),
  };
  let result: T;
  try {
    result = work(arena);
  } catch (error) {
    release();
    throw error;
  }
  if (!(result instanceof Promise)) {
    release();
    return result;
  }
  return result.finally(release) as T; // T is this very promise's type
}

/** Runs `work` with pointers to ranges of these sizes in bytes, and releases them. For raw kernels. */
export function withBuffers<T>(sizes: readonly number[], work: (pointers: readonly number[]) => T): T {
  return withArena((arena) => work(sizes.map((bytes) => arena.uint8(bytes).byteOffset)));
}

/** Buffers that were the memory's at some time: it keeps its place when it grows, but shows itself through a new object. */
const known = new WeakSet<ArrayBufferLike>();

/** The memory's bytes as they are now. */
export function sharedBuffer(): SharedArrayBuffer {
  const { buffer } = machine().memory;
  known.add(buffer);
  return buffer;
}

/** Where an array lies in the memory of the kernels, or undefined where it lies elsewhere. */
export function pointerOf(view: NumericArray): number | undefined {
  return known.has(view.buffer) ? view.byteOffset : undefined;
}
