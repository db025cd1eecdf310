import fc from 'fast-check';
import { expect, test } from 'vitest';
import { difference, matrix, resident, weights } from './testing/weights.ts';
import { scaleColumns, scaleRows, transpose, type Transposable } from './layout.ts';
import { withArena } from './memory/arena.ts';
import * as plain from './reference/layout.ts';

test('transposes elements of every width', () => {
  fc.assert(
    fc.property(matrix, ({ rows, columns, w }) => {
      const values = Array.from(w, (_, i) => i % 120);
      for (const source of [Float32Array.from(values), Int32Array.from(values), Uint16Array.from(values), Int8Array.from(values)]) {
        expect(difference(transpose<Transposable>(source, rows, columns), plain.transpose(values, rows, columns))).toBeUndefined();
      }
    }),
    { numRuns: 60 },
  );
});

test('transposes in pieces and in the memory of the kernels', () => {
  const w = weights(700 * 901);
  const expected = plain.transpose(w, 700, 901);
  expect(difference(transpose(w, 700, 901), expected)).toBeUndefined();
  withArena((arena) => expect(difference(transpose(resident(arena, w), 700, 901, arena.float32(w.length)), expected)).toBeUndefined());
});

test('rows that are longer than a piece are transposed and scaled like short ones', () => {
  const [rows, columns] = [3, 300_001];
  const w = weights(rows * columns);
  const [perRow, perColumn] = [weights(rows, 3), weights(columns, 5)];
  expect(difference(transpose(w, rows, columns), plain.transpose(w, rows, columns))).toBeUndefined();
  expect(difference(scaleRows(w, rows, columns, perRow), plain.scaleRows(w, columns, perRow))).toBeUndefined();
  expect(difference(scaleColumns(w, rows, columns, perColumn), plain.scaleColumns(w, columns, perColumn))).toBeUndefined();
});

test('scales rows and columns, rounding to float32', () => {
  fc.assert(
    fc.property(matrix, ({ rows, columns, w }) => {
      const [perRow, perColumn] = [weights(rows, 3), weights(columns, 5)];
      expect(difference(scaleRows(w, rows, columns, perRow), plain.scaleRows(w, columns, perRow))).toBeUndefined();
      expect(difference(scaleColumns(w, rows, columns, perColumn), plain.scaleColumns(w, columns, perColumn))).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test('scales in place', () => {
  const w = Float32Array.of(1, 2, 3, 4);
  scaleRows(w, 2, 2, Float32Array.of(10, 100), w);
  expect([...w]).toEqual([10, 20, 300, 400]);
});

test('one factor too few is refused', () => {
  expect(() => scaleColumns(weights(4), 2, 2, Float32Array.of(1))).toThrow('"factors" has 1 elements where 2 are needed');
});
