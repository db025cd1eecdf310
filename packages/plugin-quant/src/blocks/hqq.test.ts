import { normal, seeded } from '@onnxpress/core';
import { describe, expect, test } from 'vitest';
import { gridOf } from '../calibrated/grid.ts';
import { hqqFloatGrid, hqqGrid } from './hqq.ts';

const [K, N, BLOCK] = [70, 6, 32];
/** Weights of a normal distribution, with outliers, small ones, positive ones, a constant, zeros. */
const random = seeded('hqq');
const w = Float32Array.from({ length: K * N }, (_, at) => {
  const x = normal(random);
  return [x, x ** 3, x * 1e-3, 0.05 + 0.01 * Math.abs(x), 0.05, 0][at % N]!;
});

const clamp = (v: number, top: number): number => Math.min(top, Math.max(0, v));
const half = (v: number): number => {
  const low = Math.floor(v);
  if (v - low !== 0.5) return Math.round(v);
  return low % 2 === 0 ? low : low + 1;
};
const columnOf = (j: number, b: number): number[] => Array.from({ length: Math.min(K, (b + 1) * BLOCK) - b * BLOCK }, (_, i) => w[(b * BLOCK + i) * N + j]!);
const errorOf = (x: readonly number[], s: number, z: number, bits: number): number => x.reduce((sum, v) => sum + Math.abs((clamp(half(v / s + z), 2 ** bits - 1) - z) * s - v), 0);

/** The paper's iteration with float zero points, plainly: scale from the range, 20 turns, the best one. */
function oracle(x: readonly number[], bits: number): { s: number; z: number; error: number } {
  const top = 2 ** bits - 1;
  const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
  const s = Math.fround((high - low) / top) || 1;
  let z = clamp(half(-low / s), top);
  let best = { s, z, error: errorOf(x, s, z, bits) };
  let beta = 10;
  for (let turn = 0; turn < 20; turn++) {
    const codes = x.map((v) => clamp(half(v / s + z), top));
    const outliers = x.map((v, i) => {
      const d = v - (codes[i]! - z) * s;
      return Math.sign(d) * Math.max(0, Math.abs(d) - (Math.abs(d) + 1e-8) ** (0.7 - 1) / beta);
    });
    z = Math.fround(x.reduce((sum, v, i) => sum + codes[i]! - (v - outliers[i]!) / s, 0) / x.length);
    beta *= 1.01;
    const error = errorOf(x, s, z, bits);
    if (error >= best.error) break;
    best = { s, z, error };
  }
  return best;
}

describe.each([2, 3, 4, 8])('%i bits', (bits) => {
  test('no block has a larger mean error than rounding leaves, and several have a smaller one', () => {
    for (const scales of ['float32', 'float16'] as const) {
      const plain = gridOf(w, K, N, { bits, block: BLOCK, mode: 'asymmetric', scales });
      const found = hqqGrid(w, K, N, { bits, block: BLOCK, scales });
      let fewer = 0;
      for (let b = 0; b < 3; b++) {
        for (let j = 0; j < N; j++) {
          const [x, at] = [columnOf(j, b), b * N + j];
          const [was, is] = [errorOf(x, plain.scales[at]!, plain.zeros[at]!, bits), errorOf(x, found.scales[at]!, found.zeros[at]!, bits)];
          expect(is, `block ${b} of output ${j}`).toBeLessThanOrEqual(was * (1 + 1e-6) + 1e-12); // float32 scales of equal ranges
          if (is < was * 0.999) fewer++;
        }
      }
      expect(fewer).toBeGreaterThan(2);
    }
  });

  test('with zero points that are floats it is the paper’s', () => {
    const found = hqqFloatGrid(w, K, N, { bits, block: BLOCK, scales: 'float32' });
    for (let b = 0; b < 3; b++) {
      for (let j = 0; j < N; j++) {
        const expected = oracle(columnOf(j, b), bits);
        expect(found.scales[b * N + j], `block ${b} of output ${j}`).toBe(expected.s);
        expect(found.zeros[b * N + j]! - expected.z, `block ${b} of output ${j}`).toBeCloseTo(0, 5);
      }
    }
  });
});

test('zero points are codes, a constant keeps its value, and zeros stay zero', () => {
  const { scales, zeros } = hqqGrid(w, K, N, { bits: 4, block: BLOCK, scales: 'float32' });
  expect(zeros.every((z) => z <= 15)).toBe(true);
  for (let b = 0; b < 3; b++) {
    expect((clamp(half(0.05 / scales[b * N + 4]!) + zeros[b * N + 4]!, 15) - zeros[b * N + 4]!) * scales[b * N + 4]!).toBeCloseTo(0.05, 7);
    expect([scales[b * N + 5], zeros[b * N + 5]]).toEqual([1, 0]);
  }
});
