/**
 * What onnxruntime makes of keys and values in few bits: GroupQueryAttention with the heads of SmolLM2-135M (9 over 3 of 64), a cache of 2,048 tokens, and one new token
 * or 512 at once. Time and bytes of the cache relative to float32 in the same rounds; the cache goes in and comes out as it does in every step of decoding.
 * Usage: node bench/cache.mjs [rounds]
 */
import { OrtRuntime, parseModel } from '@onnxpress/core';
import { median } from './harness.mjs';

const ROUNDS = Number(process.argv[2] ?? 31);
const [HEADS, VALUE_HEADS, SIZE, PAST] = [9, 3, 64, 2048];
const WIDTH = VALUE_HEADS * SIZE;
const FORMS = [
  { name: 'float32', type: 'float', dtype: 'float32', make: Float32Array, stored: SIZE },
  { name: '8 bits, a scale per tensor', type: 'int8', dtype: 'int8', make: Int8Array, stored: SIZE, bits: 8, per: 'TENSOR' },
  { name: '8 bits, a scale per channel', type: 'int8', dtype: 'int8', make: Int8Array, stored: SIZE, bits: 8, per: 'CHANNEL' },
  { name: '4 bits, a scale per channel', type: 'uint8', dtype: 'uint8', make: Uint8Array, stored: SIZE / 2, bits: 4, per: 'CHANNEL' },
];

const runtime = new OrtRuntime();
for (const tokens of [1, 512]) {
  const prepared = await Promise.all(FORMS.map(async (form) => ({ form, session: await runtime.load(model(form), { threads: 2 }), feeds: feeds(form, tokens), times: [] })));
  for (let round = 0; round < ROUNDS; round++) for (const { session, feeds: given, times } of prepared) times.push(await session.time(given));
  const [plain] = prepared;
  for (const { form, feeds: given, times, session } of prepared) {
    const share = (a, b) => (a / b).toFixed(2);
    console.log(`${`${tokens} new, cache of ${form.name}`.padEnd(48)} time ${share(median(times), median(plain.times))}   bytes ${share(given.past_k.data.byteLength, plain.feeds.past_k.data.byteLength)}   (${median(times).toFixed(2)} ms)`);
    await session.dispose();
  }
}

function model({ type, stored, bits, per }) {
  const count = per === 'CHANNEL' ? WIDTH : 1;
  const scale = Array(count).fill(bits === 4 ? 0.4 : 0.025).join();
  const [attributes, scales] = bits ? [`, kv_cache_bit_width = ${bits}, k_quant_type = "PER_${per}", v_quant_type = "PER_${per}"`, ', , , , , , k_scale, v_scale'] : ['', ''];
  const cache = (length) => `${type}[1, ${VALUE_HEADS}, ${length}, ${stored}]`;
  return parseModel(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[1, S, ${HEADS * SIZE}] q, float[1, S, ${WIDTH}] k, float[1, S, ${WIDTH}] v, ${cache('P')} past_k, ${cache('P')} past_v, int32[1] last, int32 total) => (float[1, S, ${HEADS * SIZE}] y, ${cache('T')} new_k, ${cache('T')} new_v)
    <float[${count}] k_scale = {${scale}}, float[${count}] v_scale = {${scale}}> {
      y, new_k, new_v = com.microsoft.GroupQueryAttention <num_heads = ${HEADS}, kv_num_heads = ${VALUE_HEADS}${attributes}> (q, k, v, past_k, past_v, last, total${scales})
    }`);
}

function feeds({ dtype, make, stored }, tokens) {
  const floats = (width) => ({ dtype: 'float32', dims: [1, tokens, width], data: Float32Array.from({ length: tokens * width }, (_, i) => Math.sin(i * 1.7)) });
  const past = { dtype, dims: [1, VALUE_HEADS, PAST, stored], data: make.from({ length: VALUE_HEADS * PAST * stored }, (_, i) => (dtype === 'float32' ? Math.sin(i * 2.3) : (i * 37) % 100)) };
  const whole = (...values) => Int32Array.from(values);
  return { q: floats(HEADS * SIZE), k: floats(WIDTH), v: floats(WIDTH), past_k: past, past_v: past, last: { dtype: 'int32', dims: [1], data: whole(PAST + tokens - 1) }, total: { dtype: 'int32', dims: [], data: whole(PAST + tokens) } };
}
