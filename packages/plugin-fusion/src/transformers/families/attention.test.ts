import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { headRules } from './heads.ts';
import { multiHeadAttentions } from './multi-head-attention.ts';

const C = 'int64[4] split = {0, 0, 2, 4}, int64[4] other = {0, 0, 4, 2}, int64[3] joined = {0, 0, 8}, float root = {2}, float half = {0.5}, float odd = {3}, float one = {1}, float low = {-3.4028235e38}, float high = {10}, float mild = {-100}, float none = {0}, int64 zero = {0}, int64[2] middle = {1, 2}, int64[2] ends = {0, 1}, float endless = {-inf}, int64[1] first = {0}, int64[1] last = {3}';
const left = (body: string, { inputs = 'int64[B, T] mask', outputs = 'float[B, S, 8] y' } = {}): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 17]> f (float[B, S, 8] q, float[B, T, 8] k, float[B, T, 8] v, ${inputs}) => (${outputs}) <${C}> { ${body} }`, [...multiHeadAttentions('onnxruntime'), ...headRules('onnxruntime')]);
const HEADS = 'qs = Reshape(q, split)  qh = Transpose <perm = [0, 2, 1, 3]> (qs)  ks = Reshape(k, split)  kh = Transpose <perm = [0, 2, 3, 1]> (ks)  vs = Reshape(v, split)  vh = Transpose <perm = [0, 2, 1, 3]> (vs)';
const SCORES = `${HEADS}  c = MatMul(qh, kh)  d = Div(c, root)`;
const PADDING = 'u = Unsqueeze(mask, middle)  f = Cast <to = 1> (u)  i = Sub(one, f)  a = Mul(i, low)';
const END = 'p = Softmax(w)  o = MatMul(p, vh)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)';
const fused = (...inputs: string[]): string => `y = MultiHeadAttention(${inputs.join(', ')})`;
const stays = (body: string, more?: Parameters<typeof left>[1]): void => expect(left(body, more).some((line) => line.includes('MultiHeadAttention'))).toBe(false);

test('attention without a mask', () => {
  expect(left(`${SCORES.replace('d =', 'w =')}  ${END}`)).toEqual([fused('q', 'k', 'v')]);
});

test('a padding mask that is added', () => {
  expect(left(`${PADDING}  ${SCORES}  w = Add(d, a)  ${END}`)).toEqual([expect.stringMatching(/ = Cast\(mask\)$/), expect.stringMatching(/^y = MultiHeadAttention\(q, k, v, , \w+\)$/)]);
  expect(left(`${PADDING}  ${SCORES}  w = Add(a, d)  ${END}`, { inputs: 'int32[B, T] mask' })).toEqual([fused('q', 'k', 'v', '', 'mask')]);
});

test('scores of padding that are replaced, as in DistilBERT', () => {
  const replaced = 'e = Equal(mask, zero)  u = Unsqueeze(e, middle)  w = Where(u, low, d)';
  expect(left(`${SCORES}  ${replaced}  ${END}`)).toEqual([expect.stringMatching(/ = Cast\(mask\)$/), expect.stringMatching(/^y = MultiHeadAttention\(q, k, v, , \w+\)$/)]);
  stays(`${SCORES}  ${replaced.replace('low', 'mild')}  ${END}`); // a query without any key would see the difference
});

test('anything that has a number for each query and key', () => {
  expect(left(`${SCORES}  w = Add(d, mask)  ${END}`, { inputs: 'float[B, 1, S, T] mask' })).toEqual([fused('q', 'k', 'v', '', '', 'mask')]);
  expect(left(`${SCORES}  w = Where(mask, d, low)  ${END}`, { inputs: 'bool[1, 2, S, T] mask' })).toEqual([expect.stringMatching(/Where\(mask, constant, low\)$/), expect.stringMatching(/^y = MultiHeadAttention\(q, k, v, , , \w+\)$/)]);
  stays(`${SCORES}  w = Add(d, mask)  ${END}`, { inputs: 'float[B, 1, S, 1] mask' }); // one for all keys
  stays(`${SCORES}  w = Add(d, mask)  ${END}`, { inputs: 'float[N, 1, S, T] mask' }); // of another batch
});

test('what has a number per key only, or fewer axes, is spread as the runtime wants it', () => {
  const spread = (inputs: string): string[] => left(`${SCORES}  w = Add(d, mask)  ${END}`, { inputs }).map((line) => line.split(' = ')[1]!.split('(')[0]!);
  expect(spread('float[B, 1, 1, T] mask')).toEqual(['Shape', 'Gather', 'Concat', 'Expand', 'MultiHeadAttention']);
  expect(spread('float[S, T] mask')).toEqual(['Unsqueeze', 'MultiHeadAttention']);
});

test('what may be seen, and what is padding, as in GPT-2', () => {
  expect(left(`${SCORES}  r = Where(seen, d, low)  w = Add(r, mask)  ${END}`, { inputs: 'bool[1, 1, S, T] seen, float[B, 1, 1, T] mask' }).map((line) => line.split(' = ')[1]!.split('(')[0])).toEqual(['Where', 'Add', 'MultiHeadAttention']);
});

test('two things that are added, and what is hidden of a bias', () => {
  const names = (body: string, inputs: string): string[] => left(body, { inputs }).map((line) => line.split(' = ')[1]!.split('(')[0]!);
  expect(names(`${SCORES}  r = Add(d, bias)  w = Add(r, mask)  ${END}`, 'float[1, 2, S, T] bias, float[B, 1, 1, T] mask')).toEqual(['Add', 'MultiHeadAttention']);
  expect(names(`${SCORES}  r = Add(d, bias)  w = Where(mask, low, r)  ${END}`, 'float[B, 2, S, T] bias, bool[B, 1, S, T] mask')).toEqual(['Where', 'Add', 'MultiHeadAttention']);
  stays(`${SCORES}  r = Add(d, bias)  w = Where(mask, mild, r)  ${END}`, { inputs: 'float[B, 2, S, T] bias, bool[B, 1, S, T] mask' });
});

test('a mask that is cut to a length that is computed', () => {
  const cut = (width: string): string[] => left(`n = Shape <start = 1, end = 2> (k)  m = Slice(wide, first, n, last)  ${SCORES}  w = Add(d, m)  ${END}`, { inputs: `float[B, 1, S, ${width}] wide` });
  expect(cut('W').at(-1)).toMatch(/^y = MultiHeadAttention\(q, k, v, , , \w+\)$/);
});

test('the scale may be anywhere, or nowhere', () => {
  const plain = `${HEADS}  w = MatMul(r, kr)  ${END}`;
  for (const scaled of ['r = Div(qh, root)  kr = Identity(kh)', 'r = Mul(qh, half)  kr = Identity(kh)', 'r = Identity(qh)  kr = Mul(kh, half)', 'r = Mul(qh, half)  kr = Mul(kh, half)']) {
    const body = plain.replace('w =', `${scaled}  w =`).replace(/(\w+) = Identity\((\w+)\)(.*)MatMul\(r, kr\)/, (_, name: string, of: string, rest: string) => `${rest}MatMul(${name === 'r' ? of : 'r'}, ${name === 'kr' ? of : 'kr'})`);
    expect(left(body)).toEqual([fused('q', 'k', 'v')]);
  }
  expect(left(`${HEADS}  w = MatMul(qh, kh)  ${END}`)).toEqual([fused('q', 'k', 'v')]);
});

test('keys and values from a cache are taken per head', () => {
  const body = 'qs = Reshape(q, split)  qh = Transpose <perm = [0, 2, 1, 3]> (qs)  kh = Transpose <perm = [0, 1, 3, 2]> (key)  c = MatMul(qh, kh)  w = Div(c, root)  p = Softmax(w)  o = MatMul(p, val)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)';
  expect(left(body, { inputs: 'float[B, 2, T, 4] key, float[B, 2, T, 4] val' })).toEqual([fused('q', 'key', 'val')]);
});

test('a query that may look at nothing gives zeros', () => {
  const guard = `${SCORES}  w = Add(d, mask)  s = Softmax(w)  n = IsNaN(s)  p = Where(n, none, s)  o = MatMul(p, vh)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)`;
  expect(left(guard, { inputs: 'float[B, 1, S, T] mask' }).map((line) => line.split('(')[0]!.split(' = ')[1])).toEqual(['MultiHeadAttention', 'IsNaN', 'Where']);
});

test('what looks like padding and is not is added as it is', () => {
  const isAdded = (padding: string): void => expect(left(`${padding}  ${SCORES}  w = Add(d, a)  ${END}`)).toEqual(expect.arrayContaining([expect.stringMatching(/^a = Mul\(/), expect.stringMatching(/^y = MultiHeadAttention\(q, k, v, , , \w+\)$/)]));
  isAdded(PADDING.replace('Sub(one, f)', 'Sub(f, one)')); // a mask of another meaning
  isAdded(PADDING.replace('Mul(i, low)', 'Mul(i, high)')); // padding is favored
  isAdded(PADDING.replace('Mul(i, low)', 'Mul(i, endless)')); // 0 · infinity
});

test('look-alikes stay', () => {
  stays(`${PADDING.replace('middle', 'ends')}  ${SCORES}  w = Add(d, a)  ${END}`); // not per key of a batch
  stays(`${PADDING}  ${SCORES}  w = Add(d, a)  ${END}`, { inputs: 'int64[N, T] mask' }); // of another batch
  stays(`${PADDING}  ${SCORES}  w = Add(d, a)  ${END.replace('Softmax', 'Softmax <axis = 1>')}`); // over the heads
  stays(`${SCORES.replace('d =', 'w =').replace('ks = Reshape(k, split)', 'ks = Reshape(k, other)')}  ${END}`);
  stays(`${SCORES.replace('d =', 'w =').replace('vs = Reshape(v, split)', 'vs = Reshape(v, other)')}  ${END}`); // other heads
  stays(`${SCORES.replace('d =', 'w =')}  ${END.replace('[0, 2, 1, 3]', '[0, 1, 2, 3]')}`); // heads stay in front
  stays(`${SCORES.replace('d =', 'w =')}  ${END}  z = Relu(p)`, { outputs: 'float[B, S, 8] y, float[B, 2, S, T] z' }); // the probabilities are read
});
