import { type Arena, pointerOf } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { type Call, type InScratch, inScratch } from '../pool/calls.ts';
import { type WorkerPool, workerPool } from '../pool/pool.ts';

/** What all functions of linear algebra take. */
export interface Parallel {
  /** Default: the pool of the process. */
  readonly pool?: WorkerPool | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Multiplications with addition that one thread does in a nanosecond, roughly: for the estimate of what is worth a worker. */
const PER_NANOSECOND = 16;

export function nanoseconds(multiplyAdds: number): number {
  return multiplyAdds / PER_NANOSECOND;
}

export function poolOf({ pool }: Parallel): WorkerPool {
  return pool ?? workerPool();
}

/** A float32 matrix in the memory of the kernels, or a part of one: where it starts, and how many elements lie from row to row. */
export interface Block {
  readonly pointer: number;
  readonly stride: number;
}

/** The same in the scratch of the thread that works on it. */
export interface ScratchBlock {
  readonly pointer: InScratch;
  readonly stride: number;
}

export function blockAt({ pointer, stride }: Block, row: number, column: number): Block {
  return { pointer: pointer + (row * stride + column) * 4, stride };
}

/** The call c [m, n] = alpha * op(a) op(b) + beta * c. Results (i, j) with j > i + `reach` may be missing. `scratch`: where its own scratch begins. */
export function product(m: number, n: number, k: number, a: Block, b: Block | ScratchBlock, c: Block, { transA = false, transB = false, alpha = 1, beta = 0, reach = n, scratch = 0 } = {}): Call {
  return ['multiply', +transA, +transB, m, n, k, alpha, a.pointer, a.stride, b.pointer, b.stride, beta, c.pointer, c.stride, reach, inScratch(scratch)];
}

export function productScratch(m: number, n: number, k: number): number {
  return machine().kernels.multiplyScratch(m, n, k);
}

/** The same numbers in the memory of the kernels: the array itself where it lies there, else a copy. */
export function resident(arena: Arena, view: Float32Array): Float32Array {
  if (pointerOf(view) !== undefined) return view;
  const inside = arena.float32(view.length);
  inside.set(view);
  return inside;
}

/** An array in the memory of the kernels for a result that goes to `out` in the end: `out` itself where it lies there. */
export function residentResult(arena: Arena, out: Float32Array): Float32Array {
  return pointerOf(out) === undefined ? arena.float32(out.length) : out;
}

/** [start, length] of the pieces of a range. */
export function pieces(length: number, size: number): (readonly [start: number, length: number])[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => [i * size, Math.min(size, length - i * size)] as const);
}
