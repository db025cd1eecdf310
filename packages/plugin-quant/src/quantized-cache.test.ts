import { normal, OrtRuntime, parseModel, seeded, type Feed, type Model } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { inSteps, largestGap } from './int8/testing.ts';

/* What docs/quantize.md says of onnxruntime's caches in few bits: nothing here writes them, and the page changes when one of these does. */

const [HEADS, VALUE_HEADS, SIZE, TOKENS] = [4, 2, 32, 5];
const WIDTH = VALUE_HEADS * SIZE;
/** Of float32 sums of some dozens of products, beside float64. */
const ROUNDING = 1e-4;

/** Numbers of a cache: how they are stored, and what codes there are. */
const BITS = {
  8: { type: 'int8', lowest: -128, highest: 127, stored: SIZE },
  4: { type: 'uint8', lowest: -8, highest: 7, stored: SIZE / 2 }, // two codes to a byte
} as const;
type Bits = keyof typeof BITS;

/** GroupQueryAttention behind an empty cache; scales are the model's own. */
function attention(bits: Bits, scales: readonly number[], per: 'TENSOR' | 'CHANNEL'): Model {
  const { type, stored } = BITS[bits];
  const cache = `${type}[1, ${VALUE_HEADS}, P, ${stored}]`;
  const present = `${type}[1, ${VALUE_HEADS}, T, ${stored}]`;
  const given = scales.map(String).join();
  return parseModel(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[1, S, ${HEADS * SIZE}] q, float[1, S, ${WIDTH}] k, float[1, S, ${WIDTH}] v, ${cache} past_k, ${cache} past_v, int32[1] last, int32 total) => (float[1, S, ${HEADS * SIZE}] y, ${present} new_k, ${present} new_v)
    <float[${scales.length}] k_scale = {${given}}, float[${scales.length}] v_scale = {${given}}> {
      y, new_k, new_v = com.microsoft.GroupQueryAttention <num_heads = ${HEADS}, kv_num_heads = ${VALUE_HEADS}, kv_cache_bit_width = ${bits}, k_quant_type = "PER_${per}", v_quant_type = "PER_${per}"> (q, k, v, past_k, past_v, last, total, , , , , , k_scale, v_scale)
    }`);
}

/** Causal attention over keys and values in steps of their scales, in float64. */
function oracle(q: Float32Array, k: Float32Array, v: Float32Array, bits: Bits, stepAt: (channel: number) => number): number[] {
  const { lowest, highest } = BITS[bits];
  const stored = (x: Float32Array): number[] => Array.from(x, (a, i) => Math.min(highest, Math.max(lowest, inSteps(a, stepAt(i % WIDTH)) / stepAt(i % WIDTH))) * stepAt(i % WIDTH));
  const [keys, values] = [stored(k), stored(v)];
  const out: number[] = [];
  for (let t = 0; t < TOKENS; t++) for (let h = 0; h < HEADS; h++) {
    const from = Math.floor((h * VALUE_HEADS) / HEADS) * SIZE;
    const logits = Array.from({ length: t + 1 }, (_, u) => Array.from({ length: SIZE }, (_, d) => q[(t * HEADS + h) * SIZE + d]! * keys[u * WIDTH + from + d]!).reduce((a, b) => a + b) / Math.sqrt(SIZE));
    const weights = logits.map((x) => Math.exp(x - Math.max(...logits)));
    const sum = weights.reduce((a, b) => a + b);
    for (let d = 0; d < SIZE; d++) out.push(weights.reduce((a, w, u) => a + (w / sum) * values[u * WIDTH + from + d]!, 0));
  }
  return out;
}

const random = seeded('cache');
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => normal(random));
const [q, k, v] = [numbers(TOKENS * HEADS * SIZE), numbers(TOKENS * WIDTH), numbers(TOKENS * WIDTH)];
const part = (x: Float32Array, from: number, to: number): Feed => ({ dtype: 'float32', dims: [1, to - from, x.length / TOKENS], data: x.slice((x.length / TOKENS) * from, (x.length / TOKENS) * to) });

/** The tokens one after the other from `first` on, behind those before it at once. */
async function run(model: Model, bits: Bits, first: number): Promise<{ readonly y: Float32Array; readonly cache: Feed }> {
  const { type, stored } = BITS[bits];
  const empty: Feed = { dtype: type, dims: [1, VALUE_HEADS, 0, stored], data: type === 'int8' ? new Int8Array(0) : new Uint8Array(0) };
  const session = await new OrtRuntime().load(model, { threads: 1 });
  try {
    let [pastKeys, pastValues] = [empty, empty];
    const y: number[] = [];
    for (let [from, to] = [0, first]; from < TOKENS; [from, to] = [to, to + 1]) {
      const made = await session.run({ q: part(q, from, to), k: part(k, from, to), v: part(v, from, to), past_k: pastKeys, past_v: pastValues, last: { dtype: 'int32', dims: [1], data: Int32Array.of(to - 1) }, total: { dtype: 'int32', dims: [], data: Int32Array.of(to) } });
      y.push(...(made['y']!.data as Float32Array)); // the attention's float output
      [pastKeys, pastValues] = [made['new_k']!, made['new_v']!];
    }
    return { y: Float32Array.from(y), cache: pastKeys };
  } finally {
    await session.dispose();
  }
}

const perChannel = Array.from({ length: WIDTH }, (_, i) => 0.02 + 0.001 * (i % 7));
for (const [bits, factor] of [[8, 1], [4, 20]] as const) for (const per of ['TENSOR', 'CHANNEL'] as const) {
  test(`onnxruntime-node attends to a cache of ${bits} bits with a scale per ${per.toLowerCase()}, and rightly`, async () => {
    const scales = (per === 'TENSOR' ? [0.025] : perChannel).map((s) => Math.fround(s * factor));
    const { y, cache } = await run(attention(bits, scales, per), bits, 3);
    expect([cache.dtype, cache.dims]).toEqual([BITS[bits].type, [1, VALUE_HEADS, TOKENS, BITS[bits].stored]]);
    expect(largestGap(oracle(q, k, v, bits, (channel) => scales[channel % scales.length]!), y)).toBeLessThan(ROUNDING);
  });
}
