import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { checkWhole } from '../error.ts';
import { KERNELS_WASM } from '../kernels.wasm.gen.ts';
import { allocate, machine } from '../memory/machine.ts';
import { wasm } from '../memory/webassembly.ts';
import { runHere, type Task, type TaskValues } from './calls.ts';
import { WORKER_SOURCE } from './worker.ts';

/** Work below this, in nanoseconds as one thread needs them, stays on the calling thread: waking workers and waiting for them costs a tenth of it. */
export const SMALL_WORK = 500_000;

/** Scratch begins at a page. */
const PAGE = 4096;

export interface WorkOptions {
  /** Bytes of scratch that the calls of a task want. */
  readonly scratch?: number;
  /** Scratch of all workers together stays below this, with fewer workers where tasks want much; two work at any price. Default: no bound. */
  readonly room?: number;
  /** What all tasks together take on one thread, roughly. Without it the work goes to the workers. */
  readonly nanoseconds?: number;
  /** Ends the work between two calls; the promise is rejected with the signal's reason once nothing runs any more. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each task when it is done, in the order of being done. */
  readonly onTask?: (task: number, values: TaskValues) => void;
}

interface Seat {
  readonly worker: Worker;
  scratch: number | undefined;
  scratchBytes: number;
}

type Report = { readonly task: number; readonly values: TaskValues } | { readonly finished: true } | Thrown;

interface Thrown {
  readonly error: unknown;
  /** What an error of the system says beside its message: its code, its path. */
  readonly facts?: object;
}

/**
 * Threads that run kernels on the memory of the process. Tasks are taken in their order by whoever is free; since a task's result does not depend on the
 * thread that runs it, the number of workers changes no byte. Pieces of work run one after the other. Workers start with the first work that is not small
 * and keep no process alive.
 */
export class WorkerPool {
  readonly workers: number;
  #seats: Seat[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor({ workers = availableParallelism() }: { readonly workers?: number } = {}) {
    checkWhole('workers', workers, 1, 1024);
    this.workers = workers;
  }

  /** Runs all tasks and gives what their calls returned. Throws what a call throws, with the stack of its thread. */
  async run(tasks: readonly Task[], { scratch = 0, room = Infinity, nanoseconds = Infinity, signal, onTask }: WorkOptions = {}): Promise<TaskValues[]> {
    signal?.throwIfAborted();
    if (nanoseconds < SMALL_WORK || tasks.length === 0) {
      const values = runHere(tasks, scratch, () => signal?.throwIfAborted());
      values.forEach((v, task) => onTask?.(task, v));
      return values;
    }
    const turn = this.#last.then(() => this.#share(tasks, Math.min(this.workers, tasks.length, Math.ceil(nanoseconds / SMALL_WORK), Math.max(2, Math.floor(room / Math.max(scratch, 1)))), scratch, signal, onTask));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the workers, after the work that is under way. New work starts new ones. */
  async dispose(): Promise<void> {
    await this.#last;
    const seats = this.#seats.splice(0);
    await Promise.all(seats.map((seat) => this.#leave(seat)));
  }

  async #share(tasks: readonly Task[], workers: number, scratch: number, signal: AbortSignal | undefined, onTask: WorkOptions['onTask']): Promise<TaskValues[]> {
    signal?.throwIfAborted();
    const seats = this.#seated(workers, scratch);
    const shared = new SharedArrayBuffer(8);
    const stop = (): void => void Atomics.store(new Int32Array(shared), 1, 1);
    const values: TaskValues[] = [];
    let failure: { readonly error: unknown } | undefined;
    const done = (task: number, v: TaskValues): void => {
      values[task] = v;
      try {
        onTask?.(task, v);
      } catch (error) {
        failure ??= { error };
        stop();
      }
    };
    signal?.addEventListener('abort', stop);
    const ends = await Promise.allSettled(seats.map((seat) => this.#work(seat, { tasks, scratch: Math.ceil(seat.scratch! / PAGE) * PAGE, shared }, done).catch((error: unknown) => {
      stop();
      throw error;
    })));
    signal?.removeEventListener('abort', stop);
    if (failure !== undefined) throw failure.error;
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    signal?.throwIfAborted();
    return values;
  }

  /** So many workers, each with a scratch of this size at least. */
  #seated(count: number, bytes: number): Seat[] {
    while (this.#seats.length < count) this.#seats.push(this.#start());
    const seats = this.#seats.slice(0, count);
    for (const seat of seats) {
      if (seat.scratchBytes >= bytes && seat.scratch !== undefined) continue;
      if (seat.scratch !== undefined) machine().allocator.release(seat.scratch);
      seat.scratch = undefined;
      seat.scratch = allocate(bytes + PAGE);
      seat.scratchBytes = bytes;
    }
    return seats;
  }

  #start(): Seat {
    const { memory } = machine();
    const module = new wasm.Module(Buffer.from(KERNELS_WASM, 'base64'));
    // No flags and no environment of the process: loaders and reporters have nothing to do there.
    const worker = new Worker(WORKER_SOURCE, { eval: true, name: 'onnxpress kernels', execArgv: [], env: {}, workerData: { module, memory } });
    worker.unref();
    return { worker, scratch: undefined, scratchBytes: 0 };
  }

  #work(seat: Seat, message: object, done: (task: number, values: TaskValues) => void): Promise<void> {
    const { worker } = seat;
    return new Promise<void>((resolve, reject) => {
      const settle = (act: () => void): void => {
        worker.off('message', onMessage).off('error', onLoss).off('exit', onExit);
        worker.unref();
        act();
      };
      const onMessage = (report: Report): void => {
        if ('task' in report) done(report.task, report.values);
        else if ('error' in report) settle(() => reject(fromWorker(report)));
        else settle(resolve);
      };
      const onLoss = (error: unknown): void => {
        this.#seats = this.#seats.filter((s) => s !== seat);
        settle(() => void this.#leave(seat).then(() => reject(fromWorker({ error }))));
      };
      const onExit = (code: number): void => onLoss(new Error(`A worker ended with exit code ${code} in the middle of its work.`));
      worker.on('message', onMessage).on('error', onLoss).on('exit', onExit);
      worker.ref();
      worker.postMessage(message);
    });
  }

  async #leave(seat: Seat): Promise<void> {
    await seat.worker.terminate();
    if (seat.scratch !== undefined) machine().allocator.release(seat.scratch);
  }
}

/** What a worker threw: cloning keeps message and stack, and loses the class of errors of our own and what the system said. */
function fromWorker({ error, facts }: Thrown): Error {
  return error instanceof Error ? Object.assign(error, facts) : new Error(`A worker failed: ${String(error)}`);
}

let shared: WorkerPool | undefined;

/** The pool of this process: as many workers as there are processors. */
export function workerPool(): WorkerPool {
  shared ??= new WorkerPool();
  return shared;
}
