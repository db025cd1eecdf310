import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BlockOptions, blockSizes, quantizeBlocks } from '../blocks.ts';
import { toBfloat16, toFloat16 } from '../casts.ts';
import { WorkerPool } from '../pool/pool.ts';
import { streamBlocks, type StreamLimits } from './blocks.ts';
import { type StoredFloat } from './layout.ts';

let folder: string;
const pools = [1, 2, 8].map((workers) => new WorkerPool({ workers }));
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-stream-'));
});
afterAll(async () => {
  await Promise.all(pools.map((p) => p.dispose()));
  rmSync(folder, { recursive: true });
});

/** Numbers that are the same in every stored form. */
const sample = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 4).map((x) => Math.fround(Math.round(x * 16) / 16));
const stored: Readonly<Record<StoredFloat, (w: Float32Array) => Float32Array | Uint16Array>> = { float32: (w) => w, float16: (w) => toFloat16(w), bfloat16: (w) => toBfloat16(w) };

/** Puts the weight behind a few other bytes of a file, streams it to another file, and gives that file's parts. */
async function streamed(w: Float32Array, form: StoredFloat, options: BlockOptions, pool: WorkerPool, limits?: StreamLimits): Promise<{ codes: Uint8Array; scales: Uint8Array; zeroPoints: Uint8Array }> {
  const bytes = stored[form](w);
  writeFileSync(join(folder, 'in'), Buffer.concat([Buffer.from('head'), new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)]));
  const { n, codeBytes, blocks, zeroBytes } = blockSizes(options);
  const [codes, scales, zeroPoints] = [n * codeBytes, n * blocks * (options.scales === 'float16' ? 2 : 4), n * zeroBytes];
  const [from, to] = [openSync(join(folder, 'in'), 'r'), openSync(join(folder, 'out'), 'w')];
  try {
    const at = (position: number): { descriptor: number; position: number } => ({ descriptor: to, position });
    const work = streamBlocks({ descriptor: from, position: 4 }, form, options, { codes: at(8), scales: at(8 + codes), zeroPoints: at(8 + codes + scales) }, limits);
    const values = await pool.run(work.tasks, { scratch: work.scratch });
    expect(values.some(work.nonFinite)).toBe(false);
  } finally {
    closeSync(from);
    closeSync(to);
  }
  const out = readFileSync(join(folder, 'out'));
  return { codes: out.subarray(8, 8 + codes), scales: out.subarray(8 + codes, 8 + codes + scales), zeroPoints: out.subarray(8 + codes + scales, 8 + codes + scales + zeroPoints) };
}

describe.each(['float32', 'float16', 'bfloat16'] as const)('from %s', (form) => {
  test('gives the bytes of quantizeBlocks, for any shape and mode, in pieces and strips of any size', async () => {
    const cases = fc.record({
      rows: fc.integer({ min: 1, max: 70 }), columns: fc.integer({ min: 1, max: 70 }), block: fc.constantFrom(16, 32, 64), bits: fc.constantFrom(2 as const, 4 as const, 8 as const),
      transposed: fc.boolean(), scales: fc.constantFrom('float32' as const, 'float16' as const), mode: fc.constantFrom('symmetric' as const, 'asymmetric' as const, 'full-range' as const),
    });
    const limits = fc.constantFrom(undefined, { piece: 3000, results: 0 }, { piece: 1, results: 1e9 }, { piece: 3000, results: 1500 });
    await fc.assert(fc.asyncProperty(cases, limits, async (options, most) => {
      const w = sample(options.rows * options.columns);
      const expected = quantizeBlocks(w, options);
      const { codes, scales, zeroPoints } = await streamed(w, form, options, pools[1]!, most);
      expect(Buffer.compare(codes, expected.codes)).toBe(0);
      expect(Buffer.compare(scales, Buffer.from((options.scales === 'float16' ? toFloat16(expected.scales) : expected.scales).buffer))).toBe(0);
      if (expected.zeroPoints) expect(Buffer.compare(zeroPoints, expected.zeroPoints)).toBe(0);
    }), { numRuns: 60 });
  });
});

test.each(pools.map((p) => [p.workers, p] as const))('a matrix of many pieces has the same bytes with %i workers', async (_, pool) => {
  const options = { rows: 4200, columns: 1300, block: 32, bits: 4 as const, transposed: true, mode: 'asymmetric' as const };
  const w = sample(options.rows * options.columns);
  const expected = quantizeBlocks(w, options);
  const { codes, zeroPoints } = await streamed(w, 'float32', options, pool);
  expect(Buffer.compare(codes, expected.codes)).toBe(0);
  expect(Buffer.compare(zeroPoints, expected.zeroPoints!)).toBe(0);
});

test('a NaN anywhere is reported', async () => {
  const w = sample(64 * 64);
  w[3000] = NaN;
  writeFileSync(join(folder, 'nan'), new Uint8Array(w.buffer));
  const from = openSync(join(folder, 'nan'), 'r');
  try {
    const work = streamBlocks({ descriptor: from, position: 0 }, 'float32', { rows: 64, columns: 64, block: 32, bits: 4, transposed: true, mode: 'symmetric' }, {});
    expect((await pools[0]!.run(work.tasks, { scratch: work.scratch })).some(work.nonFinite)).toBe(true);
  } finally {
    closeSync(from);
  }
});
