import { parseModel } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { lookAt } from './look.ts';

const look = (text: string): ReturnType<typeof lookAt> => lookAt(parseModel(`<ir_version: 8, opset_import: ["" : 17]> ${text}`));

test('token ids in and vectors out is a text encoder', () => {
  expect(look('g (int64[b, s] input_ids) => (float[b, s, 2] last_hidden_state) <float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}> { last_hidden_state = Gather(w, input_ids) }'))
    .toMatchObject({ kind: 'text encoder', tokens: 128, sizes: {} });
});

test('a table of positions limits the length of texts', () => {
  expect(look('g (int64[b, s] input_ids) => (float[b, s, 1] y) <float[8, 1] position_embeddings = {1, 2, 3, 4, 5, 6, 7, 8}> { y = Gather(position_embeddings, input_ids) }').tokens).toBe(6);
});

test('logits of three dimensions, or a cache, is a text decoder, whose cache starts empty', () => {
  expect(look('g (int64[b, s] input_ids) => (float[b, s, 2] logits) <float[1, 2] w = {1, 2}> { logits = Gather(w, input_ids) }').kind).toBe('text decoder');
  expect(look('g (int64[b, s] input_ids, float[b, 2, past, 4] past_key_values) => (float[b, 2, past, 4] y) { y = Identity(past_key_values) }')).toMatchObject({ kind: 'text decoder', sizes: { past: 0 } });
});

test('convolutions make a convolutional network, whose open sides get pixels', () => {
  expect(look('g (float[b, 1, height, width] x) => (float[b, 1, h, w] y) <float[1, 1, 1, 1] k = {1}> { y = Conv(x, k) }')).toMatchObject({ kind: 'convolutional network', tokens: undefined, sizes: { height: 224, width: 224 } });
});

test('weights say whether a model is quantized, or stored in half precision', () => {
  const weight = (type: string): ReturnType<typeof lookAt> => look(`g (int64[n] x) => (${type}[n, 2] y) <${type}[2, 2] w = {1, 2, 3, 4}> { y = Gather(w, x) }`);
  expect([weight('float'), weight('int8'), weight('float16')].map(({ quantized, half }) => [quantized, half])).toEqual([[false, false], [true, false], [false, true]]);
});
