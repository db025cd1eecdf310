import { afterAll, expect, test } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { WorkerPool } from '../pool/pool.ts';
import * as reference from '../reference/linear-algebra.ts';
import { correlated, uniform } from '../reference/samples.ts';
import { inverseCholeskyUpper } from './cholesky.ts';
import { gram } from './gram.ts';

const pools = [1, 2, 8].map((workers) => new WorkerPool({ workers }));
afterAll(() => Promise.all(pools.map((p) => p.dispose())));

/** max |H R^T R v - v| for v in [-1, 1): float32 storage, condition numbers of some hundreds. */
const RESIDUAL = 1e-4;
/** The same where a damping of 1 % is all that makes the matrix positive: condition numbers of some thousands. */
const RESIDUAL_OF_DEFICIENT = 1e-3;

/** R v, R^T (R v), H of that, all in float64; H with its damping. */
function residual(h: Float32Array, upper: Float32Array, n: number, damp: number): number {
  const v = Float64Array.from(uniform(n, 99));
  let mean = 0;
  for (let i = 0; i < n; i++) mean += h[i * n + i]! / n;
  const a = v.map((_, i) => v.reduce((s, x, j) => s + upper[i * n + j]! * x, 0));
  const b = v.map((_, j) => a.reduce((s, x, i) => s + upper[i * n + j]! * x, 0));
  return v.reduce((most, x, i) => Math.max(most, Math.abs(b.reduce((s, y, j) => s + h[i * n + j]! * y, damp * mean * b[i]!) - x)), 0);
}

test('R^T R is the inverse, for sizes that blocks divide and that they do not', async () => {
  for (const n of [1, 2, 3, 17, 128, 129, 300]) {
    const h = await gram(correlated(4 * n, n, n), 4 * n, n);
    const before = h.slice();
    const { upper, damp, dead } = await inverseCholeskyUpper(h, n);
    expect([damp, dead]).toEqual([0.01, 0]);
    expect(residual(h, upper, n, damp)).toBeLessThan(RESIDUAL);
    expect(h).toEqual(before);
    expect(upper.some((u, at) => u !== 0 && at % n < Math.floor(at / n))).toBe(false);
  }
});

test('R is the factor that the classic way by the inverse gives', async () => {
  const n = 150;
  const h = await gram(correlated(600, n, 3), 600, n);
  const { upper } = await inverseCholeskyUpper(h, n);
  const plain = reference.inverseCholeskyUpper(h, n, 0.01);
  const scale = plain.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect(upper.reduce((most, u, i) => Math.max(most, Math.abs(u - plain[i]!)), 0)).toBeLessThan(RESIDUAL * scale);
});

test('fewer samples than columns: damping makes it positive', async () => {
  const n = 200;
  const h = await gram(correlated(25, n, 4), 25, n);
  const { upper, damp } = await inverseCholeskyUpper(h, n);
  expect(damp).toBe(0.01);
  expect(residual(h, upper, n, damp)).toBeLessThan(RESIDUAL_OF_DEFICIENT);
});

test('damping that is too little is raised tenfold, from the matrix as it was, and told', async () => {
  const n = 140;
  const h = await gram(correlated(600, n, 5), 600, n);
  for (let i = 0; i < n; i++) h[i * (n + 1)]! *= i < 3 ? -0.02 : 1; // a little negative: 0.01 of the mean does not mend it
  const { upper, damp } = await inverseCholeskyUpper(h, n, { damp: 0.001 });
  expect(damp).toBeGreaterThan(0.01);
  const fresh = await inverseCholeskyUpper(h, n, { damp });
  expect(upper).toEqual(fresh.upper);
});

test('no damping was asked for and none is needed', async () => {
  const n = 20;
  const h = await gram(correlated(200, n, 6), 200, n);
  const { upper, damp } = await inverseCholeskyUpper(h, n, { damp: 0 });
  expect(damp).toBe(0);
  expect(residual(h, upper, n, 0)).toBeLessThan(RESIDUAL);
});

test('what no damping mends is refused', async () => {
  await expect(inverseCholeskyUpper(Float32Array.of(1, 9, 9, 1), 2)).rejects.toMatchObject({ code: 'not-positive-definite' });
});

test('a matrix with NaN is refused by its place', async () => {
  await expect(inverseCholeskyUpper(Float32Array.of(1, 0, 0, NaN), 2)).rejects.toThrow('index 3 is NaN');
});

test('dead rows are counted and touch nobody', async () => {
  const x = correlated(100, 6, 8);
  for (let r = 0; r < 100; r++) x[r * 6 + 2] = 0;
  const { upper, dead } = await inverseCholeskyUpper(await gram(x, 100, 6), 6);
  expect(dead).toBe(1);
  expect([...upper.subarray(12, 18)].filter((u) => u !== 0)).toHaveLength(1);
  const all = await inverseCholeskyUpper(new Float32Array(9), 3, { damp: 0 });
  expect([...all.upper].map(Math.abs)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
});

test('an order is that of rows and columns of H', async () => {
  const n = 9;
  const h = await gram(correlated(50, n, 9), 50, n);
  const order = [3, 1, 4, 0, 5, 8, 2, 6, 7];
  const permuted = h.map((_, at) => h[order[Math.floor(at / n)]! * n + order[at % n]!]!);
  expect((await inverseCholeskyUpper(h, n, { order })).upper).toEqual((await inverseCholeskyUpper(permuted, n)).upper);
});

test('the same bytes with 1, 2 and 8 workers, in place, and in an arena', async () => {
  const n = 520;
  const h = await gram(correlated(700, n, 10), 700, n);
  const [one, two, eight] = await Promise.all(pools.map((pool) => inverseCholeskyUpper(h, n, { pool })));
  expect(two!.upper).toEqual(one!.upper);
  expect(eight!.upper).toEqual(one!.upper);
  await withArena(async (arena) => {
    const own = arena.float32(n * n);
    own.set(h);
    const { upper } = await inverseCholeskyUpper(own, n, { out: own });
    expect(upper).toBe(own);
    expect(own.slice()).toEqual(one!.upper);
  });
});
