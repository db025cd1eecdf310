import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openModel, Runtime, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext, testServices } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { weights } from './weights.ts';

const MODEL = fileURLToPath(new URL(join('../../../examples/retriever/model', 'onnx/model.onnx'), import.meta.url));
type Options = Parameters<typeof weights.run>[1];
const DEFAULTS: Options = { bits: 4, block: 32, mode: 'asymmetric', embeddings: 8, search: 'none', scales: 'auto', format: 'MatMulNBits', 'accuracy-level': 1, include: [], exclude: [], 'on-nonfinite': 'fail', 'on-quantized': 'keep' };
/** Other fusions add in another order: six layers of float32 sums. */
const ROUNDING = 1e-4;
/** Of onnxruntime's own block products with int8 activations, which it makes of QDQ. */
const INT8_ACTIVATIONS = 0.995;

const ids = BigInt64Array.from({ length: 3 * 24 }, (_, i) => BigInt(1000 + ((i * 7919) % 9000)));
const FEEDS: Feeds = {
  input_ids: { dtype: 'int64', dims: [3, 24], data: ids },
  attention_mask: { dtype: 'int64', dims: [3, 24], data: new BigInt64Array(72).fill(1n) },
  token_type_ids: { dtype: 'int64', dims: [3, 24], data: new BigInt64Array(72) },
};

async function outputOf(model: Model, optimize: 'none' | 'basic' | 'all'): Promise<Float32Array> {
  const session = await testServices().get(Runtime).load(model, { optimize, threads: 2 });
  try {
    const feeds = Object.fromEntries(Object.entries(FEEDS).filter(([name]) => session.inputs.includes(name)));
    return Object.values(await session.run(feeds))[0]!.data as Float32Array; // hidden states
  } finally {
    await session.dispose();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, i) => {
    ab += x * b[i]!;
    aa += x * x;
    bb += b[i]! * b[i]!;
  });
  return ab / Math.sqrt(aa * bb);
}

describe('a real encoder', () => {
  test.each([
    { name: '4 bits, tables in 8', options: {}, atLeast: 0.95, bytes: 12e6 },
    { name: '4 bits, tables too', options: { embeddings: 4 }, atLeast: 0.94, bytes: 9.2e6 },
    { name: '8 bits', options: { bits: 8, mode: 'symmetric' }, atLeast: 0.999, bytes: 18e6 },
    { name: '4 bits, operators of ONNX itself', options: { format: 'QDQ' }, atLeast: 0.95, bytes: 12e6 },
  ] as const)('$name: small, near the original, and the same at each level of optimization', async ({ options, atLeast, bytes }) => {
    const original = openModel(MODEL);
    const model = original.clone();
    await weights.run(model, { ...DEFAULTS, ...options }, testPassContext());
    const stored = [...model.graph.initializers.values()].reduce((sum, v) => sum + v.constant.byteLength, 0);
    expect(stored).toBeLessThan(bytes);
    const was = await outputOf(original, 'all');
    const [none, basic, all] = [await outputOf(model, 'none'), await outputOf(model, 'basic'), await outputOf(model, 'all')];
    expect(cosine(was, none)).toBeGreaterThan(atLeast);
    const largest = none.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const apart = (other: Float32Array): number => none.reduce((most, x, i) => Math.max(most, Math.abs(x - other[i]!)), 0) / largest;
    expect(apart(basic)).toBeLessThan(ROUNDING);
    if ('format' in options) expect(cosine(none, all)).toBeGreaterThan(INT8_ACTIVATIONS);
    else expect(apart(all)).toBeLessThan(ROUNDING);
  }, 120_000);
});
