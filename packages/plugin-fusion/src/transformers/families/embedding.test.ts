import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { embeddings } from './embedding.ts';

const C = 'float[5, 2] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, float[2, 2] t = {1, 2, 3, 4}, float[4, 2] p = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] g = {1, 2}, float[2] b = {1, 2}, int64[1, 4] count = {0, 1, 2, 3}, int64[1, 4] other = {1, 2, 3, 4}, int64[1, 4] zeros = {0, 0, 0, 0}, int64[1] zero = {0}, int64[1] one = {1}';
const left = (body: string, inputs = 'int64[B, S] ids, int64[B, S] types', more = ''): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (${inputs}) => (float[B, S, 2] y${more}) <${C}> { ${body} }`, embeddings('onnxruntime'));
const COUNT = 'e = Shape <start = 1, end = 2> (ids)  c = Slice(count, zero, e, one, one)  pos = Gather(p, c)';
const LOOKUPS = `word = Gather(w, ids)  type = Gather(t, types)  ${COUNT}`;
const NORM = 'y = LayerNormalization(s, g, b)';
const FUSED = [expect.stringMatching(/Cast\(ids\)/), expect.stringMatching(/Cast\(types\)/), expect.stringMatching(/^y, {2}= EmbedLayerNormalization\(\w+, \w+, w, p, t, g, b\)$/)];

test('words, kinds and counted positions are one operator, in whatever order they are added', () => {
  expect(left(`${LOOKUPS}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`)).toEqual(FUSED);
  expect(left(`${LOOKUPS}  a = Add(word, pos)  s = Add(a, type)  ${NORM}`)).toEqual(FUSED);
  expect(left(`${LOOKUPS}  a = Add(pos, type)  s = Add(word, a)  ${NORM}`)).toEqual(FUSED);
});

test('positions that are given go in as they are, and kinds may be missing', () => {
  expect(left(`word = Gather(w, ids)  pos = Gather(p, q)  s = Add(word, pos)  ${NORM}`, 'int32[B, S] ids, int32[B, S] q')).toEqual(['y,  = EmbedLayerNormalization(ids, , w, p, , g, b, , q)']);
});

test('a row that is always the same goes into another table', () => {
  const nodes = left(`sh = Shape(ids)  e0 = Shape <start = 1, end = 2> (ids)  z = Slice(zeros, zero, e0, one, one)  kind = Expand(z, sh)  word = Gather(w, ids)  type = Gather(t, kind)  ${COUNT.replace('e =', 'e =')}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`, 'int32[B, S] ids');
  expect(nodes).toEqual([expect.stringMatching(/^y, {2}= EmbedLayerNormalization\(ids, , w, \w+, , g, b\)$/)]);
});

test('look-alikes stay', () => {
  const stays = (body: string, inputs?: string, more?: string): void => expect(left(body, inputs, more).some((line) => line.includes('Embed'))).toBe(false);
  stays(`${LOOKUPS.replace('count', 'other')}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`); // positions from 1 on
  stays(`${LOOKUPS.replace('Slice(count, zero,', 'Slice(count, one,')}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`); // from the second on
  stays(`${LOOKUPS.replace('(ids)', '(types)').replace('Shape <start = 1, end = 2>', 'Shape <start = 0, end = 1>')}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`); // as many as the batch
  stays(`${LOOKUPS}  a = Add(word, type)  s = Add(a, pos)  ${NORM.replace('(s', '<axis = 1> (s')}`, 'int64[B, S] ids, int64[B, S] types'); // another axis
  stays(`${LOOKUPS}  a = Add(word, type)  s = Add(a, pos)  ${NORM}`, 'int64[B, S] ids, int64[1, S] types'); // one kind for all rows
  stays(`${LOOKUPS}  a = Add(word, type)  s = Add(a, pos)  ${NORM}  z = Relu(s)`, undefined, ', float[B, S, 2] z'); // a shared intermediate
});
