import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { headRules } from './heads.ts';

const C = 'int64[4] split = {0, 0, 2, 4}, int64[4] across = {0, 2, 0, 4}';
const left = (body: string, inputs: string, target: 'onnx' | 'onnxruntime' = 'onnxruntime'): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> f (${inputs}) => (y) <${C}> { ${body} }`, headRules(target));
const ATTENTION = 'y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, kh, vh)';
const SIDES = 'ks = Reshape(k, split)  kh = Transpose <perm = [0, 2, 1, 3]> (ks)  vs = Reshape(v, split)  vh = Transpose <perm = [0, 2, 1, 3]> (vs)';
const INPUTS = 'float[B, S, 8] q, float[B, T, 8] k, float[B, T, 8] v';

test('keys and values whose heads were moved just for attention come side by side', () => {
  expect(left(`${SIDES}  ${ATTENTION}`, INPUTS)).toEqual(['y = MultiHeadAttention(q, k, v)']);
});

test('keys and values that come otherwise stay', () => {
  const stays = (body: string, inputs = INPUTS): void => expect(left(body, inputs).at(-1)).toBe('y = MultiHeadAttention(q, kh, vh)');
  stays(`${SIDES.replace('kh = Transpose <perm = [0, 2, 1, 3]> (ks)', 'kh = Transpose <perm = [0, 2, 1, 3]> (kt)').replace('ks = Reshape(k, split)', 'kt = Identity(k)')}  ${ATTENTION}`, INPUTS.replace('[B, T, 8] k', '[B, T, 2, N] k')); // heads of a size that is not known
  stays(`vs = Reshape(v, split)  vh = Transpose <perm = [0, 2, 1, 3]> (vs)  ${ATTENTION}`, INPUTS.replace('float[B, T, 8] k', 'float[B, 2, T, 4] kh')); // keys of a cache
  stays(`${SIDES.replace('[0, 2, 1, 3]> (ks)', '[0, 2, 3, 1]> (ks)')}  ${ATTENTION}`, INPUTS); // moved elsewhere
});

test('heads that are turned before they are moved are turned side by side', () => {
  const inputs = 'float[B, S, 8] x, int64[B, S] rows, float[9, 2] cosines, float[9, 2] sines';
  const turned = 's = Reshape(x, split)  h = Transpose <perm = [0, 2, 1, 3]> (s)  y = com.microsoft.RotaryEmbedding (h, rows, cosines, sines)';
  expect(left(turned, inputs)[0]).toMatch(/= RotaryEmbedding\(x, rows, cosines, sines\)$/);
  expect(left(turned.replace('x, split', 'x, across').replace('s = Reshape', 's = Reshape'), inputs.replace('[B, S, 8]', '[2, 6, 8]').replace('[B, S]', '[2, 12]')).join()).toContain('RotaryEmbedding(h'); // mixed, not moved
});
