import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyFloat, matrix, resident, side, weights } from './testing/weights.ts';
import { withArena } from './memory/arena.ts';
import { groupsOf, histogram as plainHistogram, rangeOf } from './reference/statistics.ts';
import { absMax, checkFinite, countMagnitudes, firstMagnitude, histogram, minMax, ranges } from './statistics.ts';

const anyMatrix = fc.tuple(side, side).chain(([rows, columns]) => fc.array(anyFloat, { minLength: rows * columns, maxLength: rows * columns }).map((values) => ({ rows, columns, w: Float32Array.from(values) })));
/** Zeros of either sign are one value here: which of two equal ones is the smaller is not said. */
const plain = (x: Float32Array | number[]): number[] => [...x].map((v) => v + 0);

test.each(['row', 'column'] as const)('ranges of each %s are those of the reference, NaN included', (per) => {
  fc.assert(
    fc.property(anyMatrix, ({ rows, columns, w }) => {
      const found = ranges(w, rows, columns, { per });
      const expected = groupsOf(w, rows, columns, per).map(rangeOf);
      expect(plain(found.min)).toEqual(plain(expected.map((e) => e.min)));
      expect(plain(found.max)).toEqual(plain(expected.map((e) => e.max)));
      expect(plain(found.absMax)).toEqual(plain(expected.map((e) => e.absMax)));
    }),
    { numRuns: 60 },
  );
});

test('ranges of the whole and of blocks are those of the reference', () => {
  fc.assert(
    fc.property(matrix, fc.constantFrom(1, 3, 16, 32), ({ rows, columns, w }, block) => {
      const blocks = groupsOf(w, rows, columns, 'row').flatMap((row) => Array.from({ length: Math.ceil(columns / block) }, (_, b) => row.slice(b * block, (b + 1) * block)));
      expect(plain(absMax(w, rows, columns, { per: { block } }))).toEqual(plain(blocks.map((b) => rangeOf(b).absMax)));
      const { min, max } = minMax(w, rows, columns, { per: 'tensor' });
      expect(plain([min[0]!, max[0]!])).toEqual(plain([rangeOf([...w]).min, rangeOf([...w]).max]));
    }),
    { numRuns: 60 },
  );
});

test('rows longer than a piece, columns over many pieces', () => {
  const w = weights(700_000);
  w[650_000] = -9;
  expect(absMax(w, 2, 350_000, { per: 'row' })[1]).toBe(9);
  expect(minMax(w, 7000, 100, { per: 'column' }).min[0]).toBe(-9);
  w[1] = NaN;
  expect(absMax(w, 1, 700_000, { per: 'tensor' })[0]).toBeNaN();
});

test('a matrix without elements has no range', () => {
  expect(() => absMax(new Float32Array(0), 0, 5, { per: 'row' })).toThrow('has no smallest value');
});

test('a shape that does not fit the array is refused', () => {
  expect(() => absMax(new Float32Array(5), 2, 3, { per: 'row' })).toThrow('"w" has 5 elements where 6 are needed');
});

describe('checkFinite', () => {
  test('gives the first NaN or infinity, wherever it is', () => {
    fc.assert(
      fc.property(fc.array(anyFloat, { maxLength: 100 }), (values) => {
        const w = Float32Array.from(values);
        expect(checkFinite(w)).toBe(w.findIndex((x) => !Number.isFinite(x)));
      }),
      { numRuns: 200 },
    );
  });

  test('counts over the whole of a long array', () => {
    const w = weights(600_000);
    w[500_003] = Infinity;
    expect([checkFinite(w), withArena((arena) => checkFinite(resident(arena, w)))]).toEqual([500_003, 500_003]);
  });

  test('says -1 of the largest float32', () => {
    expect(checkFinite(new Float32Array(20).fill(3.4028234663852886e38))).toBe(-1);
  });
});

describe('histogram', () => {
  test('counts as the reference does', () => {
    fc.assert(
      fc.property(matrix, fc.integer({ min: 1, max: 40 }), fc.boolean(), ({ w }, bins, absolute) => {
        expect([...histogram(w, { bins, from: absolute ? 0 : -2, to: 2, absolute })]).toEqual(plainHistogram(w, bins, absolute ? 0 : -2, 2, absolute));
      }),
      { numRuns: 60 },
    );
  });

  test('adds to counts that are there', () => {
    const into = Uint32Array.of(10, 20);
    histogram(Float32Array.of(0.1, 0.9, 0.8), { bins: 2, from: 0, to: 1, into });
    expect([...into]).toEqual([11, 22]);
  });

  test('refuses NaN with its index, and a range without width', () => {
    expect(() => histogram(Float32Array.of(1, NaN), { bins: 2, from: 0, to: 1 })).toThrow('The value at index 1 is NaN');
    expect(() => histogram(Float32Array.of(1), { bins: 2, from: 1, to: 1 })).toThrow('has no width');
  });
});

test('magnitudes between two bounds are counted, and the first is found; NaN is none', () => {
  const bounds = fc.tuple(fc.constantFrom(0, 0.5, 1, 2), fc.constantFrom(0.5, 1, 3, Infinity));
  fc.assert(fc.property(fc.array(anyFloat, { maxLength: 90 }), bounds, fc.boolean(), (values, [from, to], inside) => withArena((arena) => {
    const w = inside ? resident(arena, Float32Array.from(values)) : Float32Array.from(values);
    const within = [...w].map((x) => Math.abs(x) >= from && Math.abs(x) <= to);
    expect([countMagnitudes(w, from, to), firstMagnitude(w, from, to)]).toEqual([within.filter(Boolean).length, within.indexOf(true)]);
  })));
  const long = new Float32Array(600_000);
  long[500_003] = -7;
  expect([countMagnitudes(long, 6, 8), firstMagnitude(long, 6, 8)]).toEqual([1, 500_003]);
});
