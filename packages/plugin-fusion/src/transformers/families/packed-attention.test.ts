import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { headRules } from './heads.ts';
import { multiHeadAttentions } from './multi-head-attention.ts';
import { packedAttentions } from './packed-attention.ts';

const C = 'float[2, 4] wq = {1, 2, 3, 4, 5, 6, 7, 8}, float[2, 4] wk = {1, 2, 3, 4, 5, 6, 7, 8}, float[2, 4] wv = {1, 2, 3, 4, 5, 6, 7, 8}, float16[2, 4] hq = {1, 2, 3, 4, 5, 6, 7, 8}, float16[2, 4] hk = {1, 2, 3, 4, 5, 6, 7, 8}, float16[2, 4] hv = {1, 2, 3, 4, 5, 6, 7, 8}, float[4] b = {1, 2, 3, 4}, float[1] narrow = {1}, float half = {0.5}';
const left = (body: string, { inputs = 'float[B, S, 2] x', outputs = 'float[B, S, 4] y' } = {}): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> f (${inputs}) => (${outputs}) <${C}> { ${body} }`, [...multiHeadAttentions('onnxruntime'), ...packedAttentions('onnxruntime'), ...headRules('onnxruntime')]);
const SIDES = 'q0 = MatMul(x, wq)  q = Add(q0, b)  k = MatMul(x, wk)  v = MatMul(x, wv)';
const END = 'y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v)';
const stays = (body: string, more?: Parameters<typeof left>[1]): void => expect(left(body, more).at(-1)).not.toMatch(/ = Attention/);

test('three projections of one value are one operator', () => {
  expect(left(`${SIDES}  ${END}`)).toEqual([expect.stringMatching(/^y = Attention\(x, \w+, \w+\)$/)]);
});

test('weights in half precision stay so', () => {
  expect(left(`cq = Cast <to = 1> (hq)  ck = Cast <to = 1> (hk)  cv = Cast <to = 1> (hv)  q = MatMul(x, cq)  k = MatMul(x, ck)  v = MatMul(x, cv)  ${END}`)).toEqual([expect.stringMatching(/ = Cast\(\w+\)$/), expect.stringMatching(/^y = Attention\(x, \w+, \w+\)$/)]);
});

test('a factor on the query is the scale of the operator', () => {
  expect(left(`${SIDES.replace('q =', 'q1 =')}  q = Mul(q1, half)  ${END}`)).toHaveLength(1);
  stays(`${SIDES.replace('q =', 'q1 =')}  q = Mul(q1, b)  ${END}`); // a factor per column
});

test('look-alikes stay', () => {
  stays(`${SIDES}  ${END}`.replace('MatMul(x, wk)', 'MatMul(z, wk)'), { inputs: 'float[B, S, 2] x, float[B, S, 2] z' }); // keys of another value
  stays(`${SIDES}  ${END}`.replace('MatMul(x, wk)', 'MatMul(x, wq)')); // a shared weight
  stays(`${SIDES}  ${END}`.replace('MatMul(x, wk)', 'MatMul(x, w)'), { inputs: 'float[B, S, 2] x, float[2, 4] w' }); // a weight that is an input
  stays(`${SIDES}  ${END}`.replace('(q0, b)', '(q0, narrow)')); // one number for all columns
  stays(`z = Relu(k)  ${SIDES}  ${END}`.replace(/^(z = Relu\(k\)) {2}(.*)$/, '$2  $1'), { outputs: 'float[B, S, 4] y, float[B, S, 4] z' }); // keys that others read
});
