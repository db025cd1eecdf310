import { afterAll, expect, test } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { WorkerPool } from '../pool/pool.ts';
import * as reference from '../reference/linear-algebra.ts';
import { uniform } from '../reference/samples.ts';
import { Gram, gram } from './gram.ts';

const pools = [1, 2, 8].map((workers) => new WorkerPool({ workers }));
afterAll(() => Promise.all(pools.map((p) => p.dispose())));

/** Relative to the largest sum: products and sums of a few hundred float32. */
const ROUNDING = 300 * 2 ** -24;

function expectNear(actual: ArrayLike<number>, plain: Float64Array): void {
  const scale = plain.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (let i = 0; i < plain.length; i++) if (!(Math.abs(actual[i]! - plain[i]!) <= ROUNDING * scale)) throw new Error(`At ${i}: ${actual[i]} where the plain sum is ${plain[i]}.`);
}

test('the products of all columns, symmetric, whatever the sizes', async () => {
  for (const [rows, columns] of [[1, 1], [7, 5], [300, 33], [1200, 70]] as const) {
    const x = uniform(rows * columns, rows);
    const made = await gram(x, rows, columns);
    expectNear(made, reference.gram(x, rows, columns));
    expect(made.some((v, at) => v !== made[(at % columns) * columns + Math.floor(at / columns)])).toBe(false);
  }
});

test('how rows are cut into batches changes no byte', async () => {
  const [rows, columns] = [2700, 24];
  const x = uniform(rows * columns, 5);
  const whole = await gram(x, rows, columns);
  for (const size of [1, 100, 256, 1000]) {
    const sum = new Gram(columns);
    for (let r = 0; r < rows; r += size) await sum.add(x.subarray(r * columns, Math.min(rows, r + size) * columns), Math.min(size, rows - r));
    expect(await sum.matrix()).toEqual(whole);
  }
});

test('rows of weight 0 are not read, the others count by their weight', async () => {
  const [rows, columns] = [40, 9];
  const x = uniform(rows * columns, 6);
  const weights = Array.from({ length: rows }, (_, r) => [0, 1, 2.5][r % 3]!);
  x.fill(NaN, 0, columns);
  const sum = new Gram(columns);
  await sum.add(x, rows, { weights });
  expectNear(await sum.matrix(), reference.gram(x, rows, columns, weights));
  expect(sum.rows).toBe(26);
  expect(sum.weight).toBeCloseTo(13 * 3.5, 12);
});

test('the mean is that of the rows that count', async () => {
  const sum = new Gram(2);
  await sum.add(Float32Array.of(1, 2, 3, 6, 100, 100), 3, { weights: [1, 3, 0] });
  expect([...sum.mean()]).toEqual([2.5, 5]);
});

test('columns that are always zero are dead, rare ones are not', async () => {
  const sum = new Gram(3);
  await sum.add(Float32Array.of(1, 0, 0, 1, 0, 1e-3), 2);
  await sum.matrix();
  expect(sum.dead()).toEqual([1]);
});

test('the same bytes with 1, 2 and 8 workers, in an arena or not', async () => {
  const [rows, columns] = [700, 260];
  const x = uniform(rows * columns, 7);
  const [one, two, eight] = await Promise.all(pools.map((pool) => gram(x, rows, columns, { pool })));
  expect(two).toEqual(one);
  expect(eight).toEqual(one);
  await withArena(async (arena) => expect((await gram(x, rows, columns, { out: arena.float32(columns * columns) })).slice()).toEqual(one));
});
