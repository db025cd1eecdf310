import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { inScratch, type Task } from './calls.ts';
import { SMALL_WORK, WorkerPool } from './pool.ts';

const pools: WorkerPool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((p) => p.dispose())));

function poolOf(workers: number): WorkerPool {
  const pool = new WorkerPool({ workers });
  pools.push(pool);
  return pool;
}

/** Reversing so many numbers takes a worker a millisecond or more. */
const MANY = 2 ** 20;
/** Beyond what the memory of a test grows to. */
const NOWHERE = 2 ** 32 - 2 ** 17;

test('each task is done once, and its values come back in its place', async () => {
  await withArena(async (arena) => {
    const numbers = Float32Array.from({ length: 200 }, (_, i) => i);
    const place = arena.float32(200);
    place.set(numbers);
    const tasks = Array.from({ length: 100 }, (_, i): Task => [['reverse', place.byteOffset + i * 8, 2], ['multiplyScratch', 4, 8, i + 1]]);
    for (const nanoseconds of [Infinity, SMALL_WORK - 1]) { // by workers, and here
      const seen: number[] = [];
      const values = await poolOf(3).run(tasks, { nanoseconds, onTask: (task) => seen.push(task) });
      expect(values).toEqual(tasks.map((_, i) => [undefined, machine().kernels.multiplyScratch(4, 8, i + 1)]));
      expect(seen.toSorted((a, b) => a - b)).toEqual(tasks.map((_, i) => i));
    }
    expect([...place]).toEqual([...numbers]); // reversed twice
  });
});

test('each worker has scratch of its own, which grows when more is asked for', async () => {
  await withArena(async (arena) => {
    const [place, out] = [arena.float32(64), arena.float32(16)];
    place.set(Float32Array.from({ length: 64 }, (_, i) => i));
    const pool = poolOf(4);
    for (const size of [1, 2]) {
      // Each task multiplies by way of its scratch; shared scratch would mix the products of different tasks.
      out.fill(0);
      const offset = 65536 * size;
      const scratch = offset + machine().kernels.multiplyScratch(1, 1, 4);
      await pool.run(Array.from({ length: 16 }, (_, t): Task => [['multiply', 0, 1, 1, 1, 4, 1, place.byteOffset + t * 16, 4, place.byteOffset + t * 16, 4, 0, out.byteOffset + t * 4, 1, 1, inScratch(offset)]]), { scratch });
      expect([...out]).toEqual(Array.from({ length: 16 }, (_, t) => [0, 1, 2, 3].reduce((s, i) => s + (4 * t + i) ** 2, 0)));
    }
  });
});

test('fewer workers share the work where their scratch would take too much room', async () => {
  const used = machine().allocator.used;
  const tasks = Array.from({ length: 16 }, (): Task => [['multiplyScratch', 1, 1, 1]]);
  for (const [room, workers] of [[3 * 2 ** 20, 3], [1, 2], [2 ** 30, 6]] as const) {
    const pool = poolOf(6);
    await pool.run(tasks, { scratch: 2 ** 20, room });
    expect(Math.floor((machine().allocator.used - used) / 2 ** 20)).toBe(workers);
    await pool.dispose();
  }
});

test('what a call throws reaches the caller with the stack of its thread, and the pool goes on', async () => {
  const pool = poolOf(2);
  const failing: Task[] = [[['reverse', NOWHERE, 8]], [['multiplyScratch', 1, 1, 1]]];
  const error: unknown = await pool.run(failing).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toContain('memory access out of bounds');
  expect((error as Error).stack).toMatch(/wasm[\s\S]*\[worker eval\]/);
  expect(await pool.run([[['multiplyScratch', 4, 8, 1]]])).toEqual([[machine().kernels.multiplyScratch(4, 8, 1)]]);
});

test('a signal ends the work between two calls, and nothing runs any more when the promise is rejected', async () => {
  await withArena(async (arena) => {
    const place = arena.float32(MANY);
    const pool = poolOf(2);
    const stop = new AbortController();
    const done: number[] = [];
    const tasks = Array.from({ length: 20_000 }, (): Task => [['reverse', place.byteOffset, MANY]]);
    const run = pool.run(tasks, { signal: stop.signal, onTask: (task) => done.push(task) > 2 && stop.abort(new Error('enough')) });
    await expect(run).rejects.toThrow('enough');
    expect(done.length).toBeLessThan(tasks.length);
    place.fill(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(place.every((x) => x === 1)).toBe(true);
  });
});

test('a signal that has come already starts nothing', async () => {
  const pool = poolOf(2);
  for (const nanoseconds of [0, Infinity]) await expect(pool.run([[['reverse', NOWHERE, 8]]], { nanoseconds, signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
});

test('what the system refuses a worker keeps its code', async () => {
  const descriptor = openSync('/dev/null', 'r');
  try {
    for (const nanoseconds of [0, Infinity]) await expect(poolOf(2).run([[['writeFile', descriptor, 0, 0, 8]]], { nanoseconds })).rejects.toMatchObject({ code: 'EBADF', syscall: 'write' });
  } finally {
    closeSync(descriptor);
  }
});

test('what onTask throws ends the work', async () => {
  const run = poolOf(2).run([[['multiplyScratch', 1, 1, 1]]], { onTask: () => { throw new Error('no more room'); } });
  await expect(run).rejects.toThrow('no more room');
});

test('pieces of work that are asked for at once are done one after the other', async () => {
  const pool = poolOf(2);
  const order: string[] = [];
  const tasks = Array.from({ length: 4 }, (): Task => [['multiplyScratch', 1, 1, 1]]);
  await Promise.all(['a', 'b', 'c'].map((name) => pool.run(tasks, { onTask: () => order.push(name) })));
  expect(order.join('')).toBe('aaaabbbbcccc');
});

test('what was disposed starts again when there is work', async () => {
  const pool = poolOf(1);
  const used = machine().allocator.used;
  for (let i = 0; i < 2; i++) {
    expect(await pool.run([[['multiplyScratch', 1, 1, 1]]], { scratch: 1000 })).toHaveLength(1);
    await pool.dispose();
    expect(machine().allocator.used).toBe(used);
  }
});

test('workers read files into memory and write them from it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  try {
    writeFileSync(join(folder, 'in'), new Uint8Array(Float32Array.from({ length: 64 }, (_, i) => i).buffer));
    const [from, to] = [openSync(join(folder, 'in'), 'r'), openSync(join(folder, 'out'), 'w')];
    for (const nanoseconds of [0, Infinity]) {
      const tasks = [0, 1, 2, 3].map((t): Task => [['readFile', from, t * 64, inScratch(), 64], ['reverse', inScratch(), 16], ['writeFile', to, (3 - t) * 64, inScratch(), 64]]);
      await poolOf(2).run(tasks, { scratch: 64, nanoseconds });
      expect([...new Float32Array(new Uint8Array(readFileSync(join(folder, 'out'))).buffer)]).toEqual(Array.from({ length: 64 }, (_, i) => 63 - i));
      await expect(poolOf(1).run([[['readFile', from, 200, inScratch(), 100]]], { scratch: 100, nanoseconds })).rejects.toThrow('The file ends at 256, and 44 bytes more were to be read');
    }
    for (const descriptor of [from, to]) closeSync(descriptor);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a bundle works as the sources do, and idle workers keep no process alive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  try {
    const entry = join(folder, 'entry.mjs');
    const index = fileURLToPath(new URL('../index.ts', import.meta.url));
    writeFileSync(entry, `import { matmul, workerPool } from ${JSON.stringify(index)};\nconst x = new Float32Array(300 * 300).fill(1);\nconsole.log((await matmul(x, x, [300, 300, 300]))[7], workerPool().workers > 0);\n`);
    const rolldown = fileURLToPath(new URL('../../../../node_modules/rolldown/bin/cli.mjs', import.meta.url));
    const run = promisify(execFile);
    await run(process.execPath, [rolldown, entry, '--platform', 'node', '--file', join(folder, 'out.mjs')]);
    const { stdout } = await run(process.execPath, [join(folder, 'out.mjs')], { timeout: 20_000 }); // a process that stays is killed, and that is an error
    expect(stdout.trim()).toBe('300 true');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
