import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { modelBytes, openModel, OrtRuntime, type Dataset, type Model, type StepRecord } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { batchesOf, folderFiles, normalize, openTokenizer, pool } from '@onnxpress/text';
import { beforeAll, describe, expect, test } from 'vitest';
import { dynamic } from '../dynamic.ts';
import { outliers } from '../outliers.ts';
import { smooth } from '../smooth.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixture = join(process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures'), 'all-minilm-l6-v2');
const collection = join(shared, 'data/cranfield/corpus.jsonl');
const MB = 1e6;

const DYNAMIC: Parameters<typeof dynamic.run>[1] = { activations: 'token', slowdown: 0.05, blocks: true, 'per-channel': true, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };
const SMOOTH: Parameters<typeof smooth.run>[1] = { data: 'calib', alpha: 0.6, activations: 'token', insert: 'auto', include: [], exclude: [], 'on-quantized': 'keep' };
const OUTLIERS: Parameters<typeof outliers.run>[1] = { data: 'calib', threshold: 6, share: 0.001, most: 0.01, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };

/** Embeddings of texts by themselves or in batches, in the order of the texts. */
async function embeddings(model: Model, texts: readonly string[], size: number): Promise<Float32Array[]> {
  const tokenizer = await openTokenizer(folderFiles(fixture), { maxLength: 256 });
  const session = await new OrtRuntime().load(model, { threads: 2 });
  const made: Float32Array[] = [];
  try {
    for await (const { feeds, mask } of batchesOf(tokenizer, model.graph.inputs, texts, { size })) {
      const { data, dims } = Object.values(await session.run(feeds))[0]!; // hidden states
      const width = dims.at(-1)!;
      const rows = normalize(pool({ data: data as Float32Array, dims }, mask, 'mean'), width); // the model's type
      for (let at = 0; at < rows.length; at += width) made.push(rows.slice(at, at + width));
    }
  } finally {
    await session.dispose();
  }
  return made;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const meanCosine = (a: readonly Float32Array[], b: readonly Float32Array[]): number => a.reduce((sum, x, i) => sum + dot(x, b[i]!), 0) / a.length;

describe.skipIf(!existsSync(collection) || !existsSync(fixture))('all-MiniLM-L6-v2 in INT8, on texts that it was not calibrated on', () => {
  let texts: string[] = [];
  let was: Float32Array[] = [];
  let original: Model;
  let smoothed: Model;
  const calib: Extract<Dataset, { readonly kind: 'texts' }> = {
    kind: 'texts', fingerprint: 'calib', count: 64, maxLength: 256,
    async *texts() {
      for (const [i, text] of texts.slice(0, 64).entries()) yield { id: String(i), text };
    },
  };
  const data = { calib };
  const measured = async (model: Model): Promise<number> => meanCosine(was, await embeddings(model, texts.slice(-60), 1));

  beforeAll(async () => {
    texts = readFileSync(collection, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { title: string; text: string }).map(({ title, text }) => `${title} ${text}`);
    original = openModel(join(fixture, 'onnx/model.onnx'));
    was = await embeddings(original, texts.slice(-60), 1);
    smoothed = original.clone();
    await smooth.run(smoothed, SMOOTH, testPassContext({ data }));
  }, 300_000);

  test('smoothed, per token: nearer than one scale for all, in 23.5 MB, and a vector does not depend on its batch', async () => {
    const model = smoothed.clone();
    await dynamic.run(model, DYNAMIC, testPassContext());
    expect(await measured(model)).toBeGreaterThan(0.9985);
    expect(modelBytes(model).length).toBeLessThan(23.5 * MB);
    const short = texts.slice(-8).map((text) => text.slice(0, 60));
    const [alone, together] = [await embeddings(model, short, 1), await embeddings(model, [...short, texts.toSorted((a, b) => b.length - a.length)[0]!], 9)];
    expect(Math.min(...alone.map((x) => Math.max(...together.map((y) => dot(x, y)))))).toBeGreaterThan(0.99999); // batches are sorted by length; attention adds float32 zeros for padding
  }, 120_000);

  test('smoothed, per layer what pays: near the original, with few layers slower than the fastest', async () => {
    const model = smoothed.clone();
    await dynamic.run(model, { ...DYNAMIC, activations: 'auto', data: 'calib' }, testPassContext({ data }));
    const count = (opType: string): number => [...model.nodes()].filter((n) => n.opType === opType).length;
    expect(await measured(model)).toBeGreaterThan(0.997);
    expect(count('DynamicQuantizeLinear')).toBeGreaterThan(count('ReduceMax') + count('MatMulNBits'));
  }, 240_000);

  test('with outliers in float: nearer than per token alone, and what the columns cover of other texts is told', async () => {
    const [plain, split] = [original.clone(), original.clone()];
    await dynamic.run(plain, DYNAMIC, testPassContext());
    const records: StepRecord[] = [];
    await outliers.run(split, OUTLIERS, testPassContext({ data, records }));
    expect(await measured(split)).toBeGreaterThan(await measured(plain));
    const withColumns = records.filter((r) => r.values['outlier-columns']! > 0);
    expect(withColumns.length).toBeGreaterThan(0);
    for (const { values } of withColumns) expect([values['coverage']! >= 0 && values['coverage']! <= 1, values['of-rowwise']! < 1]).toEqual([true, true]);
  }, 240_000);
});
