import { float32sOf, parseModel, type Model } from '@onnxpress/core';
import { passCases, testPassContext, tinyTransformer } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { rotate } from './rotate.ts';

const dims = { B: 2, S: 5 };
const HEAD = '<ir_version: 10, opset_import: ["" : 17, "com.microsoft" : 1]>';
const countOfType = (m: Model, opType: string): number => [...m.nodes()].filter((n) => n.opType === opType).length;
const numbers = (count: number, about = 0): string => Array.from({ length: count }, (_, i) => (about + Math.sin(7 * i + count)).toFixed(3)).join();
const VECTORS = `float[12] g = {${numbers(12, 2)}}, float[12] b = {${numbers(12)}}, float[12] k = {${numbers(12, 2)}}`;
const SQUARES = `float[12, 12] w = {${numbers(144)}}, float[12, 12] u = {${numbers(144, 0.1)}}, float[12, 12] o = {${numbers(144, 0.2)}}`;
const NOTHING = '<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) { y = Relu(x) }';

describe('quant/rotate', () => {
  for (const c of passCases(rotate, {
    unsettled: 'a rotated model is a model like any other, and can be rotated again',
    changes: [
      { name: 'root mean square written out, grouped heads, a width that is a power of two', model: tinyTransformer({ heads: 4, valueHeads: 2, layers: 2 }), dims, check: (m) => expect(countOfType(m, 'Mul')).toBe(4) /* of the gated products: the gains are gone */ },
      { name: 'root mean square as an operator, a width of 12', model: tinyTransformer({ norm: 'rms', width: 12 }), dims },
      { name: 'layer normalization with biases stays what it is', model: tinyTransformer({ norm: 'layer', width: 12, layers: 2 }), dims, check: (m) => expect(countOfType(m, 'LayerNormalization')).toBe(5) },
      { name: 'a width without a Hadamard matrix', model: tinyTransformer({ width: 6, norm: 'layer' }), dims },
      { name: 'a tied head keeps its table, and gets a product', model: tinyTransformer({ tied: true }), dims, check: (m) => expect([countOfType(m, 'MatMul'), [...m.graph.initializers.values()].filter((v) => v.dims?.[0] === 11).length]).toEqual([2 + 7 + 1 + 1, 1]) },
      { name: 'a tied head behind a layer normalization', model: tinyTransformer({ tied: true, norm: 'layer' }), dims },
      { name: 'a tied head gets a table of its own where the recipe says so', model: tinyTransformer({ tied: true, norm: 'layer' }), options: { tied: 'untie' }, dims, check: (m) => expect([...m.graph.initializers.values()].filter((v) => v.dims?.[0] === 11 && v.rank === 2).length).toBe(2) },
      {
        name: 'normalizations that add, a sum kept and a sum given, Gemm behind a Reshape',
        model: `${HEAD} f (int64[N, M] ids) => (float[P, 12] y) <float[5, 12] table = {${numbers(60)}}, int64[2] flat = {-1, 12}, ${VECTORS}, ${SQUARES}> {
          x = Gather(table, ids)  n = LayerNormalization(x, g, b)  a = MatMul(n, w)
          m, , , t = com.microsoft.SkipLayerNormalization(x, a, k, b, g)  c = MatMul(m, u)
          l = com.microsoft.SkipLayerNormalization(t, c, g, b)  r = Reshape(l, flat)  y = Gemm <transB = 1, alpha = 0.5> (r, o, b)
        }`,
        dims: { N: 2, M: 3 },
      },
      {
        name: 'patches of an image, a class token, positions, and the place of the token read at the end',
        model: `${HEAD} f (float[N, 1, 4, 4] image) => (float[N, 12] y) <float[12, 1, 2, 2] conv = {${numbers(48)}}, float[12] cb = {${numbers(12)}}, float[1, 1, 12] token = {${numbers(12)}}, float[1, 5, 12] places = {${numbers(60)}}, int64[3] flat = {0, 12, -1}, int64 first = {0}, int64 zero = {0}, int64[1] zero1 = {0}, int64[2] ones = {1, 1}, ${VECTORS}, ${SQUARES}> {
          i = Conv <strides = [2, 2], kernel_shape = [2, 2]> (image, conv, cb)  r = Reshape(i, flat)  p = Transpose <perm = [0, 2, 1]> (r)
          s = Shape(image)  count = Gather(s, zero1)  size = Concat <axis = 0> (count, ones)  token_n = Expand(token, size)  joined = Concat <axis = 1> (token_n, p)  x = Add(joined, places)
          n = LayerNormalization(x, g, b)  a = MatMul(n, w)  ab = Add(a, k)  t = Add(ab, x)
          l = LayerNormalization(t, k, b)  c = Gather <axis = 1> (l, first)  y = MatMul(c, u)
        }`,
        dims: { N: 2 },
      },
      {
        name: 'what writes to the stream without a matrix, and who reads it as it is, get products',
        model: `${HEAD} f (float[N, M, 12] x) => (float[N, M, 12] y, float[N, M, 12] z) <${VECTORS}, ${SQUARES}> {
          h = Tanh(x)  n = LayerNormalization(h, g, b)  a = MatMul(n, w)  t = Add(h, a)  l = LayerNormalization(t, k, b)  y = MatMul(l, u)  z = Sigmoid(t)
        }`,
        dims: { N: 2, M: 3 },
      },
      {
        name: 'a normalization that is an output is followed by a product, and keeps its name',
        model: `${HEAD} f (int64[N, M] ids) => (float[N, M, 12] y) <float[5, 12] table = {${numbers(60)}}, ${VECTORS}, ${SQUARES}> {
          x = Gather(table, ids)  n = LayerNormalization(x, g, b)  a = MatMul(n, w)  t = Add(x, a)  y = LayerNormalization(t, k, b)
        }`,
        dims: { N: 2, M: 3 },
      },
    ],
    keeps: [
      { name: 'a post-norm encoder, where that is no error', model: tinyTransformer({ order: 'post', norm: 'layer' }), options: { 'on-refused': 'keep' } },
      { name: 'a model without a stream', model: NOTHING, options: { 'on-refused': 'keep' } },
      { name: 'a stream that one of the excluded nodes adds to', model: tinyTransformer({}), options: { exclude: ['layers_0_down_weight'] } },
      { name: 'a stream that no included node adds to', model: tinyTransformer({}), options: { include: ['layers_0_q_weight'] } },
    ],
    rejects: [{ name: 'an unknown way with a tied head', options: { tied: 'split' }, says: /"tied"/ }],
  })) test(c.name, c.run);
});

const run = (text: string, options: Partial<Parameters<typeof rotate.run>[1]> = {}): void | Promise<void> =>
  rotate.run(parseModel(text), { tied: 'product', products: 2, include: [], exclude: [], 'on-refused': 'fail', ...options }, testPassContext());

test.each([
  ['a post-norm encoder', tinyTransformer({ order: 'post', norm: 'layer' }), {}, 'LayerNormalization "embedding_norm" writes to the residual stream itself, with a gain per channel that no rotation can pass: post-norm models'],
  ['a model without a stream', NOTHING, {}, 'no residual stream was found'],
  ['a tied head where the recipe refuses it', tinyTransformer({ tied: true }), { tied: 'refuse' as const }, 'shares its weight with the embedding'],
  ['more products than are allowed', tinyTransformer({ tied: true }), { products: 0 }, 'it would take 1 products of 8 × 8'],
])('%s is refused with the reason', async (_, text, options, reason) => {
  await expect(async () => run(text, options)).rejects.toThrow(reason);
});

test('a NaN is an error that names the weight, when the weight is read', async () => {
  const model = parseModel(tinyTransformer({}).replace(/layers_0_o_weight = \{[^,]*/, 'layers_0_o_weight = {nan'));
  await rotate.run(model, { tied: 'product', products: 2, include: [], exclude: [], 'on-refused': 'fail' }, testPassContext());
  expect(() => float32sOf(model.graph.initializers.get('layers_0_o_weight')!.constant)).toThrow('Weight "layers_0_o_weight" holds a NaN or an infinity');
});

test('what was large in one channel is spread: the largest weight that writes to the stream falls', async () => {
  const text = tinyTransformer({ width: 64, heads: 4 }).replace(/layers_0_down_weight = \{[^,]*/, 'layers_0_down_weight = {40');
  const model = parseModel(text);
  const largest = (m: Model): number => Math.max(...float32sOf(m.graph.initializers.get('layers_0_down_weight')!.constant).map(Math.abs));
  const before = largest(model);
  await rotate.run(model, { tied: 'product', products: 2, include: [], exclude: [], 'on-refused': 'fail' }, testPassContext());
  expect(before).toBe(40);
  expect(largest(model)).toBeLessThan(40 / 4); // 40 / √64, and the other weights of the row
});
