import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { difference, matrix, type Matrix, resident, weights } from './testing/weights.ts';
import { type Axis, dequantizeInt8, encodeInt8, type Int8Codes, type Int8Mode, quantizeInt8PerAxis, quantizeInt8PerTensor } from './int8.ts';
import { withArena } from './memory/arena.ts';
import { decode, encode, type Grid, gridOf } from './reference/int8.ts';
import { clamp, roundHalfToEven } from './reference/rounding.ts';
import { groupsOf } from './reference/statistics.ts';

interface Case {
  readonly mode: Int8Mode;
  readonly reduceRange: boolean;
  readonly axis: Axis;
}
const options = fc.record<Case>({ mode: fc.constantFrom('symmetric', 'asymmetric'), reduceRange: fc.boolean(), axis: fc.constantFrom(0, 1) });

const gridsOf = ({ rows, columns, w }: Matrix, { axis, mode, reduceRange }: Case): Grid[] => groupsOf(w, rows, columns, axis === 0 ? 'row' : 'column').map((g) => gridOf(g, mode, reduceRange));
const groupAt = (i: number, columns: number, axis: Axis): number => (axis === 0 ? Math.floor(i / columns) : i % columns);

function expectAsReference(actual: Int8Codes, m: Matrix, o: Case): void {
  const grids = gridsOf(m, o);
  expect(difference(actual.scales, grids.map((g) => g.scale))).toBeUndefined();
  if (o.mode === 'asymmetric') expect([...actual.zeroPoints!]).toEqual(grids.map((g) => g.zeroPoint));
  else expect(actual.zeroPoints).toBeUndefined();
  expect(difference(actual.codes, Int8Array.from(m.w, (x, i) => encode(x, grids[groupAt(i, m.columns, o.axis)]!)))).toBeUndefined();
}

test('codes, scales and zero points are those of the reference', () => {
  fc.assert(fc.property(matrix, options, (m, o) => expectAsReference(quantizeInt8PerAxis(m.w, m.rows, m.columns, o), m, o)), { numRuns: 150 });
});

test('weights of realistic sizes too, in several pieces, and from the memory of the kernels', () => {
  const m = { rows: 300, columns: 1001, w: weights(300 * 1001) };
  for (const axis of [0, 1] as const) {
    for (const mode of ['symmetric', 'asymmetric'] as const) {
      expectAsReference(quantizeInt8PerAxis(m.w, 300, 1001, { axis, mode }), m, { axis, mode, reduceRange: false });
      withArena((arena) => expectAsReference(quantizeInt8PerAxis(resident(arena, m.w), 300, 1001, { axis, mode }), m, { axis, mode, reduceRange: false }));
    }
  }
});

test('rows that are longer than a piece are quantized like short ones', () => {
  const m = { rows: 2, columns: 300_001, w: weights(600_002) };
  for (const mode of ['symmetric', 'asymmetric'] as const) expectAsReference(quantizeInt8PerAxis(m.w, 2, 300_001, { mode }), m, { axis: 0, mode, reduceRange: false });
});

test('a tensor is quantized as one row', () => {
  const w = weights(1000);
  const { codes, scales, zeroPoints } = quantizeInt8PerAxis(w, 1, 1000, { mode: 'asymmetric' });
  expect(quantizeInt8PerTensor(w, { mode: 'asymmetric' })).toEqual({ codes, scale: scales[0], zeroPoint: zeroPoints![0] });
});

test('nothing at all has codes of nothing', () => {
  expect(quantizeInt8PerTensor(new Float32Array(0))).toEqual({ codes: new Int8Array(0), scale: 1, zeroPoint: 0 });
});

test('a row of zeros has scale 1', () => {
  expect([...quantizeInt8PerAxis(new Float32Array(6), 2, 3).scales]).toEqual([1, 1]);
});

test('zero has a code of its own, also where all values lie on one side of it', () => {
  const { codes, scales, zeroPoints } = quantizeInt8PerAxis(Float32Array.of(0.05, 0.06, 0.055), 1, 3, { mode: 'asymmetric' });
  expect(dequantizeInt8(codes, 1, 3, { axis: 0, scales, zeroPoints: zeroPoints! })[1]).toBeCloseTo(0.06, 3);
  expect(zeroPoints![0]).toBe(-128);
});

describe.each([0, 1] as const)('NaN or infinity, axis %i', (axis) => {
  test.each([NaN, Infinity, -Infinity])('%d is an error that names its index', (value) => {
    const w = weights(40 * 50);
    w[1234] = value;
    for (const mode of ['symmetric', 'asymmetric'] as const) expect(() => quantizeInt8PerAxis(w, 40, 50, { axis, mode })).toThrow(expect.objectContaining({ code: 'non-finite', index: 1234 }));
  });
});

test('given scales and zero points are used as they are, and codes are clamped', () => {
  fc.assert(
    fc.property(matrix, fc.constantFrom<Axis>(0, 1), fc.float({ min: Math.fround(1e-3), max: 10, noNaN: true }), fc.integer({ min: -20, max: 20 }), ({ rows, columns, w }, axis, scale, zero) => {
      const groups = axis === 0 ? rows : columns;
      const scales = Float32Array.from({ length: groups }, (_, i) => scale * (1 + i / 7));
      const zeroPoints = Int8Array.from({ length: groups }, (_, i) => zero + (i % 3));
      const codes = encodeInt8(w, rows, columns, { axis, scales, zeroPoints, lowest: -100, highest: 100 });
      const at = (i: number): number => groupAt(i, columns, axis);
      expect(difference(codes, Int8Array.from(w, (x, i) => clamp(roundHalfToEven(Math.fround(x / scales[at(i)]!)) + zeroPoints[at(i)]!, -100, 100)))).toBeUndefined();
      expect(difference(dequantizeInt8(codes, rows, columns, { axis, scales, zeroPoints }), Float32Array.from(codes, (c, i) => decode(c, { scale: scales[at(i)]!, zeroPoint: zeroPoints[at(i)]! }) + 0))).toBeUndefined();
    }),
    { numRuns: 80 },
  );
});

test('an unknown mode is refused', () => {
  expect(() => quantizeInt8PerAxis(weights(4), 2, 2, { mode: 'narrow' as Int8Mode })).toThrow('Choose one of symmetric, asymmetric'); // as a caller without types could
});

test('results are written where they are wanted', () => {
  const w = weights(40 * 50);
  for (const axis of [0, 1] as const) {
    const expected = quantizeInt8PerAxis(w, 40, 50, { axis, mode: 'asymmetric' });
    const groups = axis === 0 ? 40 : 50;
    withArena((arena) => {
      const into = { codes: arena.int8(2000), scales: arena.float32(groups), zeroPoints: arena.int8(groups) };
      quantizeInt8PerAxis(w, 40, 50, { axis, mode: 'asymmetric' }, into);
      expect([difference(into.codes, expected.codes), difference(into.scales, expected.scales), difference(into.zeroPoints, expected.zeroPoints!)]).toEqual([undefined, undefined, undefined]);
    });
  }
});

test('zero points without asymmetric codes are refused, and the other way round', () => {
  const results = { codes: new Int8Array(4), scales: new Float32Array(2) };
  expect(() => quantizeInt8PerAxis(weights(4), 2, 2, {}, { ...results, zeroPoints: new Int8Array(2) })).toThrow('symmetric ones have none');
  expect(() => quantizeInt8PerAxis(weights(4), 2, 2, { mode: 'asymmetric' }, results)).toThrow('Asymmetric codes have zero points');
});
