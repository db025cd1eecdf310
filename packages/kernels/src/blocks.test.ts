import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BlockBits, type BlockMode, blockSizes, dequantizeBlocks, encodeBlocks, quantizeBlocks, type ScaleForm } from './blocks.ts';
import { difference, matrix, type Matrix, resident, weights } from './testing/weights.ts';
import { withArena } from './memory/arena.ts';
import { dequantizeRows, quantizeRows } from './reference/blocks.ts';
import { transpose } from './reference/layout.ts';
import { groupsOf } from './reference/statistics.ts';

interface Case {
  readonly block: number;
  readonly bits: BlockBits;
  readonly mode: BlockMode;
  readonly transposed: boolean;
  readonly scales?: ScaleForm;
}
const cases = fc.record<Case>({ scales: fc.constantFrom('float32', 'float16'), block: fc.constantFrom(16, 32, 64, 128), bits: fc.constantFrom(2, 4, 8), mode: fc.constantFrom('symmetric', 'asymmetric', 'full-range'), transposed: fc.boolean() });

function expectAsReference({ rows, columns, w }: Matrix, { block, bits, mode, transposed, scales }: Case, given = w): void {
  const shape = { rows, columns, block, bits, transposed };
  const lines = groupsOf(w, rows, columns, transposed ? 'column' : 'row');
  const expected = quantizeRows(lines, block, bits, mode, scales);
  if (!expected.scales.every(Number.isFinite)) {
    expect(() => quantizeBlocks(given, { ...shape, mode, scales })).toThrow(expect.objectContaining({ code: 'out-of-range' }));
    return;
  }
  const actual = quantizeBlocks(given, { ...shape, mode, scales });
  expect(difference(actual.scales, expected.scales)).toBeUndefined();
  expect(difference(actual.codes, expected.codes)).toBeUndefined();
  if (mode === 'asymmetric') expect(difference(actual.zeroPoints!, expected.zeroPoints)).toBeUndefined();
  else expect(actual.zeroPoints).toBeUndefined();
  const decoded = dequantizeRows(expected, lines.length, lines[0]!.length, block, bits).flat();
  expect(difference(dequantizeBlocks(actual, shape), transposed ? transpose(decoded, columns, rows) : decoded)).toBeUndefined();
}

test('codes, scales, zero points and what they stand for are those of the reference', () => {
  fc.assert(fc.property(matrix, cases, (m, c) => expectAsReference(m, c)), { numRuns: 150 });
});

test('from the memory of the kernels it is the same', () => {
  fc.assert(fc.property(matrix, cases, (m, c) => withArena((arena) => expectAsReference(m, c, resident(arena, m.w)))), { numRuns: 40 });
});

test.each<Case & { rows: number; columns: number }>([
  { rows: 70, columns: 1100, block: 32, bits: 4, mode: 'asymmetric', transposed: true },
  { rows: 70, columns: 1100, block: 32, bits: 4, mode: 'asymmetric', transposed: false },
  { rows: 1030, columns: 130, block: 512, bits: 8, mode: 'full-range', transposed: true },
  { rows: 2, columns: 270_011, block: 32, bits: 2, mode: 'asymmetric', transposed: false },
  { rows: 140_003, columns: 3, block: 64, bits: 4, mode: 'asymmetric', transposed: true },
])('$rows × $columns, blocks of $block, $bits bits, transposed: $transposed', ({ rows, columns, ...c }) => {
  expectAsReference({ rows, columns, w: weights(rows * columns) }, c);
});

test('results are written where they are wanted, in the memory of the kernels and outside', () => {
  const shape = { rows: 65, columns: 33, block: 16, bits: 4, mode: 'asymmetric', transposed: true } as const;
  const w = weights(65 * 33);
  const expected = quantizeBlocks(w, shape);
  withArena((arena) => {
    const into = { codes: arena.uint8(expected.codes.length), scales: arena.float32(expected.scales.length), zeroPoints: arena.uint8(expected.zeroPoints!.length) };
    quantizeBlocks(resident(arena, w), shape, into);
    expect([difference(into.codes, expected.codes), difference(into.scales, expected.scales), difference(into.zeroPoints, expected.zeroPoints!)]).toEqual([undefined, undefined, undefined]);
  });
});

test('codes for given scales and zero points are those that were made with them', () => {
  fc.assert(fc.property(matrix, cases, fc.boolean(), ({ rows, columns, w }, { mode, scales: _, ...c }, inside) => withArena((arena) => {
    const shape = { rows, columns, ...c };
    const { codes, ...grids } = quantizeBlocks(w, { ...shape, mode });
    const given = inside ? { scales: resident(arena, grids.scales), zeroPoints: grids.zeroPoints && arena.uint8(grids.zeroPoints.length) } : grids;
    if (inside && grids.zeroPoints) given.zeroPoints!.set(grids.zeroPoints);
    const into = inside ? arena.uint8(codes.length) : undefined;
    expect(difference(encodeBlocks(inside ? resident(arena, w) : w, given, { ...shape, lowest: mode !== 'symmetric' }, into), codes)).toBeUndefined();
  })), { numRuns: 100 });
});

test('a narrower grid clips to its ends', () => {
  const w = Float32Array.from({ length: 16 }, (_, i) => i - 8);
  const shape = { rows: 1, columns: 16, block: 16, bits: 8 } as const;
  expect([...encodeBlocks(w, { scales: Float32Array.of(0.04) }, shape)].map((code) => code - 128)).toEqual([...w].map((x) => Math.max(-128, Math.min(127, x * 25))));
});

test.each([0, NaN, -Infinity])('a given scale of %d is refused', (scale) => {
  expect(() => encodeBlocks(weights(32), { scales: Float32Array.of(1, scale) }, { rows: 2, columns: 16, block: 16, bits: 4 })).toThrow(`The scale at index 1 is ${scale}`);
});

test('a float16 scale that would be 0 is the smallest one, so that tiny values keep their order', () => {
  const { scales, codes } = quantizeBlocks(new Float32Array(16).fill(2 ** -26).fill(2 ** -23, 8), { rows: 1, columns: 16, block: 16, bits: 8, mode: 'symmetric', scales: 'float16' });
  expect([scales[0], codes[0], codes[8]]).toEqual([2 ** -24, 128, 130]);
});

test('padding takes no part in the range and stands for zero', () => {
  const { codes, scales, zeroPoints } = quantizeBlocks(new Float32Array(17).fill(5), { rows: 1, columns: 17, block: 16, bits: 8, mode: 'asymmetric' });
  expect([[...scales], [...zeroPoints!], codes[16], [...codes.subarray(17)]]).toEqual([[Math.fround(5 / 255), Math.fround(5 / 255)], [0, 0], 255, Array.from({ length: 15 }, () => 0)]);
});

test('zero is inside the range of a block that lies on one side of it', () => {
  const w = Float32Array.from({ length: 32 }, (_, i) => 0.05 + i / 3200);
  const shape = { rows: 1, columns: 32, block: 32, bits: 4 } as const;
  const half = 0.06 / 15 / 2;
  const decoded = dequantizeBlocks(quantizeBlocks(w, { ...shape, mode: 'asymmetric' }), shape);
  expect(Math.max(...decoded.map((x, i) => Math.abs(x - w[i]!)))).toBeLessThanOrEqual(half * 1.001); // a hair for float32
});

test('values whose range exceeds float32 keep a finite scale', () => {
  const w = new Float32Array(16).fill(3e38).fill(-3e38, 8);
  for (const transposed of [false, true]) {
    const shape = { rows: transposed ? 16 : 1, columns: transposed ? 1 : 16, block: 16, bits: 4, transposed } as const;
    expect([...quantizeBlocks(w, { ...shape, mode: 'asymmetric' }).scales]).toEqual([Math.fround(6e38 / 15)].map((s) => expect.closeTo(s, -32)));
  }
});

describe.each([false, true])('NaN or infinity, transposed: %s', (transposed) => {
  test.each([NaN, Infinity, -Infinity])('%d is an error that names its index', (value) => {
    const w = weights(70 * 50);
    w[3333] = value;
    expect(() => quantizeBlocks(w, { rows: 70, columns: 50, block: 32, bits: 4, mode: 'symmetric', transposed })).toThrow(expect.objectContaining({ code: 'non-finite', index: 3333 }));
  });
});

test('an empty matrix has no codes', () => {
  expect(quantizeBlocks(new Float32Array(0), { rows: 0, columns: 5, block: 16, bits: 4, mode: 'symmetric' }).codes).toHaveLength(0);
  expect(quantizeBlocks(new Float32Array(0), { rows: 0, columns: 5, block: 16, bits: 4, mode: 'symmetric', transposed: true }).codes).toHaveLength(0);
});

test('sizes are those of MatMulNBits', () => {
  expect(blockSizes({ rows: 100, columns: 7, block: 32, bits: 4, transposed: true })).toEqual({ n: 7, k: 100, blocks: 4, codeBytes: 64, zeroBytes: 2 });
});

test.each([[{ block: 24 }, 'power of two'], [{ block: 8 }, '"block" cannot be 8'], [{ bits: 3 as BlockBits }, 'Choose one of 2, 4, 8'], [{ mode: 'odd' as BlockMode }, 'full-range']])('%o is refused', (wrong, message) => {
  expect(() => quantizeBlocks(weights(64), { rows: 2, columns: 32, block: 32, bits: 4, mode: 'symmetric', ...wrong })).toThrow(message);
});
