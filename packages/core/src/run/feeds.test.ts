import { parseModel } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { randomFeeds } from './feeds.ts';
import { seeded } from './random.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const feedsOf = (text: string, dims?: Record<string, number>): ReturnType<typeof randomFeeds> => randomFeeds(parseModel(HEAD + text), { random: seeded('feeds'), ...(dims ? { dims } : {}) });

test('integers stay within the table that they look up, through a Cast', () => {
  const { ids } = feedsOf('g (int32[N, S] ids) => (float[N, S, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}> { c = Cast<to = 7>(ids)\n y = Gather(w, c) }', { N: 4, S: 50 });
  expect(ids?.dims).toEqual([4, 50]);
  expect(new Set(ids?.data as Int32Array)).toEqual(new Set([0, 1, 2]));
});

test('a mask is ones, segments are zeros, positions count', () => {
  const feeds = feedsOf('g (int64[1, 3] attention_mask, int64[1, 3] token_type_ids, int64[1, 3] position_ids) => (int64[1, 3] y) { y = Add(attention_mask, token_type_ids) }');
  expect(Object.values(feeds).map((f) => [...(f.data as BigInt64Array)].map(Number))).toEqual([[1, 1, 1], [0, 0, 0], [0, 1, 2]]);
});

test('equal names have equal sizes, and an unnamed first dimension is 1', () => {
  const feeds = feedsOf('g (float[?, S] a, float[S, 2] b) => (float[?, 2] y) { y = MatMul(a, b) }', { S: 5 });
  expect(Object.values(feeds).map((f) => f.dims)).toEqual([[1, 5], [5, 2]]);
});

test('the same seed draws the same numbers', () => {
  const text = 'g (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }';
  expect(feedsOf(text)).toEqual(feedsOf(text));
});

test('an input with a default is left to it', () => {
  expect(Object.keys(feedsOf('g (float[2] x, float[2] w = {1, 2}) => (float[2] y) { y = Add(x, w) }'))).toEqual(['x']);
});

test('of more than are drawn one by one, the rest repeats what was drawn, in any type', () => {
  const size = 150_000;
  const period = 65_537;
  const { x, n, b } = feedsOf(`g (float[${size}] x, int64[${size}] n, uint8[${size}] b) => (float[${size}] y) { y = Relu(x) }`);
  for (const { data } of [x!, n!, b!] as { data: ArrayLike<unknown> }[]) for (const i of [0, 1, 18_925]) expect([data[i + period], data[i + 2 * period]]).toEqual([data[i], data[i]]);
  expect(new Set((x!.data as Float32Array).subarray(0, period)).size).toBeGreaterThan(0.99 * period); // nearly no two of the normal distribution are equal
});
