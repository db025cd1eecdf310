import type { Worker, WorkerOptions } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { type Task } from './calls.ts';
import { WorkerPool } from './pool.ts';

const made = vi.hoisted(() => ({ workers: [] as Worker[], change: (source: string) => source }));
vi.mock('node:worker_threads', async (original) => {
  const actual = await original<{ readonly Worker: typeof Worker }>();
  return {
    ...actual,
    Worker: class extends actual.Worker {
      constructor(source: string, options: WorkerOptions) {
        super(made.change(source), options);
        made.workers.push(this);
      }
    },
  };
});

afterEach(() => {
  made.workers = [];
  made.change = (source) => source;
});

/** Reversing so many numbers takes a worker a millisecond or more. */
const MANY = 2 ** 20;
const quick: Task[] = [[['multiplyScratch', 4, 8, 1]], [['multiplyScratch', 4, 8, 1]]];

/** Runs long work on two workers, of which one is lost on the way, then goes on with the same pool. */
async function expectLoss(lose: () => void, message: string | RegExp): Promise<void> {
  const used = machine().allocator.used;
  const pool = new WorkerPool({ workers: 2 });
  try {
    await withArena(async (arena) => {
      const place = arena.float32(MANY);
      const done: number[] = [];
      const tasks = Array.from({ length: 5000 }, (): Task => [['reverse', place.byteOffset, MANY]]);
      await expect(pool.run(tasks, { scratch: 1000, onTask: (task) => done.push(task) === 2 && lose() })).rejects.toThrow(message);
      expect(done.length).toBeLessThan(tasks.length); // the other worker has stopped too
    });
    expect(await pool.run(quick, { scratch: 1000 })).toHaveLength(2);
  } finally {
    await pool.dispose();
  }
  expect(machine().allocator.used).toBe(used);
}

test('a worker that is ended from outside is an error for the caller, and the pool goes on with a new one', async () => {
  await expectLoss(() => void made.workers[0]!.terminate(), /^A worker ended with exit code [01] in the middle of its work\.$/); // 0 where it was waiting for its next task
  expect(made.workers).toHaveLength(3);
});

test('so is one that ends itself', async () => {
  made.change = (source) => source.replace('const values = [];', 'const values = []; if (task === 7) process.exit(3);');
  await expectLoss(() => {}, 'A worker ended with exit code 3 in the middle of its work.');
});

test('and one that fails where nobody catches it', async () => {
  made.change = (source) => source.replace('const values = [];', "const values = []; if (task === 7) { setImmediate(() => { throw new Error('out of nowhere'); }); await new Promise(() => {}); }");
  await expectLoss(() => {}, 'out of nowhere');
});

test('work that waits its turn is done after a loss', async () => {
  const pool = new WorkerPool({ workers: 1 });
  made.change = (source) => source.replace('const values = [];', 'const values = []; if (tasks.length === 3) process.exit(0);');
  try {
    const lost = pool.run([...quick, ...quick].slice(0, 3));
    const next = pool.run(quick);
    await expect(lost).rejects.toThrow('A worker ended with exit code 0');
    expect(await next).toHaveLength(2);
  } finally {
    await pool.dispose();
  }
});
