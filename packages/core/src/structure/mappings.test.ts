import { parseModel } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { tinyTransformer, type TinyTransformer } from '../testing/tiny-transformer.ts';
import { mappingsOf, type Mapping } from './mappings.ts';

const HEAD = '<ir_version: 10, opset_import: ["" : 17, "com.microsoft" : 1]>';
const of = (given: TinyTransformer): ReturnType<typeof mappingsOf> => mappingsOf(parseModel(tinyTransformer(given)));
const said = (m: Mapping): string => `${m.kind}: ${m.linear ? m.linear.weight.value.name : m.norm?.output.name} → ${m.consumers.map((c) => c.weight.value.name.replace('layers_0_', '').replace('_weight', '')).join(' ')}`;

test('a decoder of grouped heads has all four', () => {
  const { found, skipped } = of({ heads: 4, valueHeads: 2 });
  expect(found.map(said)).toEqual(['norm: layers_0_attention_norm → q k v', 'values: layers_0_v_weight → o', 'norm: layers_0_mlp_norm → up gate', 'gated: layers_0_up_weight → down', 'norm: norm → head']);
  expect(found.every((m) => m.unfoldable === undefined)).toBe(true);
  expect(skipped).toEqual([]);
});

test('heads that share values share their scales: query heads 0 and 1 read the first value head', () => {
  const values = of({ heads: 4, valueHeads: 2 }).found.find((m) => m.kind === 'values')!;
  expect(values.channels).toBe(4);
  expect(Array.from({ length: 8 }, (_, c) => values.channelOf(c))).toEqual([0, 1, 0, 1, 2, 3, 2, 3]);
});

test('in a post-norm model the sum reads what the normalization gives, and an activation stands before the second projection', () => {
  const { found, skipped } = of({ order: 'post', norm: 'layer' });
  expect(found.filter((m) => m.kind === 'norm').map((m) => m.unfoldable)).toEqual(['Add "layers_0_attention_sum" reads it too', 'Add "layers_0_mlp_sum" reads it too', undefined]);
  expect(found.find((m) => m.kind === 'values')?.vectors.map((v) => v.place.node.inputs[v.place.index]?.name)).toEqual(['layers_0_v_bias']);
  expect(skipped.map((s) => s.reason)).toEqual(['Sigmoid "layers_0_h" before it is not linear']);
});

test('a weight that is read twice stays as it is', () => {
  expect(of({ tied: true }).skipped.map((s) => s.reason)).toEqual(['its weight "embedding" is read elsewhere too']);
});

const W = (name: string, inputs: number, outputs: number): string => `float[${inputs}, ${outputs}] ${name} = {${Array.from({ length: inputs * outputs }, (_, i) => (i % 7) - 3).join()}}`;
const graph = (body: string, initializers: string, outputs = 'y'): ReturnType<typeof mappingsOf> => mappingsOf(parseModel(`${HEAD} f (float[N, 5, 4] x) => (${outputs}) <${initializers}> { ${body} }`));

test('one projection for q, k and v: the values are its last third', () => {
  const { found } = graph('y0 = com.microsoft.Attention <num_heads = 2> (x, w, b)  y = MatMul(y0, o)', `${W('w', 4, 12)}, float[12] b = {0,0,0,0,0,0,0,0,0,0,0,0}, ${W('o', 4, 4)}`);
  expect(found.map((m) => [m.kind, m.from, m.channels, m.unfoldable])).toEqual([['values', 8, 4, undefined]]);
});

test('one projection that is split, with a bias before the split', () => {
  const { found } = graph(
    'p = MatMul(x, w)  a = Add(p, b)  q, k, v = Split <axis = -1> (a, parts)  y0 = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v)  y = MatMul(y0, o)',
    `${W('w', 4, 12)}, float[12] b = {0,0,0,0,0,0,0,0,0,0,0,0}, int64[3] parts = {4, 4, 4}, ${W('o', 4, 4)}`,
  );
  expect(found.map((m) => [m.kind, m.from, m.vectors.map((v) => v.from), m.unfoldable])).toEqual([['values', 8, [8], undefined]]);
});

test('one projection whose outputs become an axis of three, of which one is taken', () => {
  const { found } = graph(
    `p = MatMul(x, w)  r = Reshape(p, cut)  t = Transpose <perm = [2, 0, 3, 1, 4]> (r)  q = Gather <axis = 0> (t, zero)  k = Gather <axis = 0> (t, one)  v = Gather <axis = 0> (t, two)
     kt = Transpose <perm = [0, 1, 3, 2]> (k)  s = MatMul(q, kt)  a = Softmax(s)  m = MatMul(a, v)  mt = Transpose <perm = [0, 2, 1, 3]> (m)  mm = Reshape(mt, merge)  y = MatMul(mm, o)`,
    `${W('w', 4, 12)}, int64[5] cut = {0, 5, 3, 2, 2}, int64[3] merge = {0, 5, 4}, int64 zero = {0}, int64 one = {1}, int64 two = {2}, ${W('o', 4, 4)}`,
  );
  expect(found.map((m) => [m.kind, m.from, m.channels, m.unfoldable])).toEqual([['values', 8, 4, undefined]]);
});

test('values that the next run reads too do not fold', () => {
  const { found } = graph(
    'q = MatMul(x, w)  k = MatMul(x, u)  v = MatMul(x, o)  a, present_k, present_v = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v)  y = MatMul(a, z)',
    `${W('w', 4, 4)}, ${W('u', 4, 4)}, ${W('o', 4, 4)}, ${W('z', 4, 4)}`,
    'y, present_k, present_v',
  );
  expect(found.map((m) => m.unfoldable)).toEqual(['"present_k" of com.microsoft.MultiHeadAttention "a" is an output of the graph']);
});

test('linear after linear folds, also through a rectifier, not through an activation that bends', () => {
  const kinds = (between: string): unknown[] => {
    const { found, skipped } = graph(`p = MatMul(x, w)  h = ${between}(p)  y = MatMul(h, u)`, `${W('w', 4, 4)}, ${W('u', 4, 4)}`);
    return [...found.map((m) => m.kind), ...skipped.map((s) => s.reason)];
  };
  expect(kinds('Relu')).toEqual(['linear', '"x" is given to the graph']);
  expect(kinds('Identity')).toEqual(['linear', '"x" is given to the graph']);
  expect(kinds('Tanh')).toEqual(['"x" is given to the graph', 'Tanh "h" before it is not linear']);
});

test('a gate that is made from the same outputs is no gated product', () => {
  const { found, skipped } = graph('p = MatMul(x, w)  s = Sigmoid(p)  h = Mul(p, s)  y = MatMul(h, u)', `${W('w', 4, 4)}, ${W('u', 4, 4)}`);
  expect(found).toEqual([]);
  expect(skipped.map((s) => s.reason)).toContain('Mul "h" before it is not linear');
});
