import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { locateModel, openModel } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { beir } from './data/beir.ts';
import { texts } from './data/texts.ts';
import { perplexity } from './evaluate/perplexity.ts';
import { retrieval } from './evaluate/retrieval.ts';

const shared = process.env['ONNXPRESS_SHARED'];
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');

/** By trec_eval (map) and pytrec_eval, to the four digits that are printed. */
const reference = [
  ['retriever-small', join(shared ?? '', 'models', 'retriever-small'), { 'ndcg@10': 0.3716, 'recall@10': 0.4117, 'mrr@10': 0.5295, map: 0.3211 }],
  ['all-minilm-l6-v2', join(fixtures, 'all-minilm-l6-v2'), { 'ndcg@10': 0.3733, 'recall@10': 0.4136, 'mrr@10': 0.5346, map: 0.3226 }],
] as const;

describe.skipIf(shared === undefined)('Cranfield at 256 tokens gives the reference figures', () => {
  for (const [name, folder, expected] of reference) test.skipIf(!existsSync(folder))(name, { timeout: 600_000 }, async () => {
    const context = testContext({ folder: join(shared!, 'data'), threads: 0 });
    const data = await beir.open({ folder: 'cranfield', split: 'test' }, context);
    const model = openModel(locateModel(folder));
    const measured = await retrieval.measure(
      { original: model, result: model },
      { data: 'cranfield', k: 10, pooling: 'mean', normalize: true, 'query-prefix': '', 'document-prefix': '', batch: 32, 'max-length': 256 },
      testContext({ threads: 0, data: { cranfield: data } }));
    const rounded = Object.fromEntries(Object.keys(expected).map((metric) => [metric, Number(measured.result.metrics[metric]!.toFixed(4))]));
    expect(rounded).toEqual(expected);
    expect(measured.result.metrics['batch-consistency']).toBeGreaterThan(0.9999); // float32 kernels look at one row at a time
  });
});

const decoder = join(fixtures, 'smollm2-135m');

describe.skipIf(shared === undefined || !existsSync(decoder))('WikiText-2 in windows of 512 tokens', () => {
  test('the perplexity of SmolLM2 over the first four is that of Python, and a model does not diverge from itself', { timeout: 600_000 }, async () => {
    const context = testContext({ folder: join(shared!, 'data') });
    const data = await texts.open({ file: 'wikitext2/valid.txt', field: 'text', shuffle: false, seed: 0, skip: 0, take: 4, window: 512 }, context);
    const models = { original: openModel(locateModel(decoder)), result: openModel(locateModel(decoder)) };
    const { result } = await perplexity.measure(models, { data: 'valid' }, testContext({ threads: 0, data: { valid: data } }));
    expect(result.metrics['perplexity']).toBeCloseTo(18.506, 3);
    expect(result.perExample?.['kl']).toEqual([0, 0, 0, 0]);
    expect(result.metrics['top1']).toBe(1);
  });
});
