import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { EXIT } from '../diagnostics/errors.ts';
import { THREAD_SOURCE } from './thread-source.ts';

const [OPEN, STOP] = [0, 1];

/** How long an interrupted process waits for a run that cannot be interrupted before it ends itself. */
const PATIENCE_MS = 300;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * A thread for the sessions of onnxruntime. Calls are answered in their order. It keeps the process alive while a call is open, and not otherwise.
 * What JavaScript can do wrong in it, memory that runs out included, fails the open calls; native code that crashes ends the process as it would anywhere.
 *
 * No thread is ended by force: to pull it away under native code aborts the process. Who does not want to wait leaves it (`abandon`); it then ends by itself
 * once its run does.
 */
export class Thread {
  readonly #worker: Worker;
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #pending = new Map<number, Pending>();
  readonly #over: Promise<void>;
  #calls = 0;
  #end: Error | undefined;

  constructor() {
    const library = createRequire(import.meta.url).resolve('onnxruntime-node');
    this.#worker = new Worker(THREAD_SOURCE, { eval: true, workerData: { library, state: this.#state }, execArgv: [], stdin: false });
    this.#worker.unref();
    this.#worker.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: Error }) => this.#settle(id, (p) => (error === undefined ? p.resolve(value) : p.reject(error))));
    this.#worker.on('error', (e) => this.#fail(new Error(`the thread that runs models ended: ${e instanceof Error ? e.message : String(e)}`, { cause: e })));
    this.#over = new Promise((resolve) => this.#worker.on('exit', () => {
      alive.delete(this);
      this.#fail(new Error('the thread that runs models has ended'));
      resolve();
    }));
    if (alive.size === 0 && !watching) watchTheEnd();
    alive.add(this);
  }

  /** Whether it takes calls. */
  get works(): boolean {
    return this.#end === undefined;
  }

  /** Whether a call is not answered yet, asked of the thread itself. */
  get busy(): boolean {
    return alive.has(this) && Atomics.load(this.#state, OPEN) > 0;
  }

  /** Resolves when the thread has ended. Who waits for that keeps the process alive. */
  get over(): Promise<void> {
    this.#worker.ref();
    return this.#over;
  }

  call(act: string, call: object, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const id = this.#calls++;
      Atomics.add(this.#state, OPEN, 1);
      this.#worker.postMessage({ id, act, ...call }, transfer);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  /** Takes no more calls, and ends when the open ones are answered. */
  end(): void {
    this.#end ??= new Error('the thread that runs models was ended');
    Atomics.store(this.#state, STOP, 1);
    if (!this.busy) void this.#worker.terminate(); // it waits in JavaScript
  }

  /** Fails the open calls at once, with this reason. What runs natively runs on, and then the thread ends. */
  abandon(reason: Error): void {
    this.end();
    this.#fail(reason);
    this.#worker.unref();
  }

  /** Blocks until no call is open, or for so long. */
  wait(ms: number): void {
    const until = performance.now() + ms;
    for (let left = ms; this.busy && left > 0; left = until - performance.now()) Atomics.wait(this.#state, OPEN, Atomics.load(this.#state, OPEN), Math.min(left, 1000));
  }

  #settle(id: number, act: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (pending !== undefined) act(pending);
  }

  #fail(error: Error): void {
    this.#end = error;
    for (const id of [...this.#pending.keys()]) this.#settle(id, (p) => p.reject(error));
  }
}

const alive = new Set<Thread>();
let watching = false;

/**
 * A process that ends under native code of a thread aborts, so its end waits for that. Not if somebody interrupted it: they want their prompt back. Since
 * nothing ends a thread there, the process then ends itself by the signal, which shells report as 130.
 */
function watchTheEnd(): void {
  watching = true;
  process.on('exit', (code) => {
    const interrupted = (process.exitCode ?? code) === EXIT.interrupted;
    for (const thread of alive) thread.wait(interrupted ? PATIENCE_MS : Infinity);
    if (![...alive].some((thread) => thread.busy)) return;
    process.removeAllListeners('SIGINT');
    process.kill(process.pid, 'SIGINT');
  });
}
