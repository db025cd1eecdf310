import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { foldedAttentions } from './folded-attention.ts';
import { headRules } from './heads.ts';

const C = 'int64[4] split = {0, 0, 2, 4}, int64[3] fold = {6, 5, 4}, int64[3] wrong = {5, 6, 4}, int64[4] unfold = {3, 2, 5, 4}, int64[4] swapped = {3, 5, 2, 4}, int64[3] joined = {0, 0, 8}';
const left = (body: string): string[] => applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[3, 5, 8] q, float[3, 5, 8] k, float[3, 5, 8] v) => (float[3, 5, 8] y) <${C}> { ${body} }`, [...foldedAttentions('onnxruntime'), ...headRules('onnxruntime')]);
const side = (x: string): string => `${x}1 = Reshape(${x}, split)  ${x}2 = Transpose <perm = [0, 2, 1, 3]> (${x}1)  ${x}3 = Reshape(${x}2, fold)`;
const BODY = `${side('q')}  ${side('k')}  ${side('v')}  kt = Transpose <perm = [0, 2, 1]> (k3)  c = MatMul(q3, kt)  p = Softmax <axis = 2> (c)  o = MatMul(p, v3)  o4 = Reshape(o, unfold)  t = Transpose <perm = [0, 2, 1, 3]> (o4)  y = Reshape(t, joined)`;

test('batch and heads as one axis are one operator', () => {
  expect(left(BODY)).toEqual(['y = MultiHeadAttention(q, k, v)']);
});

const MASKED = BODY.replace('p = Softmax <axis = 2> (c)', 'cb = Add(c, slopes)  c4 = Reshape(cb, apart)  cm = Add(c4, mask)  p4 = Softmax <axis = 3> (cm)  p = Reshape(p4, again)');
const withSlopes = (body: string, slopes = '6, 1, 5'): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[3, 5, 8] q, float[3, 5, 8] k, float[3, 5, 8] v, float[${slopes}] slopes, float[3, 1, 5, 5] mask) => (float[3, 5, 8] y) <${C}, int64[4] apart = {3, 2, 5, 5}, int64[3] again = {6, 5, 5}> { ${body} }`, [...foldedAttentions('onnxruntime'), ...headRules('onnxruntime')]);

test('a slope per head and key is added to the mask', () => {
  const lines = withSlopes(MASKED);
  expect(lines.at(-1)).toMatch(/^y = MultiHeadAttention\(q, k, v, , , \w+/);
  expect(lines.map((line) => line.split(' = ')[1]!.split('(')[0])).toEqual(['Reshape', 'Add', 'MultiHeadAttention']);
});

test('slopes that are not of each head stay', () => {
  expect(withSlopes(MASKED, '1, 1, 5').at(-1)).toMatch(/^y = Reshape/);
  expect(withSlopes(MASKED, '6, 5, 1').at(-1)).toMatch(/^y = Reshape/);
  expect(withSlopes(MASKED.replace('(cm)', '(c4)').replace('cm = Add(c4, mask)', '')).at(-1)).toMatch(/^y = Reshape/); // no mask says how many queries there are
});

test('look-alikes stay', () => {
  const stays = (body: string): void => expect(left(body).at(-1)).toMatch(/^y = Reshape/);
  stays(BODY.replaceAll('fold)', 'wrong)').replaceAll('unwrong', 'unfold')); // lengths and heads mixed
  stays(BODY.replace('Reshape(o, unfold)', 'Reshape(o, swapped)'));
  stays(BODY.replace('<axis = 2> (c)', '<axis = 1> (c)')); // over the queries
});
