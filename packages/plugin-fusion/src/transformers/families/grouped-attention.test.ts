import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { groupedAttentions } from './grouped-attention.ts';
import { headRules } from './heads.ts';
import { multiHeadAttentions } from './multi-head-attention.ts';

const C = 'int64[4] four = {0, 0, 4, 8}, int64[4] pair = {0, 0, 2, 8}, int64[1] two = {2}, int64[5] twice = {1, 1, 2, 1, 1}, int64[1] front = {1}, int64[5] again = {1, 2, 1, 1, 1}, int64[4] all = {0, 4, -1, 8}, int64[3] joined = {0, 0, 32}, float root = {2.8284271247}';
const left = (body: string, rest = 'float[B, S, 16] k, float[B, S, 16] v'): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[B, S, 32] q, ${rest}, float[B, 1, S, S] mask) => (float[B, S, 32] y) <${C}> { ${body} }`, [...multiHeadAttentions('onnxruntime'), ...groupedAttentions('onnxruntime'), ...headRules('onnxruntime')]);
const QUERY = 'qs = Reshape(q, four)  qh = Transpose <perm = [0, 2, 1, 3]> (qs)';
const SIDES = 'ks = Reshape(k, pair)  k1 = Transpose <perm = [0, 2, 1, 3]> (ks)  vs = Reshape(v, pair)  v1 = Transpose <perm = [0, 2, 1, 3]> (vs)';
const REPEAT = 'ku = Unsqueeze(k1, two)  ke = Expand(ku, twice)  kr = Reshape(ke, all)  vu = Unsqueeze(v1, two)  ve = Expand(vu, twice)  vr = Reshape(ve, all)';
const END = 'kt = Transpose <perm = [0, 1, 3, 2]> (kr)  c = MatMul(qh, kt)  d = Div(c, root)  w = Add(d, mask)  p = Softmax(w)  o = MatMul(p, vr)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)';

test('keys that several queries share are not repeated', () => {
  expect(left(`${QUERY}  ${SIDES}  ${REPEAT}  ${END}`).at(-1)).toMatch(/^y = GroupQueryAttention\(q, k, v, , , \w+, \w+, , , , mask\)$/);
});

test('of a cache each key is there once, and the queries that share it stand one group behind the other', () => {
  const nodes = left(`${QUERY}  ${REPEAT}  ${END}`, 'float[B, 2, S, 8] k1, float[B, 2, S, 8] v1');
  expect(nodes.map((line) => line.split(' = ')[1]!.split('(')[0])).toEqual(['Reshape', 'Transpose', 'Reshape', 'Tile', 'MultiHeadAttention', 'Reshape', 'Transpose', 'Reshape']);
  expect(nodes[4]).toMatch(/MultiHeadAttention\(\w+, k1, v1, , , \w+\)$/);
});

test('keys that are repeated as a whole, head 0 behind the last, are not shared', () => {
  const nodes = left(`${QUERY}  ${SIDES}  ${REPEAT.replaceAll('two)', 'front)').replaceAll('twice', 'again')}  ${END}`);
  expect(nodes.some((line) => line.includes('GroupQuery'))).toBe(false);
});

test('keys stay repeated where the mask differs from head to head', () => {
  const cached = (mask: string): string => applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[B, S, 32] q, float[B, 2, S, 8] k1, float[B, 2, S, 8] v1, float${mask} mask) => (float[B, S, 32] y) <${C}> { ${QUERY}  ${REPEAT}  ${END} }`, [...multiHeadAttentions('onnxruntime'), ...groupedAttentions('onnxruntime'), ...headRules('onnxruntime')]).join();
  expect(cached('[B, 4, S, S]')).toContain('Expand(');
  expect(cached('[B, 1, S, S]')).not.toContain('Expand(');
});

test('keys stay repeated where there are as many of them as queries, or not a whole number of queries for each', () => {
  const once = REPEAT.replaceAll('twice)', 'once)').replaceAll('all)', 'same)');
  const nodes = left(`once = Constant <value_ints = [1, 1, 1, 1, 1]> ()  same = Constant <value_ints = [0, 2, -1, 8]> ()  ${QUERY.replace('four', 'pair')}  ${once}  ${END.replace('joined', 'joined2').replace('y =', 'joined2 = Constant <value_ints = [0, 0, 16]> ()  y =')}`.replace('Reshape(q,', 'Reshape(k,'), 'float[B, S, 16] k, float[B, 2, S, 8] k1, float[B, 2, S, 8] v1');
  expect(nodes.some((line) => line.includes('GroupQuery') || line.includes('Tile'))).toBe(false);
});
