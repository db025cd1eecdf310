import { readSync, writeSync } from 'node:fs';
import { type RawKernels } from '../kernels.wasm.gen.ts';
import { sharedBuffer, withBuffers } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';

/** What a task may call: the raw kernels, and files by descriptor, for which the memory of the kernels is the only buffer. */
export interface Callable extends RawKernels {
  /** Fills `bytes` bytes at `pointer` from a file; throws where the file ends before. */
  readFile(descriptor: number, position: number, pointer: number, bytes: number): void;
  writeFile(descriptor: number, position: number, pointer: number, bytes: number): void;
  /** Begins to read as `readFile` does, at most one range at a time; nobody may look at it before `finishRead`. On the calling thread it reads at once. */
  startRead(descriptor: number, position: number, pointer: number, bytes: number): void;
  finishRead(): void;
  /** Fills `rows` times `bytes` bytes, one after another at `pointer`, from places that are `stride` bytes apart in a file: a strip of columns of a matrix. */
  readRows(descriptor: number, position: number, stride: number, rows: number, pointer: number, bytes: number): void;
}

/** An address in the scratch of whichever thread makes the call. */
export interface InScratch {
  readonly scratch: number;
}

export function inScratch(offset = 0): InScratch {
  return { scratch: offset };
}

type Arguments<F> = F extends (...parameters: infer P) => unknown ? { readonly [I in keyof P]: number | InScratch } : never;

/** A call that can be sent to a worker: a name and numbers. */
export type Call = { [K in keyof Callable]: readonly [kernel: K, ...parameters: Arguments<Callable[K]>] }[keyof Callable];

/** Calls that are made in order, on one thread. Tasks of one piece of work may run in any order and at the same time. */
export type Task = readonly Call[];

/** What each call of a task returned; undefined where it returns nothing. */
export type TaskValues = readonly (number | undefined)[];

/** Runs tasks on the calling thread, in order. `scratch`: the bytes that their calls want. */
export function runHere(tasks: readonly Task[], scratch: number, before: () => void = () => undefined): TaskValues[] {
  const callable = { ...machine().kernels, readFile, readRows, writeFile, startRead: readFile, finishRead() {} } as unknown as Record<string, (...parameters: number[]) => number | undefined>; // a Call has the parameters of the function it names
  return withBuffers([scratch], ([base]) => tasks.map((task) => task.map(([kernel, ...parameters]) => {
    before();
    return callable[kernel]!(...parameters.map((p) => (typeof p === 'number' ? p : base! + p.scratch)));
  })));
}

function readFile(descriptor: number, position: number, pointer: number, bytes: number): void {
  const into = new Uint8Array(sharedBuffer(), pointer, bytes);
  for (let done = 0; done < bytes;) {
    const count = readSync(descriptor, into, done, bytes - done, position + done);
    if (count === 0) throw new Error(`The file ends at ${position + done}, and ${bytes - done} bytes more were to be read. Was it changed meanwhile?`);
    done += count;
  }
}

function readRows(descriptor: number, position: number, stride: number, rows: number, pointer: number, bytes: number): void {
  for (let row = 0; row < rows; row++) readFile(descriptor, position + row * stride, pointer + row * bytes, bytes);
}

function writeFile(descriptor: number, position: number, pointer: number, bytes: number): void {
  const from = new Uint8Array(sharedBuffer(), pointer, bytes);
  for (let done = 0; done < bytes;) done += writeSync(descriptor, from, done, bytes - done, position + done);
}
