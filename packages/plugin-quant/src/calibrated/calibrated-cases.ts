import { parseModel, Runtime, type Dataset, type Feeds, type Model } from '@onnxpress/core';
import { testServices } from '@onnxpress/core/testing';
import { correlated } from './testing.ts';

const [H, F] = [32, 64];
const numbers = (count: number, seed: number): string => Array.from({ length: count }, (_, i) => (Math.sin((i + 1) * seed) * 0.1).toFixed(5)).join(', ');

/** A block as decoders have it, without attention: norm, gate and up, their product, down, and the residual; channels of very different sizes. */
export const gatedBlock = (opset = 17): string => `<ir_version: 8, opset_import: ["": ${opset}]>
  block (float[n, ${H}] x) => (float[n, ${H}] y)
  <float[${H}] gain = {${Array.from({ length: H }, (_, i) => Math.exp(Math.sin(i * 2.3)).toFixed(5)).join(', ')}}, float[${H}] zero = {${Array<number>(H).fill(0).join(', ')}},
   float[${H}, ${F}] gate = {${numbers(H * F, 12.9898)}}, float[${H}, ${F}] up = {${numbers(H * F, 78.233)}}, float[${F}, ${H}] down = {${numbers(F * H, 37.719)}}> {
    h = LayerNormalization(x, gain, zero)
    g = MatMul(h, gate)
    s = Sigmoid(g)
    u = MatMul(h, up)
    m = Mul(s, u)
    d = MatMul(m, down)
    y = Add(d, x)
  }`;

const ROWS = 64;
const HELD_OUT = 100;
const BATCHES = 4;
const { x: rows } = correlated(H, 1, BATCHES * ROWS + HELD_OUT);

/** Correlated inputs for `gatedBlock`: four batches of 64 rows. */
export const gatedData: Extract<Dataset, { readonly kind: 'tensors' }> = {
  kind: 'tensors', fingerprint: 'gated', count: BATCHES,
  async *feeds() {
    for (let b = 0; b < BATCHES; b++) yield { x: { dtype: 'float32', dims: [ROWS, H], data: rows.slice(b * ROWS * H, (b + 1) * ROWS * H) } };
  },
};

/** Outputs of a model on rows that `gatedData` leaves out. */
export async function outputsOf(model: Model): Promise<Float32Array> {
  const session = await testServices().get(Runtime).load(model);
  try {
    const feeds: Feeds = { x: { dtype: 'float32', dims: [HELD_OUT, H], data: rows.slice(BATCHES * ROWS * H) } };
    return (await session.run(feeds))['y']!.data as Float32Array; // the block's output
  } finally {
    await session.dispose();
  }
}

/** Squared difference relative to the square of `a`. */
export function apart(a: Float32Array, b: Float32Array): number {
  let [off, own] = [0, 0];
  for (let i = 0; i < a.length; i++) [off, own] = [off + (a[i]! - b[i]!) ** 2, own + a[i]! ** 2];
  return off / own;
}

export const original = (): Model => parseModel(gatedBlock());
