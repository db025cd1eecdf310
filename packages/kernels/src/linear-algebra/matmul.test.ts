import { afterAll, expect, test } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { WorkerPool } from '../pool/pool.ts';
import * as reference from '../reference/linear-algebra.ts';
import { uniform } from '../reference/samples.ts';
import { matmul } from './matmul.ts';

const pools = [1, 2, 8].map((workers) => new WorkerPool({ workers }));
afterAll(() => Promise.all(pools.map((p) => p.dispose())));

/** Sums of k products of numbers below 1, each rounded to float32. */
const rounding = (k: number): number => 2 ** -23 * (k + 8);

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Number.isNaN(a[i]! - b[i]!) ? Infinity : Math.abs(a[i]! - b[i]!));
  return most;
}

const SHAPES: readonly (readonly [number, number, number])[] = [[1, 1, 1], [3, 5, 2], [4, 8, 16], [5, 9, 257], [33, 17, 40], [100, 1100, 3], [130, 70, 300]];

for (const transA of [false, true]) for (const transB of [false, true]) {
  test(`a product with transA ${transA} and transB ${transB} is the plain one, whatever the sizes`, async () => {
    for (const [m, n, k] of SHAPES) {
      const [a, b] = [uniform(m * k, 1), uniform(k * n, 2)];
      expect(furthest(await matmul(a, b, [m, n, k], { transA, transB }), reference.matmul(a, b, [m, n, k], { transA, transB }))).toBeLessThan(rounding(k));
    }
  });
}

test('alpha scales the product and beta what was there', async () => {
  const [m, n, k] = [13, 21, 300];
  const [a, b, c] = [uniform(m * k, 1), uniform(k * n, 2), uniform(m * n, 3)];
  const plain = reference.matmul(a, b, [m, n, k], { alpha: -0.5, beta: 0.25, c });
  expect(furthest(await matmul(a, b, [m, n, k], { alpha: -0.5, beta: 0.25, out: c }), plain)).toBeLessThan(rounding(k));
});

test('with beta 0 whatever stood there is not read', async () => {
  const out = new Float32Array(6).fill(NaN);
  await matmul(uniform(4, 1), uniform(6, 2), [2, 3, 2], { out });
  expect(furthest(out, reference.matmul(uniform(4, 1), uniform(6, 2), [2, 3, 2]))).toBeLessThan(rounding(2));
});

test('a sum of nothing is beta times what was there', async () => {
  expect([...(await matmul(new Float32Array(0), new Float32Array(0), [1, 2, 0], { beta: 0.5, out: Float32Array.of(2, 4) }))]).toEqual([1, 2]);
  expect([...(await matmul(new Float32Array(0), new Float32Array(0), [1, 2, 0], { out: Float32Array.of(NaN, 4) }))]).toEqual([0, 0]);
});

test('nothing beside the result is written', async () => {
  await withArena(async (arena) => {
    const [m, n, k] = [5, 9, 3];
    const around = arena.float32(m * n + 64).fill(7);
    await matmul(uniform(m * k, 1), uniform(k * n, 2), [m, n, k], { out: around.subarray(16, 16 + m * n) });
    expect([...around.subarray(0, 16), ...around.subarray(16 + m * n)].every((x) => x === 7)).toBe(true);
    expect(around[16]).not.toBe(7);
  });
});

test('the same bytes with 1, 2 and 8 workers, and on the calling thread', async () => {
  for (const [m, n, k] of [[300, 310, 300], [9, 2100, 900]] as const) { // high, wide: cut by rows, by columns
    const [a, b] = [uniform(m * k, 1), uniform(k * n, 2)];
    const results = await Promise.all(pools.map((pool) => matmul(a, b, [m, n, k], { pool })));
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    const rows = Math.min(m, 4); // so little that it stays here
    expect(await matmul(a.subarray(0, rows * k), b, [rows, n, k], { pool: pools[1] })).toEqual(results[0]!.subarray(0, rows * n));
  }
});

test('sizes that do not fit are refused by name', async () => {
  await expect(matmul(new Float32Array(6), new Float32Array(7), [2, 2, 3])).rejects.toThrow('"b" has 7 elements where 6 are needed');
});
