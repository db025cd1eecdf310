import { distance, nodeCount, OrtRuntime, parseModel, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { simplify } from '../../simplify/simplify.ts';
import { shown } from '../../testing/applied.ts';
import { transformers } from '../transformers.ts';
import { DYNAMO } from './layers.ts';

const runtime = new OrtRuntime();
async function run(model: Model, feeds: Feeds): Promise<Feeds> {
  const session = await runtime.load(model, { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** Nodes that fusion/simplify leaves of each. */
const SIMPLE: Readonly<Record<string, number>> = { bert: 61, vit: 57 };

/** What the same layers become when an exporter writes them without functions. */
const FUSED: Readonly<Record<string, readonly string[]>> = {
  bert: ['Cast', 'Attention', 'MatMul', 'SkipLayerNormalization', 'MatMul', 'BiasGelu', 'MatMul', 'SkipLayerNormalization'],
  vit: ['LayerNormalization', 'Attention', 'MatMul', 'SkipLayerNormalization', 'MatMul', 'BiasGelu', 'MatMul', 'Add', 'Add'],
};

for (const [name, text] of Object.entries(DYNAMO)) {
  test(`functions of ${name} in functions become what they would be without`, async () => {
    const before = parseModel(text);
    const after = before.clone();
    await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, functions: 'inline', exclude: [] }, testPassContext({ usesRuntime: true }));
    expect(after.functions.size).toBe(0);
    const simple = nodeCount(after);
    await transformers.run(after, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
    expect(shown(after).map((line) => line.split(' = ')[1]!.split('(')[0])).toEqual(FUSED[name]);
    expect(simple).toBeLessThanOrEqual(SIMPLE[name]!);
    for (const [B, S] of [[1, 1], [3, 5]] as const) {
      const feeds = randomFeeds(before, { random: seeded(name), dims: { B, S }, varied: true });
      expect(distance((await run(before, feeds))['y']!, (await run(after, feeds))['y']!)).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
    }
  });
}
