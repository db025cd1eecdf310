import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toFloat16 } from '../casts.ts';
import { quantizeInt8PerAxis, quantizeInt8PerTensor } from '../int8.ts';
import { transpose } from '../layout.ts';
import { WorkerPool } from '../pool/pool.ts';
import { type Int8Limits, type Int8Shape, streamInt8 } from './int8.ts';

let folder: string;
const pool = new WorkerPool({ workers: 2 });
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-stream-'));
});
afterAll(async () => {
  await pool.dispose();
  rmSync(folder, { recursive: true });
});

const sample = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.round(Math.sin(i * 12.9898) * 64) / 16);

async function streamed(w: Float32Array, form: 'float32' | 'float16', shape: Int8Shape, limits?: Int8Limits): Promise<{ codes: Uint8Array; scales: Uint8Array; bad: boolean }> {
  const bytes = form === 'float32' ? w : toFloat16(w);
  writeFileSync(join(folder, 'in'), Buffer.concat([Buffer.from('head'), new Uint8Array(bytes.buffer)]));
  const [from, to] = [openSync(join(folder, 'in'), 'r'), openSync(join(folder, 'out'), 'w')];
  let bad: boolean;
  try {
    const work = streamInt8({ descriptor: from, position: 4 }, form, shape, { codes: { descriptor: to, position: 8 }, scales: { descriptor: to, position: 8 + w.length } }, limits);
    bad = (await pool.run(work.tasks, { scratch: work.scratch })).some(work.nonFinite);
  } finally {
    closeSync(from);
    closeSync(to);
  }
  const out = readFileSync(join(folder, 'out'));
  return { codes: out.subarray(8, 8 + w.length), scales: out.subarray(8 + w.length), bad };
}

function inMemory(w: Float32Array, { rows, columns, axis, transposed = false }: Int8Shape): { codes: Int8Array; scales: Float32Array } {
  const made = axis === 'tensor' ? quantizeInt8PerTensor(w) : quantizeInt8PerAxis(w, rows, columns, { axis });
  return { codes: transposed ? transpose(made.codes, rows, columns) : made.codes, scales: 'scale' in made ? Float32Array.of(made.scale) : made.scales };
}

async function expectTheSame(shape: Int8Shape, form: 'float32' | 'float16', limits?: Int8Limits): Promise<void> {
  const w = sample(shape.rows * shape.columns);
  const expected = inMemory(w, shape);
  const { codes, scales, bad } = await streamed(w, form, shape, limits);
  expect([bad, Buffer.compare(codes, new Uint8Array(expected.codes.buffer)), Buffer.compare(scales, new Uint8Array(expected.scales.buffer))]).toEqual([false, 0, 0]);
}

const shapes = fc.record({ rows: fc.integer({ min: 1, max: 70 }), columns: fc.integer({ min: 1, max: 70 }), axis: fc.constantFrom(0 as const, 1 as const, 'tensor' as const), transposed: fc.boolean() });

test('gives the bytes of what is quantized in memory, for any shape, in pieces and strips of any size', async () => {
  const limits = fc.constantFrom(undefined, { piece: 3000, results: 1000 }, { piece: 1, results: 1 });
  await fc.assert(fc.asyncProperty(shapes, fc.constantFrom('float32' as const, 'float16' as const), limits, expectTheSame), { numRuns: 120 });
});

test.each<Int8Shape>([
  { rows: 1100, columns: 4000, axis: 0 },
  { rows: 1100, columns: 4000, axis: 1 },
  { rows: 1100, columns: 4000, axis: 'tensor', transposed: true },
])('a matrix of several pieces: %o', (shape) => expectTheSame(shape, 'float32'));

test.each([NaN, Infinity])('%d anywhere is reported', async (value) => {
  await fc.assert(fc.asyncProperty(shapes, fc.nat(), async (shape, place) => {
    const w = sample(shape.rows * shape.columns);
    w[place % w.length] = value;
    expect((await streamed(w, 'float32', shape)).bad).toBe(true);
  }), { numRuns: 20 });
});
