import { passCases } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { transformers } from './transformers.ts';

const numbers = (count: number, phase: number): string => Array.from({ length: count }, (_, i) => Math.sin(i * 1.3 + phase).toFixed(3)).join(', ');
const matrix = (rows: number, columns: number, phase: number): string => `{${numbers(rows * columns, phase)}}`;
const LOW = '-3.4028235e38';
/** One layer of an encoder as the older exporter writes it: eight wide, two heads. */
const LAYER = `float[8, 8] wq = ${matrix(8, 8, 1)}, float[8, 8] wk = ${matrix(8, 8, 2)}, float[8, 8] wv = ${matrix(8, 8, 3)}, float[8, 8] wo = ${matrix(8, 8, 4)}, float[8] bq = ${matrix(1, 8, 5)}, float[8] bk = ${matrix(1, 8, 6)}, float[8] bv = ${matrix(1, 8, 7)}, float[8] bo = ${matrix(1, 8, 8)},
  float[8, 12] w1 = ${matrix(8, 12, 9)}, float[12, 8] w2 = ${matrix(12, 8, 10)}, float[12] b1 = ${matrix(1, 12, 11)}, float[8] gain = ${matrix(1, 8, 12)}, float[8] shift = ${matrix(1, 8, 13)}, int64[4] split = {0, 0, 2, 4}, int64[3] joined = {0, 0, 8}, int64[2] middle = {1, 2},
  float root = {2}, float one = {1}, float low = {${LOW}}, float sqrt2 = {1.4142135623730951}, float half = {0.5}, float eps = {1e-12}, float two = {2}`;
const ATTENTION = `q0 = MatMul(x, wq)  q = Add(bq, q0)  k0 = MatMul(x, wk)  k = Add(bk, k0)  v0 = MatMul(x, wv)  v = Add(bv, v0)
  u = Unsqueeze(attention_mask, middle)  f = Cast <to = 1> (u)  i = Sub(one, f)  a = Mul(i, low)
  qs = Reshape(q, split)  qh = Transpose <perm = [0, 2, 1, 3]> (qs)  ks = Reshape(k, split)  kh = Transpose <perm = [0, 2, 3, 1]> (ks)  vs = Reshape(v, split)  vh = Transpose <perm = [0, 2, 1, 3]> (vs)
  c = MatMul(qh, kh)  d = Div(c, root)  w = Add(d, a)  p = Softmax <axis = -1> (w)  o = MatMul(p, vh)  t = Transpose <perm = [0, 2, 1, 3]> (o)  r = Reshape(t, joined)`;
const REST = `m0 = MatMul(r, wo)  m = Add(m0, bo)  s = Add(m, x)  mean = ReduceMean <axes = [-1]> (s)  dev = Sub(s, mean)  sq = Pow(dev, two)  var = ReduceMean <axes = [-1]> (sq)  ve = Add(var, eps)  sd = Sqrt(ve)  n = Div(dev, sd)  g0 = Mul(n, gain)  h = Add(g0, shift)
  f0 = MatMul(h, w1)  f1 = Add(f0, b1)  e0 = Div(f1, sqrt2)  e1 = Erf(e0)  e2 = Add(e1, one)  e3 = Mul(f1, e2)  e4 = Mul(e3, half)  y = MatMul(e4, w2)`;
const HEAD = '<ir_version: 8, opset_import: ["" : 14]> g (float[B, S, 8] x, int64[B, S] attention_mask) => (float[B, S, 8] y)';
const made = ['Cast', 'Attention', 'MatMul', 'SkipLayerNormalization', 'MatMul', 'BiasGelu', 'MatMul'];
/** One layer of a decoder with two queries per key, as Optimum writes it: sixteen wide heads, angles from positions, a causal mask, and zeros for who may look at nothing. */
const DECODER = `float[32, 32] wq = ${matrix(32, 32, 1)}, float[32, 16] wk = ${matrix(32, 16, 2)}, float[32, 16] wv = ${matrix(32, 16, 3)}, float[32, 32] wo = ${matrix(32, 32, 4)}, float[32] gain = ${matrix(1, 32, 5)}, int64[4] four = {0, 0, 4, 8}, int64[4] pair = {0, 0, 2, 8}, int64[1] first = {1}, int64[1] second = {2}, int64[1] last = {-1}, int64[5] twice = {1, 1, 2, 1, 1}, int64[4] all = {0, 4, -1, 8}, int64[3] joined = {0, 0, 32},
  float[1, 4] rates = {1, 0.5, 0.25, 0.125}, float s4 = {0.5946035575}, float[1] none = {0}, float[1] endless = {-inf}, float two = {2}, float eps = {1e-5}, float one = {1}, int64 zero = {0}, int64 step = {1}, int64[3] rows = {0, 1, 3}, int64[3] columns = {0, 1, 2}`;
const TURNED = (x: string): string => `${x}_m = Mul(${x}, cos)  ${x}_l, ${x}_r = Split <axis = 3> (${x})  ${x}_n = Neg(${x}_r)  ${x}_h = Concat <axis = -1> (${x}_n, ${x}_l)  ${x}_k = Mul(${x}_h, sin)  ${x}_t = Add(${x}_m, ${x}_k)`;
const DECODING = `pu = Unsqueeze(position_ids, second)  pf = Cast <to = 1> (pu)  angles = MatMul(pf, rates)  doubled = Concat <axis = -1> (angles, angles)  c0 = Cos(doubled)  s0 = Sin(doubled)  cos = Unsqueeze(c0, first)  sin = Unsqueeze(s0, first)
  sh = Shape <start = 1, end = 2> (x)  ss = Squeeze(sh)  range = Range(zero, ss, step)  row = Unsqueeze(range, rows)  column = Unsqueeze(range, columns)  before = LessOrEqual(column, row)  mu = Unsqueeze(attention_mask, middle)  mb = Cast <to = 9> (mu)  may = And(before, mb)  mask = Where(may, none, endless)
  q0 = MatMul(x, wq)  q1 = Reshape(q0, four)  q = Transpose <perm = [0, 2, 1, 3]> (q1)  k0 = MatMul(x, wk)  k1 = Reshape(k0, pair)  k = Transpose <perm = [0, 2, 1, 3]> (k1)  v0 = MatMul(x, wv)  v1 = Reshape(v0, pair)  v = Transpose <perm = [0, 2, 1, 3]> (v1)
  ${TURNED('q')}  ${TURNED('k')}
  ku = Unsqueeze(k_t, second)  ke = Expand(ku, twice)  kr = Reshape(ke, all)  vu = Unsqueeze(v, second)  ve = Expand(vu, twice)  vr = Reshape(ve, all)  kx = Transpose <perm = [0, 1, 3, 2]> (kr)  qs = Mul(q_t, s4)  ks = Mul(kx, s4)  d = MatMul(qs, ks)  w = Add(d, mask)  p0 = Softmax <axis = -1> (w)  nan = IsNaN(p0)  p = Where(nan, none, p0)
  o = MatMul(p, vr)  t = Transpose <perm = [0, 2, 1, 3]> (o)  r = Reshape(t, joined)  a = MatMul(r, wo)  s = Add(x, a)  sq = Pow(s, two)  ms = ReduceMean <axes = [-1]> (sq)  me = Add(ms, eps)  rt = Sqrt(me)  iv = Div(one, rt)  nn = Mul(s, iv)  y = Mul(gain, nn)`;
const operators = (lines: readonly string[]): string[] => lines.map((line) => line.split(' = ')[1]!.split('(')[0]!);

const cases = passCases(transformers, {
  changes: [
    { name: 'a layer of an encoder, in as few operators as can be', model: `${HEAD} <${LAYER}> { ${ATTENTION} ${REST} }`, options: { prefer: 'fewest' }, dims: { B: 2, S: 5 }, check: (m) => expect(operators(shown(m))).toEqual(made) },
    {
      name: 'a layer of a decoder',
      model: `<ir_version: 8, opset_import: ["" : 17]> g (float[B, S, 32] x, int64[B, S] attention_mask, int64[B, S] position_ids) => (float[B, S, 32] y) <${DECODER}, int64[2] middle = {1, 2}> { ${DECODING} }`,
      dims: { B: 2, S: 5 },
      check: (m) => expect(operators(shown(m)).filter((name) => name.includes('Attention') || name.includes('Rotary') || name.includes('Skip'))).toEqual(['RotaryEmbedding', 'RotaryEmbedding', 'GroupQueryAttention', 'SkipSimplifiedLayerNormalization']),
    },
    {
      name: 'embeddings',
      options: { prefer: 'fewest' },
      model: `<ir_version: 8, opset_import: ["" : 17]> g (int64[B, S] input_ids, int64[B, S] position_ids) => (float[B, S, 4] y) <float[9, 4] w = ${matrix(9, 4, 1)}, float[9, 4] p = ${matrix(9, 4, 2)}, float[4] a = {1, 2, 3, 4}, float[4] b = {4, 3, 2, 1}> { e = Gather(w, input_ids)  f = Gather(p, position_ids)  s = Add(e, f)  y = LayerNormalization(s, a, b) }`,
      dims: { B: 2, S: 5 },
      check: (m) => expect(operators(shown(m))).toEqual(['Cast', 'Cast', 'EmbedLayerNormalization']),
    },
    {
      name: 'a layer of an encoder',
      model: `${HEAD} <${LAYER}> { ${ATTENTION} ${REST} }`,
      dims: { B: 2, S: 5 },
      check: (m) => expect(operators(shown(m))).toEqual(['Cast', 'Attention', 'MatMul', 'Sum', 'LayerNormalization', 'MatMul', 'BiasGelu', 'MatMul']),
    },
    {
      name: 'a layer of an encoder in its own opset',
      model: `${HEAD} <${LAYER}> { ${ATTENTION} ${REST} }`,
      options: { opset: 'keep' },
      dims: { B: 2, S: 5 },
      check: (m) => expect([m.opsets.get(''), operators(shown(m)).includes('ReduceMean')]).toEqual([14, true]),
    },
    {
      name: 'standard operators of a newer opset, where that is asked for',
      model: `<ir_version: 8, opset_import: ["" : 16]> g (float[B, 4] x) => (float[B, 4] y) <float c = {1.4142135}, float one = {1}, float half = {0.5}> { d = Div(x, c)  e = Erf(d)  f = Add(e, one)  h = Mul(x, half)  y = Mul(h, f) }`,
      options: { target: 'onnx', opset: 'raise' },
      check: (m) => expect([m.opsets.get(''), operators(shown(m))]).toEqual([23, ['Gelu']]),
    },
    {
      name: 'standard operators only',
      model: '<ir_version: 9, opset_import: ["" : 20]> g (float[B, 4] x) => (float[B, 4] y) <float c = {1.4142135}, float one = {1}, float half = {0.5}> { d = Div(x, c)  e = Erf(d)  f = Add(e, one)  h = Mul(x, half)  y = Mul(h, f) }',
      options: { target: 'onnx' },
      to: '<ir_version: 9, opset_import: ["" : 20]> g (float[B, 4] x) => (float[B, 4] y) { y = Gelu(x) }',
    },
  ],
  keeps: [
    { name: 'what is no transformer', model: 'g (float[N, 4] x) => (float[N, 4] y) { a = Relu(x)  y = Softmax(a) }' },
    { name: 'what only onnxruntime has, where it is not the target', model: '<ir_version: 9, opset_import: ["" : 20]> g (float[N, 4] x) => (float[N, 4] y) { a = Sigmoid(x)  y = Mul(x, a) }', options: { target: 'onnx' } },
    { name: 'the opset for runtimes that may not know a newer one', model: '<ir_version: 8, opset_import: ["" : 16]> g (float[B, 4] x) => (float[B, 4] y) <float c = {1.4142135}, float one = {1}, float half = {0.5}> { d = Div(x, c)  e = Erf(d)  f = Add(e, one)  h = Mul(x, half)  y = Mul(h, f) }', options: { target: 'onnx' } },
    { name: 'the opset where a newer one has nothing for the model', model: '<ir_version: 8, opset_import: ["" : 14]> g (float[N, 4] x) => (float[N, 4] y) { a = ReduceMean(x)  y = Softmax(a) }' },
    { name: 'the opset where what is excluded would be written differently', model: '<ir_version: 8, opset_import: ["" : 11]> g (float[B, 4] x) => (float[B, 4] y) <float c = {1.4142135}, float one = {1}, float half = {0.5}> { m = Softmax(x)  d = Div(m, c)  e = Erf(d)  f = Add(e, one)  h = Mul(m, half)  y = Mul(h, f) }', options: { target: 'onnx', opset: 'raise', exclude: ['op:Softmax'] } },
    { name: 'what is excluded', model: '<ir_version: 9, opset_import: ["" : 20]> g (float[N, 4] x) => (float[N, 4] y) { a = Sigmoid(x)  y = Mul(x, a) }', options: { exclude: ['op:Sigmoid'] } },
  ],
  rejects: [{ name: 'a target that is none', options: { target: 'tensorrt' as 'onnx' }, says: /target/ }],
});
for (const c of cases) test(c.name, c.run);
