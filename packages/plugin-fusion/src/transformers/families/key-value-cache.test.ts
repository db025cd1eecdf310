import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { headRules } from './heads.ts';
import { keyValueCaches } from './key-value-cache.ts';
import { multiHeadAttentions } from './multi-head-attention.ts';

const C = 'int64[4] split = {0, 0, 2, 4}, int64[3] joined = {0, 0, 8}, float root = {2}';
const PAST = 'float[B, 2, P, 4] pk, float[B, 2, P, 4] pv';
const left = (body: string, past = PAST): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[B, S, 8] q, float[B, S, 8] k, float[B, S, 8] v, ${past}, float[B, 1, S, T] mask) => (float[B, S, 8] y, float[B, 2, T, 4] nk, float[B, 2, T, 4] nv) <${C}> { ${body} }`, [
    ...multiHeadAttentions('onnxruntime'),
    ...keyValueCaches('onnxruntime'),
    ...headRules('onnxruntime'),
  ]);
const SIDES = 'qs = Reshape(q, split)  qh = Transpose <perm = [0, 2, 1, 3]> (qs)  ks = Reshape(k, split)  kh = Transpose <perm = [0, 2, 1, 3]> (ks)  vs = Reshape(v, split)  vh = Transpose <perm = [0, 2, 1, 3]> (vs)  nk = Concat <axis = 2> (pk, kh)  nv = Concat <axis = -2> (pv, vh)';
const END = 'kt = Transpose <perm = [0, 1, 3, 2]> (nk)  c = MatMul(qh, kt)  d = Div(c, root)  w = Add(d, mask)  p = Softmax(w)  o = MatMul(p, nv)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)';

test('what is cached is joined by the operator, which gives it out', () => {
  expect(left(`${SIDES}  ${END}`).at(-1)).toMatch(/^y, nk, nv = MultiHeadAttention\(q, k, v, , , \w+, pk, pv\)$/);
});

test('look-alikes stay', () => {
  const stays = (body: string, past = PAST): void => expect(left(body, past).at(-1)).not.toMatch(/, pk, pv\)$/);
  stays(`${SIDES.replace('(pk, kh)', '(kh, pk)')}  ${END}`); // the new keys come first
  stays(`${SIDES}  ${END}`, PAST.replaceAll('[B,', '[N,')); // of another batch
  stays(`${SIDES}  ${END}`, PAST.replace('P, 4] pv', 'R, 4] pv')); // as many keys as values are not known
  stays(`${SIDES.replace('Concat <axis = 2> (pk', 'Concat <axis = 0> (pk')}  ${END}`); // it grows along the batch
});
