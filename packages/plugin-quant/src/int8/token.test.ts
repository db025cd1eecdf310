import { parseModel, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { correlated } from '../calibrated/testing.ts';
import { dynamic } from '../dynamic.ts';
import { largestGap, LEVELS, outputFor, rowWiseProduct } from './testing.ts';

const [K, N, TOKENS] = [24, 10, 40];
const { x, w } = correlated(K, N, TOKENS);
const DEFAULTS: Parameters<typeof dynamic.run>[1] = { activations: 'token', slowdown: 0.05, blocks: true, 'per-channel': true, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };

/** A product, with its weight as text. */
const product = (): Model => parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[n, ${K}] x) => (float[n, ${N}] y) <float[${K}, ${N}] w = {${[...w].join(', ')}}> { y = MatMul(x, w) }`);

async function quantized(options: Partial<typeof DEFAULTS> = {}): Promise<Model> {
  const model = product();
  await dynamic.run(model, { ...DEFAULTS, ...options }, testPassContext());
  return model;
}

/** float32 sums and scales beside float64 ones, and a code of a row that falls to the other side of a tie now and then. */
const ROUNDING = 2e-3;
/** The same integers, multiplied by float32 scales in one order or another. */
const ORDER = 1e-6;

test.each([{ 'reduce-range': false, highest: 127 }, { 'reduce-range': true, highest: 63 }] as const)('per token a product is that of the definition: $highest', async ({ highest, ...options }) => {
  expect(largestGap(rowWiseProduct(x, w, K, N, { highest }), await outputFor(await quantized(options), x, K))).toBeLessThan(ROUNDING);
});

test.each(['token', 'tensor'] as const)('per %s a product is the same at each level of optimization', async (activations) => {
  const model = await quantized({ activations });
  const [none, basic, all] = [await outputFor(model, x, K, LEVELS[0]), await outputFor(model, x, K, LEVELS[1]), await outputFor(model, x, K, LEVELS[2])];
  expect(largestGap(none, basic)).toBeLessThan(ORDER);
  expect(largestGap(none, all)).toBeLessThan(ORDER);
});

test('per token a row is what it is alone, whatever it shares a batch with', async () => {
  const model = await quantized();
  const together = await outputFor(model, Float32Array.from([...x.slice(0, 3 * K), ...x.slice(0, K).map((v) => v * 1000)]), K);
  for (let row = 0; row < 3; row++) expect([...together.slice(row * N, (row + 1) * N)]).toEqual([...(await outputFor(model, x.slice(row * K, (row + 1) * K), K))]);
});

test('with one scale for all, a row is another beside a large one', async () => {
  const model = await quantized({ activations: 'tensor' });
  const together = await outputFor(model, Float32Array.from([...x.slice(0, K), ...x.slice(0, K).map((v) => v * 1000)]), K);
  expect(largestGap(await outputFor(model, x.slice(0, K), K), together.slice(0, N))).toBeGreaterThan(0.1);
});

test('rows of zeros, of tiny and of huge numbers', async () => {
  const model = await quantized();
  const rows = [0, 1e-38, 1e30].flatMap((size) => [...x.slice(0, K)].map((v) => v * size));
  const y = await outputFor(model, Float32Array.from(rows), K);
  expect([...y.slice(0, 2 * N)].every((v) => Math.abs(v) < 1e-35)).toBe(true);
  expect(largestGap(rowWiseProduct(x.slice(0, K), w, K, N).map((v) => v * 1e30), y.slice(2 * N))).toBeLessThan(ROUNDING);
});
