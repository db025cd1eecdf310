import { readFileSync } from 'node:fs';
import { distance, nodeCount, OrtRuntime, parseModel, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feed, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { simplify } from '../simplify/simplify.ts';
import { transformers } from './transformers.ts';

/** What is left of each exporter's graph: nodes before, simplified and fused, and the operators that came of attention. */
const EXPORTS: Readonly<Record<string, { readonly nodes: readonly [number, number, number]; readonly attention: readonly string[] }>> = {
  'bert-eager': { nodes: [101, 72, 11], attention: ['Attention'] },
  'bert': { nodes: [127, 78, 22], attention: ['Attention'] },
  'clip': { nodes: [299, 185, 82], attention: ['Attention', 'Attention'] },
  'deberta-v2': { nodes: [349, 135, 90], attention: ['MultiHeadAttention'] },
  'distilbert': { nodes: [86, 68, 16], attention: ['Attention'] },
  'gpt2': { nodes: [281, 119, 72], attention: ['MultiHeadAttention'] },
  'llama': { nodes: [244, 108, 78], attention: ['RotaryEmbedding', 'RotaryEmbedding', 'MultiHeadAttention'] },
  'modernbert': { nodes: [156, 87, 43], attention: ['RotaryEmbedding', 'RotaryEmbedding', 'MultiHeadAttention'] },
  'mpnet': { nodes: [146, 100, 48], attention: ['Attention'] },
  'phi': { nodes: [196, 114, 77], attention: ['RotaryEmbedding', 'RotaryEmbedding', 'MultiHeadAttention'] },
  'qwen2': { nodes: [240, 104, 66], attention: ['RotaryEmbedding', 'RotaryEmbedding', 'GroupQueryAttention'] },
  'qwen3': { nodes: [261, 119, 94], attention: ['RotaryEmbedding', 'RotaryEmbedding', 'MultiHeadAttention'] },
  'roberta': { nodes: [146, 86, 29], attention: ['Attention'] },
  't5-decoder': { nodes: [258, 134, 93], attention: ['MultiHeadAttention', 'MultiHeadAttention'] },
  't5-encoder': { nodes: [107, 76, 51], attention: ['Attention'] },
  'vit': { nodes: [106, 70, 19], attention: ['Attention'] },
};

/** Which tokens count: all, padding behind or in front, a row of padding only. */
const MASKS: readonly ((row: number, at: number, length: number) => boolean)[] = [() => true, (row, at, length) => at < length - row, (row, at) => at >= row, (row) => row !== 1];

/** Batch, new tokens, and how many the cache holds. */
const SIZES = [[1, 1, 0], [3, 4, 0], [3, 1, 3], [1, 3, 2], [3, 3, 2]] as const;

const IMAGE = 8;
const VOCABULARY = 13;

const runtime = new OrtRuntime();
const rows: string[] = [];
afterAll(() => console.log(['export: nodes before → simplified → fused', ...rows].join('\n')));

const read = (name: string): Model => parseModel(readFileSync(new URL(`exports/${name}.txt`, import.meta.url), 'utf8'));
const hasCache = (model: Model): boolean => model.graph.inputs.some((v) => v.name.startsWith('past'));

function feedsOf(model: Model, [batch, length, past]: readonly [number, number, number], mask: (typeof MASKS)[number]): Feeds {
  const sizeOf = (d: string, axis: number): number => (axis === 0 ? batch : d.includes('channels') ? 3 : d.includes('height') || d.includes('width') ? IMAGE : d.includes('+') ? past + length : d.includes('past') ? past : length);
  const dims = Object.fromEntries(model.graph.inputs.flatMap((v) => (v.dims ?? []).flatMap((d, i) => (typeof d === 'string' ? [[d, sizeOf(d, i)] as const] : []))));
  const drawn = randomFeeds(model, { random: seeded('exports'), dims });
  return Object.fromEntries(Object.entries(drawn).map(([name, f]): [string, Feed] => {
    if (f.dtype === 'float32') return [name, { ...f, data: Float32Array.from({ length: f.data.length }, (_, i) => Math.sin(i * 1.3)) }];
    const width = f.dims[1] ?? 1;
    const numberAt = (i: number): number => (name.includes('mask') ? Number(mask(Math.floor(i / width), i % width, width)) : name === 'position_ids' ? past + (i % width) : name === 'token_type_ids' ? i % 2 : (i * 7 + 3) % VOCABULARY);
    return [name, { ...f, data: BigInt64Array.from({ length: f.data.length }, (_, i) => BigInt(numberAt(i))) }];
  }));
}

async function assertSame(before: Model, after: Model): Promise<void> {
  const was = await runtime.load(before, { optimize: 'none', threads: 1 });
  for (const optimize of ['none', 'basic', 'all'] as const) {
    const is = await runtime.load(after, { optimize, threads: 1 });
    for (const size of SIZES) {
      if (size[2] > 0 && !hasCache(before)) continue;
      for (const [i, mask] of MASKS.entries()) {
        const feeds = feedsOf(before, size, mask);
        const [a, b] = [await was.run(feeds), await is.run(feeds)];
        for (const output of Object.keys(a)) expect(distance(a[output]!, b[output]!), `${output}, mask ${i}, ${size.join('x')}, ${optimize}`).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
      }
    }
    await is.dispose();
  }
  await was.dispose();
}

const attentionOf = (model: Model): string[] => model.graph.ordered().map((n) => n.opType).filter((name) => name.endsWith('Attention') || name === 'RotaryEmbedding' || name === 'Softmax');

describe('exporters’ graphs', () => {
  for (const [name, { nodes, attention }] of Object.entries(EXPORTS)) {
    test(`${name} computes the same in fewer nodes, for every batch, length, mask and cache`, async () => {
      const before = read(name);
      const after = before.clone();
      await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
      const counts = [nodeCount(before), nodeCount(after)];
      const standard = after.clone();
      const fastest = after.clone();
      await transformers.run(after, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
      counts.push(nodeCount(after));
      rows.push(`${name}: ${counts.join(' → ')}`);
      expect(attentionOf(after)).toEqual(attention);
      for (const [i, most] of nodes.entries()) expect(counts[i]).toBeLessThanOrEqual(most);
      await assertSame(before, after);
      await transformers.run(standard, { target: 'onnx', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
      expect([...standard.graph.opsets.keys()]).toEqual(['']);
      await assertSame(before, standard);
      await transformers.run(fastest, { target: 'onnxruntime', prefer: 'fastest', opset: 'auto', exclude: [] }, testPassContext());
      await assertSame(before, fastest);
    });
  }
});
