import { distance, OrtRuntime, parseModel, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { simplify } from '../simplify/simplify.ts';
import { transformers } from './transformers.ts';

const numbers = (count: number, phase: number): string => Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + phase).toFixed(3)).join(', ');
const LOW = '-3.4028235e38';
const WEIGHTS = `float[8, 8] wq = {${numbers(64, 1)}}, float[8, 8] wk = {${numbers(64, 2)}}, float[8, 8] wv = {${numbers(64, 3)}}, float[8, 24] all = {${numbers(192, 4)}}, int64[3] thirds = {8, 8, 8}, float[8] b = {${numbers(8, 5)}}, int64[4] split = {0, -1, 2, 4}, int64[3] joined = {0, -1, 8},
  float root = {2}, float half = {0.5}, float low = {${LOW}}, float one = {1}, int64 zero = {0}, int64 step = {1}, int64[1] i1 = {1}, int64[1] i2 = {2}, int64[1] i4 = {4}, int64[2] i01 = {0, 1}, float none = {0}`;
const SIDES = 'q0 = MatMul(x, wq)  q1 = Add(q0, b)  k0 = MatMul(x, wk)  v0 = MatMul(x, wv)  v1 = Add(b, v0)';
const heads = (q: string, k: string, v: string): string => `q2 = Reshape(${q}, split)  q = Transpose <perm = [0, 2, 1, 3]> (q2)  k2 = Reshape(${k}, split)  kh = Transpose <perm = [0, 2, 1, 3]> (k2)  k = Transpose <perm = [0, 1, 3, 2]> (kh)  v2 = Reshape(${v}, split)  v = Transpose <perm = [0, 2, 1, 3]> (v2)`;
/** With batch and heads as one axis, which the exporter computes. */
const FOLDED = `sb = Shape <start = 0, end = 1> (x)  sl = Shape <start = 1, end = 2> (x)  bn = Mul(sb, i2)  fold = Concat <axis = 0> (bn, sl, i4)  unfold = Concat <axis = 0> (sb, i2, sl, i4)  fold2 = Concat <axis = 0> (bn, sl, sl)  unfold2 = Concat <axis = 0> (sb, i2, sl, sl)
  qm = Mul(q1, half)  q2 = Reshape(qm, split)  q3 = Transpose <perm = [0, 2, 1, 3]> (q2)  q = Reshape(q3, fold)  k2 = Reshape(k0, split)  k3 = Transpose <perm = [0, 2, 1, 3]> (k2)  k4 = Reshape(k3, fold)  k = Transpose <perm = [0, 2, 1]> (k4)  v2 = Reshape(v1, split)  v3 = Transpose <perm = [0, 2, 1, 3]> (v2)  v = Reshape(v3, fold)  c = MatMul(q, k)`;
const UNFOLDED = 'p = Softmax <axis = -1> (w)  o = MatMul(p, v)  o4 = Reshape(o, unfold)  t = Transpose <perm = [0, 2, 1, 3]> (o4)  y = Reshape(t, joined)';
const END = 'p = Softmax <axis = -1> (w)  o = MatMul(p, v)  t = Transpose <perm = [0, 2, 1, 3]> (o)  y = Reshape(t, joined)';
const PADDING = 'm0 = Unsqueeze(attention_mask, i1)  m1 = Unsqueeze(m0, i2)  m2 = Cast <to = 1> (m1)  m3 = Sub(one, m2)  mask = Mul(m3, low)';
const CAUSAL = 'sx = Shape <start = 1, end = 2> (x)  s1 = Squeeze(sx)  range = Range(zero, s1, step)  r1 = Unsqueeze(range, i1)  seen = LessOrEqual(range, r1)';

/** How each family writes its attention, and which operators are left for onnxruntime. */
const FAMILIES: Readonly<Record<string, { readonly body: string; readonly left: readonly string[] }>> = {
  'ViT: no mask': { body: `${SIDES}  ${heads('q1', 'k0', 'v1')}  c = MatMul(q, k)  w = Div(c, root)  ${END}`, left: ['Attention'] },
  'BERT: padding is added': { body: `${PADDING}  ${SIDES}  ${heads('q1', 'k0', 'v1')}  c = MatMul(q, k)  d = Div(c, root)  w = Add(d, mask)  ${END}`, left: ['Cast', 'Attention'] },
  'DistilBERT: padding is filled': {
    body: `${SIDES}  ${heads('q1', 'k0', 'v1')}  qd = Div(q, root)  c = MatMul(qd, k)  e0 = Equal(attention_mask, zero)  e1 = Unsqueeze(e0, i1)  e2 = Unsqueeze(e1, i2)  sc = Shape(c)  e = Expand(e2, sc)  w = Where(e, low, c)  ${END}`,
    left: ['Cast', 'Attention'],
  },
  'GPT-2: one projection, what may be seen and padding': {
    body: `${PADDING}  ${CAUSAL}  a = MatMul(x, all)  qa, ka, va = Split <axis = 2> (a, thirds)  ${heads('qa', 'ka', 'va')}  c = MatMul(q, k)  d = Div(c, root)  f = Where(seen, d, low)  w = Add(f, mask)  ${END}`,
    left: ['MultiHeadAttention'],
  },
  'T5: a bias per distance, no scale': { body: `${CAUSAL}  ${PADDING}  cf = Cast <to = 1> (seen)  bias0 = Mul(cf, half)  bias = Add(bias0, mask)  ${SIDES}  ${heads('q0', 'k0', 'v0')}  c = MatMul(q, k)  w = Add(c, bias)  ${END}`, left: ['Attention'] },
  'CLIP and BART: batch and heads folded, no mask': { body: `${SIDES}  ${FOLDED}  w = Identity(c)  ${UNFOLDED}`, left: ['Attention'] },
  'OPT: batch and heads folded, and apart for the mask': { body: `${CAUSAL}  ${PADDING}  mc = Where(seen, none, low)  m4 = Unsqueeze(mc, i01)  both = Add(mask, m4)  ${SIDES}  ${FOLDED}  c4 = Reshape(c, unfold2)  d4 = Add(c4, both)  w = Reshape(d4, fold2)  ${UNFOLDED}`, left: ['Attention'] },
  'a decoder of today: half the scale on either side': { body: `${CAUSAL}  ${SIDES}  ${heads('q1', 'k0', 'v1')}  qs = Mul(q, half)  ks = Mul(k, half)  c = MatMul(qs, ks)  mask = Where(seen, none, low)  w = Add(c, mask)  ${END}`, left: ['Attention'] },
};

/** The one that also fits the operator that ONNX has since opset 23, which the runtime does not compute alike where all keys are masked. */
const STANDARD = 'ViT: no mask';

const runtime = new OrtRuntime();

async function outputOf(model: Model, feeds: Feeds, optimize: 'none' | 'all'): Promise<Feeds> {
  const session = await runtime.load(model, { threads: 1, optimize });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

for (const [name, { body }] of Object.entries(FAMILIES)) {
  test(`${name}: ${name === STANDARD ? 'one operator of ONNX that' : 'no operator of ONNX does, and the result'} computes the same`, async () => {
    const before = parseModel(`<ir_version: 11, opset_import: ["" : 23]> g (float[B, S, 8] x, int64[B, S] attention_mask) => (float[B, S, 8] y) <${WEIGHTS}> { ${body} }`);
    const after = before.clone();
    await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
    await transformers.run(after, { target: 'onnx', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
    expect(shown(after).filter((line) => line.includes(' = Attention('))).toHaveLength(name === STANDARD ? 1 : 0);
    expect([...after.graph.opsets.keys()]).toEqual(['']);
    for (const mask of [() => 1n, (i: number) => BigInt(i % 4 === 0 ? 0 : 1), (i: number) => BigInt(i < 4 ? 0 : 1)]) {
      const feeds = { ...randomFeeds(before, { random: seeded('family'), dims: { B: 3, S: 4 } }), attention_mask: { dtype: 'int64' as const, dims: [3, 4], data: BigInt64Array.from({ length: 12 }, (_, i) => mask(i)) } };
      const was = await outputOf(before, feeds, 'none');
      expect(distance(was['y']!, (await outputOf(after, feeds, 'all'))['y']!)).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
    }
  });
}

for (const [name, { body, left }] of Object.entries(FAMILIES)) {
  test(`${name}: one operator that computes the same, for masks of any kind`, async () => {
    const before = parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[B, S, 8] x, int64[B, S] attention_mask) => (float[B, S, 8] y) <${WEIGHTS}> { ${body} }`);
    const after = before.clone();
    await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
    await transformers.run(after, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
    const operators = shown(after).map((line) => line.split(' = ')[1]!.split('(')[0]!);
    expect(operators.filter((o) => o.endsWith('Attention'))).toEqual(left.filter((o) => o.endsWith('Attention')));
    if (left.includes('Cast')) expect(operators).toEqual(left);
    for (const [batch, length] of [[1, 1], [1, 5], [3, 4]] as const) {
      for (const mask of [() => 1n, (i: number) => BigInt(i % length === 0 ? 0 : 1), (i: number) => BigInt(i < length ? 0 : 1)]) {
        const feeds = { ...randomFeeds(before, { random: seeded('family'), dims: { B: batch, S: length } }), attention_mask: { dtype: 'int64' as const, dims: [batch, length], data: BigInt64Array.from({ length: batch * length }, (_, i) => mask(i)) } };
        const was = await outputOf(before, feeds, 'none');
        for (const optimize of ['none', 'all'] as const) expect(distance(was['y']!, (await outputOf(after, feeds, optimize))['y']!)).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
      }
    }
  });
}
