import { workerPool, type Task, type TaskValues } from '@onnxpress/kernels';

/** Tasks that go from file to file, and what is to be known when each is done. */
export interface Job {
  readonly tasks: readonly Task[];
  /** Bytes of scratch that a task wants. */
  readonly scratch: number;
  readonly signal: AbortSignal | undefined;
  /** Looks at what a task's calls returned; throws where that means a failure. */
  readonly check: (values: TaskValues) => void;
}

/** What all workers may hold at once, on a machine of many processors too: a disk is read as fast by a few. */
const ROOM = 192 * 2 ** 20;

interface Waiting extends Job {
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;
}

let waiting: Waiting[] = [];
let running: Promise<void> | undefined;

/**
 * Hands a job to the workers, together with what else is asked for in the same turn of the event loop and while others are at work, so that tensors are
 * made side by side. Resolves when its last task is done; rejects with what a task, a check or the signal throws, and then nothing of it runs any more.
 */
export function enqueue(job: Job): Promise<void> {
  return new Promise<void>((done, failed) => {
    waiting.push({ ...job, done, failed });
    running ??= drain();
  });
}

async function drain(): Promise<void> {
  // A batch ends when its last task does, so the first one waits for what comes along with the tensor that began it.
  while (await later()) {
    const { signal } = waiting[0]!;
    const batch = waiting.filter((w) => w.signal === signal);
    waiting = waiting.filter((w) => w.signal !== signal);
    await runBatch(batch, signal);
  }
  running = undefined;
}

/** Whether something is waiting once this turn of the event loop, and the next one, are over. */
async function later(): Promise<boolean> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  return waiting.length > 0;
}

async function runBatch(batch: readonly Waiting[], signal: AbortSignal | undefined): Promise<void> {
  const owner = batch.flatMap((job) => job.tasks.map(() => job));
  const left = new Map(batch.map((job) => [job, job.tasks.length]));
  try {
    for (const job of batch) if (job.tasks.length === 0) job.done();
    await workerPool().run(batch.flatMap((job) => job.tasks), {
      scratch: Math.max(...batch.map((job) => job.scratch)),
      room: ROOM,
      signal,
      onTask(task, values) {
        const job = owner[task]!;
        job.check(values);
        const tasks = left.get(job)! - 1;
        left.set(job, tasks);
        if (tasks === 0) job.done();
      },
    });
  } catch (cause) {
    for (const job of batch) job.failed(cause); // those that are done already do not hear it
  }
}
