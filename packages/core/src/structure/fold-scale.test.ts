import { float32sOf, parseModel, type Model } from '@onnxpress/onnx';
import { describe, expect, test } from 'vitest';
import { randomFeeds } from '../run/feeds.ts';
import { seeded } from '../run/random.ts';
import { distance } from '../run/distance.ts';
import { Runtime } from '../services/tokens.ts';
import { testServices } from '../testing/test-context.ts';
import { tinyTransformer } from '../testing/tiny-transformer.ts';
import { foldScale, insertScale } from './fold-scale.ts';
import { mappingsOf } from './mappings.ts';

/** Scales of two binary orders move a float32 result by a few roundings. */
const ROUNDINGS = 1e-5;

async function outputs(model: Model): Promise<ReturnType<typeof randomFeeds>> {
  const session = await testServices().get(Runtime).load(model, { threads: 1, optimize: 'all' });
  try {
    return await session.run(randomFeeds(model, { random: seeded('fold'), dims: { B: 2, S: 5 } }));
  } finally {
    await session.dispose();
  }
}

const scales = (count: number): Float64Array => Float64Array.from({ length: count }, (_, c) => 2 ** Math.sin(3 * c));

describe('scales go where the channels are made and back out where they are read, and nothing changes', () => {
  test.each([
    ['rms written out, grouped heads', tinyTransformer({ heads: 4, valueHeads: 2, layers: 2 })],
    ['layer normalization with biases', tinyTransformer({ norm: 'layer' })],
    ['post-norm, by a Mul', tinyTransformer({ norm: 'layer', order: 'post' })],
  ])('%s', async (_, text) => {
    const before = parseModel(text);
    const after = before.clone();
    const { found } = mappingsOf(after);
    expect(found.length).toBeGreaterThan(3);
    for (const m of found) (m.unfoldable === undefined ? foldScale : insertScale)(m, scales(m.channels));
    const [was, is] = [await outputs(before), await outputs(after)];
    const apart = distance(was['logits']!, is['logits']!);
    expect(apart).toBeLessThan(ROUNDINGS);
    expect(apart).toBeGreaterThan(0);
  });
});

test('a vector that others read too is divided for this reader alone', () => {
  const text = '<ir_version: 10, opset_import: ["" : 17]> f (float[N, 2] x) => (float[N, 2] y, float[N, 2] z) <float[2] g = {1, 2}, float[2, 2] w = {1, 0, 0, 1}> { n = LayerNormalization(x, g)  y = MatMul(n, w)  z = LayerNormalization(x, g) }';
  const model = parseModel(text);
  const [mapping] = mappingsOf(model).found;
  foldScale(mapping!, Float64Array.of(2, 4));
  expect([...float32sOf(model.graph.initializers.get('g')!.constant)]).toEqual([1, 2]);
  expect([...float32sOf(model.graph.initializers.get('g_scaled')!.constant)]).toEqual([0.5, 0.5]);
  expect([...float32sOf(model.graph.initializers.get('w')!.constant)]).toEqual([2, 0, 0, 4]);
});

test('what does not fold is refused with the reason', () => {
  const { found } = mappingsOf(parseModel(tinyTransformer({ norm: 'layer', order: 'post' })));
  expect(() => foldScale(found.find((m) => m.unfoldable)!, scales(8))).toThrow('cannot be folded: Add "layers_0_attention_sum" reads it too');
});
