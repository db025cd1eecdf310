import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { distance, openModel, OrtRuntime, randomFeeds, ROUNDING_TOLERANCE, seeded, weightBytes, type Feed, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { rotate } from './rotate.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');
const OPTIONS = { tied: 'product', products: 2, include: [], exclude: [], 'on-refused': 'fail' } as const;

const DECODERS = [
  { name: 'smollm2-135m', path: join(fixtures, 'smollm2-135m/model.onnx') },
  { name: 'llama-optimum', path: join(shared, 'models/graphs/llama-optimum.onnx') },
];
const ENCODERS = [
  { name: 'all-minilm-l6-v2', path: join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx') },
  { name: 'bert-dynamo', path: join(shared, 'models/graphs/bert-dynamo.onnx') },
];

/** Two texts of six tokens, behind a cache of three where the model has one. */
function feedsOf(model: Model): Feeds {
  const dims: Record<string, number> = {};
  for (const v of model.graph.inputs) (v.dims ?? []).forEach((d, i) => typeof d === 'string' && (dims[d] = i === 0 ? 2 : d.includes('+') ? 9 : d.includes('past') ? 3 : 6));
  const feeds = randomFeeds(model, { random: seeded('rotate'), dims });
  const mask = feeds['attention_mask'];
  const ones = mask && ({ ...mask, data: new BigInt64Array(mask.data.length).fill(1n) } satisfies Feed);
  return { ...feeds, ...(ones && { attention_mask: ones }) };
}

/** The initializer that token ids look up. */
const tableOf = (model: Model): string => [...model.graph.nodes].find((n) => n.is('Gather') && n.inputs[0]?.isConstant() && n.inputs[0].rank === 2)!.inputs[0]!.name;

async function outputs(model: Model, runtime: OrtRuntime): Promise<Feeds> {
  const session = await runtime.load(model, { optimize: 'all' });
  try {
    return await session.run(feedsOf(model));
  } finally {
    await session.dispose();
  }
}

describe.skipIf(!shared)('real models', () => {
  for (const { name, path } of DECODERS) {
    test.skipIf(!existsSync(path))(`${name} computes the same after its stream was turned`, async () => {
      const before = openModel(path);
      const after = before.clone();
      await rotate.run(after, OPTIONS, testPassContext());
      const runtime = new OrtRuntime();
      const [was, is] = [await outputs(before, runtime), await outputs(after, runtime)];
      for (const [output, feed] of Object.entries(was)) expect(distance(feed, is[output]!), output).toBeLessThan(ROUNDING_TOLERANCE);
      const width = before.graph.value(tableOf(before))!.dims!.at(-1) as number; // a table's sizes are known
      expect(weightBytes(after) - weightBytes(before)).toBeLessThanOrEqual(4 * width ** 2); // a tied table is still one, with a product behind it
    }, 600_000);
  }

  for (const { name, path } of ENCODERS) {
    test.skipIf(!existsSync(path))(`${name} is refused: its normalizations write to the stream`, async () => {
      await expect(async () => rotate.run(openModel(path), OPTIONS, testPassContext())).rejects.toThrow('post-norm models');
    });
  }
});
