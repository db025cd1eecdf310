import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyFloat, difference, finite, matrix, resident, weights } from './testing/weights.ts';
import { kthMagnitude } from './kth-magnitude.ts';
import { withArena } from './memory/arena.ts';
import { transpose } from './reference/layout.ts';
import * as plain from './reference/selection.ts';
import { groupsOf } from './reference/statistics.ts';
import { keepNofM, maskBelow } from './selection.ts';

const someFloats = fc.array(anyFloat, { minLength: 1, maxLength: 100 }).map((values) => Float32Array.from(values));

describe('kthMagnitude', () => {
  test('is what sorting gives, NaN last', () => {
    fc.assert(
      fc.property(someFloats, fc.nat(), (w, seed) => {
        const k = 1 + (seed % w.length);
        expect(kthMagnitude(w, k)).toEqual(plain.kthMagnitude(w, k));
      }),
      { numRuns: 200 },
    );
  });

  test('of several arrays is that of all of them together', () => {
    const w = weights(1000);
    expect(kthMagnitude([w.subarray(0, 300), w.subarray(300, 300), w.subarray(300)], 400)).toEqual(kthMagnitude(w, 400));
  });

  const large = weights(2 ** 20 + 3);
  const rounded = large.map((x) => Math.round(x * 50) / 50);
  const sortedLast = large.slice().sort();
  test.each<[string, Float32Array]>([
    ['weights', large],
    ['a few different values', rounded],
    ['ascending values, which no sample finds by surprise', sortedLast],
    ['one value', new Float32Array(2 ** 20).fill(-3)],
  ])('of many values (%s) is what sorting gives', (_, w) => {
    for (const k of [1, 2, w.length >> 3, w.length >> 1, w.length - 1, w.length]) expect(kthMagnitude(w, k)).toEqual(plain.kthMagnitude(w, k));
  });

  test('is exact where a sample misleads', () => {
    const w = weights(2 ** 20);
    for (let i = 0; i < w.length; i += 64) w[i] = 7; // the sample takes every 64th
    expect(kthMagnitude(w, 1000)).toEqual(plain.kthMagnitude(w, 1000));
  });

  test('in the memory of the kernels it is the same', () => {
    withArena((arena) => expect(kthMagnitude(resident(arena, large), 77_777)).toEqual(kthMagnitude(large, 77_777)));
  });

  test('refuses a rank that no value has', () => {
    expect(() => kthMagnitude(weights(3), 4)).toThrow('from 1 to 3');
    expect(() => kthMagnitude(weights(3), 0)).toThrow('from 1 to 3');
    expect(() => kthMagnitude([], 1)).toThrow('no k-th magnitude');
  });
});

describe('maskBelow', () => {
  test('zeros what is below, keeps the rest bit for bit, and takes ties in order', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(finite, fc.constantFrom(0.5, -0.5, 0.25)), { maxLength: 100 }), fc.constantFrom(0.25, 0.5, 1), fc.nat(8), (values, threshold, ties) => {
        const w = Float32Array.from(values);
        expect(difference(maskBelow(w, threshold, { ties }).values, plain.maskBelow(w, threshold, ties))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test('with the k-th magnitude zeros exactly k values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 200 }), fc.nat(), (values, seed) => {
        const w = Float32Array.from(values, (v, i) => (i % 2 ? v : -v));
        const k = 1 + (seed % w.length);
        const { magnitude, below } = kthMagnitude(w, k);
        const { values: masked, ties } = maskBelow(w, magnitude, { ties: k - below });
        expect([masked.filter((x) => Object.is(x, 0)).length, ties]).toEqual([k, k - below]);
      }),
      { numRuns: 200 },
    );
  });

  test('carries ties over pieces, and says how many it used', () => {
    const w = new Float32Array(500_000).fill(1);
    const { values, ties } = maskBelow(w, 1, { ties: 400_000 });
    expect([values.indexOf(1), ties]).toEqual([400_000, 400_000]);
    expect(maskBelow(w.subarray(0, 10), 1, { ties: 99 }).ties).toBe(10);
  });

  test('keeps NaN', () => {
    expect([...maskBelow(Float32Array.of(NaN, 0.1, 3), 1).values]).toEqual([NaN, 0, 3]);
  });

  test('may work in place', () => {
    const w = Float32Array.of(1, -5, 2);
    maskBelow(w, 2, { into: w });
    expect([...w]).toEqual([0, -5, 2]);
  });
});

describe('keepNofM', () => {
  test.each(['row', 'column'] as const)('keeps the n largest of each group along a %s, the first of equal ones', (along) => {
    fc.assert(
      fc.property(matrix, fc.constantFrom(1, 2, 4, 8, 5), fc.nat(5), ({ rows, columns, w }, m, n) => {
        const keep = { n: Math.min(n, m), m, along };
        const lines = groupsOf(w, rows, columns, along).flatMap((line) => plain.keepNofM(line, keep.n, m));
        const expected = along === 'row' ? lines : transpose(lines, columns, rows);
        expect(difference(keepNofM(w, rows, columns, keep), expected)).toBeUndefined();
        withArena((arena) => {
          const inside = resident(arena, w);
          keepNofM(inside, rows, columns, { ...keep, into: inside });
          expect(difference(inside, expected)).toBeUndefined();
        });
      }),
      { numRuns: 80 },
    );
  });

  test('2:4 of weights leaves two of each four', () => {
    const w = weights(64 * 1000);
    const kept = keepNofM(w, 64, 1000, { n: 2, m: 4 });
    expect(kept.filter((x) => x !== 0)).toHaveLength(32 * 1000);
  });

  test('groups do not break where a long row is cut', () => {
    const w = weights(2 * 300_001);
    const lines = groupsOf(w, 2, 300_001, 'row').flatMap((line) => plain.keepNofM(line, 3, 5));
    expect(difference(keepNofM(w, 2, 300_001, { n: 3, m: 5 }), lines)).toBeUndefined();
  });

  test('more than a group has cannot be kept', () => {
    expect(() => keepNofM(weights(8), 2, 4, { n: 5, m: 4 })).toThrow('"n" cannot be 5');
  });
});
