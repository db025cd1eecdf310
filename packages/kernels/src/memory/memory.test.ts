import { mkdtempSync, openSync, closeSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { weights } from '../testing/weights.ts';
import { absMax, dequantizeBlocks, histogram, keepNofM, kthMagnitude, maskBelow, pointerOf, quantizeBlocks, quantizeInt8PerAxis, scaleColumns, toFloat16, transpose, withArena, withBuffers } from '../index.ts';
import { machine } from './machine.ts';

/** What a call may hold of the kernels' memory, besides what the caller put there. */
const MOST_PER_CALL = 16 * 2 ** 20;

test('an array of an arena lies in the memory, others do not', () => {
  withArena((arena) => expect([pointerOf(arena.float32(3)) !== undefined, pointerOf(new Float32Array(3))]).toEqual([true, undefined]));
});

test('an arena gives everything back when its work returns, throws or settles', async () => {
  const before = machine().allocator.used;
  withArena((arena) => arena.float64(1000));
  expect(() => withArena((arena) => { arena.uint16(1000); throw new Error('no'); })).toThrow('no');
  await withArena(async (arena) => { arena.int32(1000); await Promise.resolve(); });
  expect(machine().allocator.used).toBe(before);
});

test('an arena stays while its promise is pending', async () => {
  const before = machine().allocator.used;
  const work = withArena(async (arena) => { arena.int8(64); await Promise.resolve(); });
  expect(machine().allocator.used).toBeGreaterThan(before);
  await work;
});

test('an array keeps its contents and its place when the memory grows', () => {
  withArena((arena) => {
    const early = arena.float32(4).fill(7);
    arena.uint8(machine().memory.buffer.byteLength + 1);
    expect([[...early], pointerOf(early), absMax(early, 1, 4, { per: 'tensor' })[0]]).toEqual([[7, 7, 7, 7], early.byteOffset, 7]);
  });
});

test('more than the memory can be is refused with what to do', () => {
  expect(() => withArena((arena) => arena.uint8(2 ** 32))).toThrow('Release arenas');
});

test('buffers are pointers to disjoint ranges', () => {
  withBuffers([100, 100], ([a, b]) => expect(Math.abs(a! - b!)).toBeGreaterThanOrEqual(100));
});

test('a file is read straight into the memory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnxpress-kernels-'));
  try {
    const w = weights(1000);
    writeFileSync(join(folder, 'w'), w);
    const file = openSync(join(folder, 'w'), 'r');
    withArena((arena) => {
      const inside = arena.float32(1000);
      readSync(file, inside, 0, 4000, 0);
      expect(toFloat16(inside)).toEqual(toFloat16(w));
    });
    closeSync(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const large = weights(2 ** 22 + 7);
const side = 2 ** 11;
const square = large.subarray(0, side * side);
test.each<[string, () => unknown]>([
  ['toFloat16', () => toFloat16(large)],
  ['quantizeInt8PerAxis by row', () => quantizeInt8PerAxis(square, side, side)],
  ['quantizeInt8PerAxis of one long row', () => quantizeInt8PerAxis(large, 1, large.length)],
  ['quantizeInt8PerAxis by column', () => quantizeInt8PerAxis(square, side, side, { axis: 1 })],
  ['quantizeBlocks', () => quantizeBlocks(square, { rows: side, columns: side, block: 32, bits: 4, mode: 'asymmetric' })],
  ['quantizeBlocks of one long row', () => quantizeBlocks(large, { rows: 1, columns: large.length, block: 32, bits: 4, mode: 'asymmetric' })],
  ['quantizeBlocks transposed', () => quantizeBlocks(square, { rows: side, columns: side, block: 32, bits: 4, mode: 'asymmetric', transposed: true })],
  ['quantizeBlocks of one long column', () => quantizeBlocks(large, { rows: large.length, columns: 1, block: 32, bits: 4, mode: 'asymmetric', transposed: true })],
  ['dequantizeBlocks transposed', () => dequantizeBlocks({ codes: new Uint8Array(square.length / 2), scales: new Float32Array(square.length / 32) }, { rows: side, columns: side, block: 32, bits: 4, transposed: true })],
  ['kthMagnitude', () => kthMagnitude(large, 1000)],
  ['maskBelow', () => maskBelow(large, 0.01)],
  ['keepNofM', () => keepNofM(square, side, side, { n: 2, m: 4 })],
  ['histogram', () => histogram(large, { bins: 2048, from: 0, to: 1, absolute: true })],
  ['keepNofM of one long row', () => keepNofM(large, 1, large.length, { n: 2, m: 4 })],
  ['transpose', () => transpose(square, side, side)],
  ['transpose of long rows', () => transpose(square, 2, square.length / 2)],
  ['scaleColumns of one long row', () => scaleColumns(large, 1, large.length, large)],
])('%s holds a bounded part of the memory and gives all of it back', (_, call) => {
  const { allocator } = machine();
  const before = allocator.used;
  allocator.resetPeak();
  call();
  expect([allocator.peak - before <= MOST_PER_CALL, allocator.used]).toEqual([true, before]);
});
