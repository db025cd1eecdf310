import { expect, test } from 'vitest';
import { valuesOf } from './codes.ts';
import { gridOf } from './grid.ts';
import { awqScale } from './scale.ts';
import { outputErrors, solve, type SolveOptions } from './solve.ts';
import { correlated, gramOf } from './testing.ts';

const [K, N, TOKENS] = [96, 24, 600];
const { x, w } = correlated(K, N, TOKENS);
const gram = gramOf(x, K);
const options: SolveOptions = { bits: 4, block: 32, mode: 'asymmetric', scales: 'float32', search: false, rounding: 'gptq', damp: 0.01, order: true };
const outputError = async (of: Float32Array, values: Float32Array, size: readonly [number, number], moments: Float32Array): Promise<number> => (await outputErrors(of, [values], size, moments))[0]!;
const errorOf = async (given: Partial<SolveOptions>): Promise<number> => outputError(w, (await solve(w, K, N, gram, { ...options, ...given })).values, [K, N], gram);

/** GPTQ as in its paper, in float64: H^-1 formed, its Cholesky factor taken, every weight in turn. Static groups on the original weights. */
function plainGptq(order: readonly number[], damp: number): number[][] {
  const mean = Array.from({ length: K }, (_, i) => gram[i * (K + 1)]!).reduce((a, b) => a + b, 0) / K;
  const h = order.map((i, r) => order.map((j, c) => gram[i * K + j]! + (r === c ? damp * mean : 0)));
  const u = upperFactor(inverse(h));
  const grid = gridOf(w, K, N, { ...options, search: undefined });
  const left = order.map((i) => Array.from({ length: N }, (_, j) => w[i * N + j]!));
  const codes: number[][] = Array.from({ length: K }, () => []);
  for (let r = 0; r < K; r++) {
    const group = Math.floor(order[r]! / 32) * N;
    for (let j = 0; j < N; j++) {
      const [scale, zero] = [grid.scales[group + j]!, grid.zeros[group + j]!];
      const code = Math.min(15, Math.max(0, halfEven(left[r]![j]! / scale) + zero));
      codes[order[r]!]![j] = code;
      const lost = (left[r]![j]! - (code - zero) * scale) / u[r]![r]!;
      for (let later = r; later < K; later++) left[later]![j]! -= lost * u[r]![later]!;
    }
  }
  return codes;
}

const halfEven = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

function inverse(m: readonly (readonly number[])[]): number[][] {
  const n = m.length;
  const a = m.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => +(i === j))]);
  for (let c = 0; c < n; c++) {
    const p = a[c]![c]!;
    a[c] = a[c]!.map((v) => v / p);
    for (let r = 0; r < n; r++) {
      const factor = a[r]![c]!;
      if (r !== c) a[r] = a[r]!.map((v, i) => v - a[c]![i]! * factor);
    }
  }
  return a.map((row) => row.slice(n));
}

/** U with M = U^T U. */
function upperFactor(m: readonly (readonly number[])[]): number[][] {
  const n = m.length;
  const u = m.map(() => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      let sum = m[i]![j]!;
      for (let k = 0; k < i; k++) sum -= u[k]![i]! * u[k]![j]!;
      u[i]![j] = i === j ? Math.sqrt(sum) : sum / u[i]![i]!;
    }
  }
  return u;
}

/** Sums of float32 flip codes that stand at a tie: few of them. */
const SAME_CODES = 0.99;

for (const isOrdered of [false, true]) {
  test(`codes are those of a plain GPTQ in float64${isOrdered ? ', inputs by importance' : ''}`, async () => {
    const diagonal = Array.from({ length: K }, (_, i) => gram[i * (K + 1)]!);
    const order = Array.from({ length: K }, (_, i) => i);
    if (isOrdered) order.sort((a, b) => diagonal[b]! - diagonal[a]! || a - b);
    const expected = plainGptq(order, 0.01);
    const { codes } = await solve(w, K, N, gram, { ...options, order: isOrdered });
    const same = expected.flatMap((row, i) => row.map((code, j) => +(code === codes.codes[i * N + j]!))).reduce((a, b) => a + b, 0);
    expect(same / (K * N)).toBeGreaterThan(SAME_CODES);
  });
}

test('GPTQ is better than the nearest codes, and best by importance', async () => {
  const nearest = await errorOf({ rounding: 'nearest' });
  const inTurn = await errorOf({ order: false });
  expect(inTurn).toBeLessThan(0.9 * nearest);
  expect(await errorOf({})).toBeLessThan(inTurn);
});

test('without correlations GPTQ gives the nearest codes', async () => {
  const identity = Float32Array.from({ length: K * K }, (_, i) => +(i % (K + 1) === 0));
  const { codes } = await solve(w, K, N, identity, options);
  expect(codes.codes).toEqual((await solve(w, K, N, identity, { ...options, rounding: 'nearest' })).codes.codes);
});

test('inputs that are always zero keep their nearest codes', async () => {
  const silent = gram.slice();
  for (let i = 0; i < K; i++) silent[5 * K + i] = silent[i * K + 5] = 0;
  const { codes, dead } = await solve(w, K, N, silent, options);
  const nearest = await solve(w, K, N, silent, { ...options, rounding: 'nearest' });
  expect(dead).toBe(1);
  expect(codes.codes.slice(5 * N, 6 * N)).toEqual(nearest.codes.codes.slice(5 * N, 6 * N));
});

test('the output error is that of the outputs', async () => {
  const { values } = await solve(w, K, N, gram, options);
  let [off, own] = [0, 0];
  for (let t = 0; t < TOKENS; t++) {
    for (let j = 0; j < N; j++) {
      let [a, b] = [0, 0];
      for (let i = 0; i < K; i++) [a, b] = [a + x[t * K + i]! * w[i * N + j]!, b + x[t * K + i]! * values[i * N + j]!];
      [off, own] = [off + (a - b) ** 2, own + a ** 2];
    }
  }
  expect((await outputError(w, values, [K, N], gram)) / (off / own)).toBeCloseTo(1, 3);
});

test('a scale is chosen that makes the outputs differ less, by the quantizer that follows', async () => {
  const magnitude = Float64Array.from({ length: K }, (_, i) => {
    let sum = 0;
    for (let t = 0; t < TOKENS; t++) sum += Math.abs(x[t * K + i]!);
    return sum / TOKENS;
  });
  const grid = { block: 32, mode: 'asymmetric', scales: 'float32' } as const;
  const { scale, gain } = await awqScale([{ w, k: K, n: N, bits: 4, gram }], magnitude, (i) => i, grid);
  expect(gain).toBeLessThan(0.9);
  const scaled = w.map((v, i) => v * scale[Math.floor(i / N)]!);
  const { codes } = await solve(scaled, K, N, gram, { ...options, rounding: 'nearest' });
  const back = valuesOf(codes, { k: K, n: N, bits: 4, block: 32 }).map((v, i) => v / scale[Math.floor(i / N)]!);
  expect((await outputError(w, back, [K, N], gram)) / (await errorOf({ rounding: 'nearest' }))).toBeCloseTo(gain, 5);
});

test('where inputs are alike, no scale is chosen for its own sake', async () => {
  const identity = Float32Array.from({ length: K * K }, (_, i) => +(i % (K + 1) === 0));
  const { gain } = await awqScale([{ w, k: K, n: N, bits: 8, gram: identity }], new Float64Array(K).fill(1), (i) => i, { block: 32, mode: 'asymmetric', scales: 'float32' });
  expect(gain).toBeLessThanOrEqual(1);
});

test('options that are not its own do not reach the scale search', async () => {
  const magnitude = new Float64Array(K).fill(1).map((_, i) => Math.sqrt(gram[i * (K + 1)]!));
  const grid = { block: 32, mode: 'asymmetric', scales: 'float32' } as const;
  const layers = [{ w, k: K, n: N, bits: 4, gram }];
  expect(await awqScale(layers, magnitude, (i) => i, { ...grid, search: true } as typeof grid)).toEqual(await awqScale(layers, magnitude, (i) => i, grid));
});
