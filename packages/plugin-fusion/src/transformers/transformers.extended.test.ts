import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { distance, nodeCount, openModel, OrtRuntime, randomFeeds, ROUNDING_TOLERANCE, seeded, weightBytes, type Feed, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { simplify } from '../simplify/simplify.ts';
import { transformers } from './transformers.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');

/** The smallest correct result of eight tools, in nodes without Constant. Theirs for retriever-small is twice as large: its weights are stored in half precision, and 26 casts stay here. */
const SUBJECTS: readonly { name: string; path: string; best: number; cache?: boolean }[] = [
  { name: 'all-minilm-l6-v2', path: join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), best: 46 },
  { name: 'retriever-small', path: join(shared, 'models/retriever-small/onnx/model.onnx'), best: 46 + 26 },
  { name: 'bert-dynamo', path: join(shared, 'models/graphs/bert-dynamo.onnx'), best: 37 },
  { name: 'roberta-legacy', path: join(shared, 'models/graphs/roberta-legacy.onnx'), best: 43 },
  { name: 'llama-optimum', path: join(shared, 'models/graphs/llama-optimum.onnx'), best: 330, cache: true },
  { name: 'smollm2-135m', path: join(fixtures, 'smollm2-135m/model.onnx'), best: 2784 },
];

/** Which tokens count, of so many in row `row`: padding on either side, in the middle, or nothing but padding. */
const MASKS: Readonly<Record<string, (row: number, at: number, length: number) => boolean>> = {
  'no padding': () => true,
  'padding behind': (row, at, length) => at < length - row,
  'padding in front': (row, at) => at >= row,
  'padding in between': (row, at) => row === 0 || at !== 1,
  'a row of padding only': (row) => row !== 1,
};

/** Batch, length, and what the cache holds. */
const SIZES = [[1, 1, 0], [1, 7, 0], [3, 5, 0], [3, 1, 4], [2, 3, 4]] as const;

const runtime = new OrtRuntime();
const rows: string[] = [];
afterAll(() => void (rows.length && console.log(['model: nodes before → simplified → fused (best of eight tools)', ...rows].join('\n'))));

function feedsOf(model: Model, [batch, length, past]: readonly [number, number, number], mask: (typeof MASKS)[string]): Feeds {
  const dims: Record<string, number> = {};
  for (const v of model.graph.inputs) (v.dims ?? []).forEach((d, i) => typeof d === 'string' && (dims[d] = i === 0 ? batch : d.includes('+') ? past + length : d.includes('past') ? past : length));
  const feeds = randomFeeds(model, { random: seeded('masks'), dims });
  const given = feeds['attention_mask'];
  const total = given?.dims[1] ?? 0;
  const cached = Object.entries(feeds).filter(([name]) => name.startsWith('past')).map(([name, f]): [string, Feed] => [name, { ...f, data: Float32Array.from({ length: f.data.length }, (_, i) => Math.sin(i)) }]);
  const masked = given && { ...given, data: BigInt64Array.from({ length: given.data.length }, (_, i) => (mask(Math.floor(i / total), i % total, total) ? 1n : 0n)) };
  return { ...feeds, ...Object.fromEntries(cached), ...(masked && { attention_mask: masked }) };
}

describe.skipIf(!shared)('real models', () => {
  for (const { name, path, best, cache } of SUBJECTS) {
    test.skipIf(!existsSync(path))(`${name} computes the same in fewer nodes, whatever is padding`, async () => {
      const before = openModel(path);
      const after = before.clone();
      await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext());
      const simple = nodeCount(after);
      const bytes = weightBytes(after);
      await transformers.run(after, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
      rows.push(`${name}: ${nodeCount(before)} → ${simple} → ${nodeCount(after)} (${best}), ${weightBytes(before)} → ${bytes} → ${weightBytes(after)} bytes`);
      expect(nodeCount(after)).toBeLessThanOrEqual(best);

      const was = await runtime.load(before, { optimize: 'none' });
      for (const optimize of ['none', 'basic', 'all'] as const) {
        const is = await runtime.load(after, { optimize });
        for (const [kind, mask] of Object.entries(MASKS)) {
          for (const size of SIZES) {
            if (size[2] > 0 && !cache) continue;
            const feeds = feedsOf(before, size, mask);
            const [a, b] = [await was.run(feeds), await is.run(feeds)];
            for (const output of Object.keys(a)) expect(distance(a[output]!, b[output]!), `${output}, ${kind}, ${size.join('x')}, ${optimize}`).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
          }
        }
        await is.dispose();
      }
      await was.dispose();
    }, 600_000);
  }
});
