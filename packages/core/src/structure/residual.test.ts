import { parseModel } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { tinyTransformer, type TinyTransformer } from '../testing/tiny-transformer.ts';
import { isPostNorm, residualStreams, type ResidualStream } from './residual.ts';

const HEAD = '<ir_version: 10, opset_import: ["" : 17, "com.microsoft" : 1]>';
const streams = (text: string): ResidualStream[] => residualStreams(parseModel(text));
const of = (given: TinyTransformer): ResidualStream[] => streams(tinyTransformer(given));
const tally = (all: readonly { readonly kind: string }[]): Record<string, number> => Object.fromEntries([...new Set(all.map((x) => x.kind))].sort().map((kind) => [kind, all.filter((x) => x.kind === kind).length]));

test.each(['rms', 'rms-nodes', 'layer'] as const)('a pre-norm model has one stream, whatever its normalization is made of: %s', (norm) => {
  const all = of({ norm, layers: 3 });
  expect(all.map((s) => [s.width, s.blocks.length, isPostNorm(s)])).toEqual([[8, 6, false]]);
  expect(tally(all[0]!.sinks)).toEqual({ norm: 7 });
  expect(tally(all[0]!.sources)).toEqual(norm === 'layer' ? { constant: 6, embedding: 1, linear: 6 } : { embedding: 1, linear: 6 });
});

test('a block says what was there before, what a branch adds, and the sum, in the order of the graph', () => {
  const [stream] = of({});
  expect(stream!.blocks.map((b) => [b.before.name, b.branch.name, b.after?.name])).toEqual([
    ['x', 'layers_0_o', 'layers_0_attention_sum'],
    ['layers_0_attention_sum', 'layers_0_down', 'layers_0_mlp_sum'],
  ]);
});

test('a post-norm model has a stream per normalization, which writes to the next', () => {
  const all = of({ order: 'post', norm: 'layer', layers: 2 });
  expect(all.map((s) => [s.blocks.length, isPostNorm(s)])).toEqual(Array.from({ length: 4 }, () => [1, true]));
  expect(tally(all[1]!.sources)).toEqual({ constant: 1, linear: 1, norm: 1 });
});

const C = 'float[9, 4] table = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}, float[4, 4] w = {1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1}, float[4, 4] u = {1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1}, float[4] g = {1,1,1,1}, float[4] b = {0,0,0,0}, float six = {6}';

test('operators that add before they normalize are steps of the stream, though one keeps its sum to itself', () => {
  const [stream] = streams(`${HEAD} f (int64[N, M] ids) => (float[N, M, 4] y) <${C}> {
    x = Gather(table, ids)  n = SimplifiedLayerNormalization(x, g)  a = MatMul(n, w)
    m, , , t = com.microsoft.SkipSimplifiedLayerNormalization(x, a, g)  c = MatMul(m, u)
    y = com.microsoft.SkipSimplifiedLayerNormalization(t, c, g)
  }`);
  expect(stream!.blocks.map((k) => [k.before.name, k.branch.name, k.after?.name])).toEqual([['x', 'a', 't'], ['t', 'c', undefined]]);
  expect(tally(stream!.sources)).toEqual({ embedding: 1, linear: 2 });
});

test('positions are added to the stream, not a block; a factor for all channels and a chosen place are the stream still', () => {
  const [stream] = streams(`${HEAD} f (int64[N, M] ids, int64[N, M] places) => (float[N, 4] y) <${C}, int64 first = {0}> {
    e = Gather(table, ids)  s = Mul(e, six)  p = Gather(table, places)  x = Add(s, p)
    n = LayerNormalization(x, g, b)  a = MatMul(n, w)  t = Add(x, a)
    c = Gather <axis = 1> (t, first)  y = LayerNormalization(c, g, b)
  }`);
  expect(stream!.blocks.map((k) => [k.before.name, k.branch.name])).toEqual([['x', 'a']]);
  expect([tally(stream!.sources), tally(stream!.sinks)]).toEqual([{ embedding: 2, linear: 1 }, { norm: 2 }]);
});

test('two branches of one normalization are one step', () => {
  const [stream] = streams(`${HEAD} f (int64[N, M] ids) => (float[N, M, 4] y) <${C}> {
    x = Gather(table, ids)  n = LayerNormalization(x, g, b)  a = MatMul(n, w)  c = MatMul(n, u)
    d = Add(a, c)  t = Add(d, x)  y = LayerNormalization(t, g, b)
  }`);
  expect(stream!.blocks.map((k) => [k.before.name, k.branch.name])).toEqual([['x', 'd']]);
});

test('a constant that is put beside others, as a class token is, writes to the stream', () => {
  const [stream] = streams(`${HEAD} f (float[N, 2, 4] patches) => (float[N, 3, 4] y) <float[1, 1, 4] token = {1,2,3,4}, int64[3] once = {1, 1, 1}, ${C}> {
    i = MatMul(patches, w)  k = Expand(token, once)  x = Concat <axis = 1> (k, i)
    n = LayerNormalization(x, g, b)  a = MatMul(n, u)  t = Add(x, a)  y = LayerNormalization(t, g, b)
  }`);
  expect(stream!.sources.map((s) => [s.kind, s.value.name])).toEqual(expect.arrayContaining([['constant', 'token'], ['linear', 'i'], ['linear', 'a']]));
});

test('the channels of patches are turned into the stream', () => {
  const [stream] = streams(`${HEAD} f (float[N, 1, 2, 2] image) => (float[N, 4, 4] y) <float[4, 1, 1, 1] k = {1,2,3,4}, int64[3] s = {0, 4, -1}, ${C}> {
    i = Conv(image, k)  r = Reshape(i, s)  x = Transpose <perm = [0, 2, 1]> (r)
    n = LayerNormalization(x, g, b)  a = MatMul(n, w)  t = Add(x, a)  y = LayerNormalization(t, g, b)
  }`);
  expect(tally(stream!.sources)).toEqual({ convolution: 1, linear: 1 });
});

test('who reads the stream itself is said', () => {
  const [stream] = streams(`${HEAD} f (int64[N, M] ids) => (float[N, M, 4] y, float[N, M, 4] t) <${C}> {
    x = Gather(table, ids)  n = LayerNormalization(x, g, b)  a = MatMul(n, w)  t = Add(x, a)  h = MatMul(t, u)  k = Relu(x)  y = Add(h, k)
  }`);
  expect(tally(stream!.sinks)).toEqual({ linear: 1, norm: 1, other: 1, output: 1 });
});
