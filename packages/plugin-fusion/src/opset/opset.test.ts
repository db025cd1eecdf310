import { distance, OrtRuntime, parseModel, raiseOpset, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feeds, type Model } from '@onnxpress/core';
import { passCases } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { opset } from './opset.ts';

const runtime = new OrtRuntime();
const model = (version: number, text: string): Model => parseModel(`<ir_version: 8, opset_import: ["" : ${version}]> ${text}`);

async function outputsOf(m: Model, given: Model): Promise<Feeds> {
  const session = await runtime.load(m, { threads: 1, optimize: 'none' });
  try {
    return await session.run(randomFeeds(given, { random: seeded('opset'), dims: { N: 2, M: 3, H: 5, W: 6 } }));
  } finally {
    await session.dispose();
  }
}

/** Opset of a model → the model. Each is raised to several opsets, and computes the same in onnxruntime. */
const CONVERTED: Readonly<Record<string, readonly [from: number, text: string]>> = {
  'Softmax of everything from its axis on': [9, 'g (float[N, 3, 4] x) => (float[N, 3, 4] y) { y = Softmax <axis = 1> (x) }'],
  'Softmax of everything, axis not given': [11, 'g (float[N, M, 4] x) => (float[N, M, 4] y) { y = Softmax (x) }'],
  'Softmax from a negative axis': [11, 'g (float[N, M, 4] x) => (float[N, M, 4] y) { y = LogSoftmax <axis = -2> (x) }'],
  'Softmax of no rank': [11, 'g (float[N, M, 4] x, int64[3] k) => (float[] y) <int64[3] s = {0, 0, -1}> { t = Sub (k, k)  u = Add (t, s)  a = Reshape (x, u)  y = Softmax <axis = 1> (a) }'],
  'Softmax over channels of one pixel': [10, 'g (float[N, 5, 1, 1] x) => (float[N, 5, 1, 1] y) { y = Softmax <axis = 1> (x) }'],
  'Softmax of the last axis': [10, 'g (float[N, 5, 4] x) => (float[N, 5, 4] y) { y = Softmax <axis = 2> (x) }'],
  Hardmax: [11, 'g (float[N, 5, 4] x) => (float[N, 5, 4] y) { y = Hardmax (x) }'],
  Squeeze: [11, 'g (float[N, 1, 4] x) => (float[N, 4] y) { y = Squeeze <axes = [1]> (x) }'],
  'Squeeze of all': [11, 'g (float[1, 4, 1] x) => (float[4] y) { y = Squeeze (x) }'],
  Unsqueeze: [11, 'g (float[N, 4] x) => (float[N, 1, 4, 1] y) { y = Unsqueeze <axes = [1, -1]> (x) }'],
  'Split into equal parts': [11, 'g (float[N, 6] x) => (float[N, 3] y, float[N, 3] z) { y, z = Split <axis = 1> (x) }'],
  'Split by sizes': [11, 'g (float[N, 6] x) => (float[N, 2] y, float[N, 4] z) { y, z = Split <axis = 1, split = [2, 4]> (x) }'],
  'Split into parts, and one of them unread': [13, 'g (float[N, 6] x) => (float[N, 2] y) { y, a, b = Split <axis = 1> (x) }'],
  ReduceSum: [11, 'g (float[N, 3, 4] x) => (float[N, 4] y) { y = ReduceSum <axes = [1], keepdims = 0> (x) }'],
  'ReduceMean of all': [13, 'g (float[N, 3, 4] x) => (float[1, 1, 1] y) { y = ReduceMean (x) }'],
  'each reduction': [11, `g (float[N, 3, 4] x) => (float[N, 3] y) { a = ReduceL1 <axes = [2], keepdims = 0> (x)  b = ReduceL2 <axes = [2], keepdims = 0> (x)  c = ReduceMax <axes = [-1], keepdims = 0> (x)
    d = ReduceMin <axes = [2], keepdims = 0> (x)  e = ReduceProd <axes = [2], keepdims = 0> (x)  f = ReduceSumSquare <axes = [2], keepdims = 0> (x)  h = ReduceLogSumExp <axes = [2], keepdims = 0> (x)  i = ReduceLogSum <axes = [2], keepdims = 0> (f2)
    f2 = Abs (x)  y = Sum (a, b, c, d, e, f, h, i) }`.replace(/(i = ReduceLogSum .*? \(f2\))\s+(f2 = Abs \(x\))/, '$2  $1')],
  Clip: [8, 'g (float[N, 4] x) => (float[N, 4] y) { y = Clip <min = -0.3, max = 0.4> (x) }'],
  'Clip below only': [8, 'g (float[N, 4] x) => (float[N, 4] y) { y = Clip <min = 0.1> (x) }'],
  Pad: [9, 'g (float[N, 4] x) => (float[N, W] y) { y = Pad <pads = [0, 1, 0, 2], value = 0.5> (x) }'],
  'Pad by reflection': [9, 'g (float[N, 4] x) => (float[N, W] y) { y = Pad <pads = [0, 1, 0, 2], mode = "reflect"> (x) }'],
  Slice: [9, 'g (float[N, 6] x) => (float[N, 3] y) { y = Slice <axes = [1], starts = [1], ends = [-2]> (x) }'],
  'Slice from the first axis on': [9, 'g (float[2, 6] x) => (float[1, 3] y) { y = Slice <starts = [1, 0], ends = [1000, 3]> (x) }'],
  TopK: [9, 'g (float[N, 6] x) => (float[N, 3] y, int64[N, 3] i) { y, i = TopK <k = 3, axis = 1> (x) }'],
  'Upsample by nearest': [7, 'g (float[1, 2, 3, 4] x) => (float[1, 2, 6, 8] y) { y = Upsample <scales = [1.0, 1.0, 2.0, 2.0]> (x) }'],
  'Upsample by uneven scales': [9, 'g (float[1, 2, 3, 4] x) => (float[1, 2, 4, 10] y) <float[4] s = {1.0, 1.0, 1.5, 2.7}> { y = Upsample (x, s) }'],
  'Upsample by lines': [9, 'g (float[1, 2, 3, 4] x) => (float[1, 2, 6, 10] y) <float[4] s = {1.0, 1.0, 2.0, 2.7}> { y = Upsample <mode = "linear"> (x, s) }'],
  'Upsample by scales that are computed': [9, 'g (float[1, 2, 3, 4] x, float[4] z) => (float[A, B, C, D] y) <float[4] s = {1.0, 1.0, 2.0, 2.5}> { d = Sub (z, z)  e = Add (d, s)  y = Upsample (x, e) }'],
  'Resize that enlarges': [10, 'g (float[1, 2, 3, 4] x) => (float[1, 2, 6, 8] y) <float[4] s = {1.0, 1.0, 2.3, 2.0}> { y = Resize (x, s) }'],
  'Resize that shrinks': [10, 'g (float[1, 2, 7, 8] x) => (float[1, 2, 4, 4] y) <float[4] s = {1.0, 1.0, 0.6, 0.5}> { y = Resize (x, s) }'],
  'Resize by lines': [10, 'g (float[1, 2, 7, 8] x) => (float[1, 2, 4, 16] y) <float[4] s = {1.0, 1.0, 0.6, 2.0}> { y = Resize <mode = "linear"> (x, s) }'],
  'Resize of opset 11': [11, 'g (float[1, 2, 7, 8] x) => (float[1, 2, 4, 16] y) <float[0] r = {}, float[4] s = {1.0, 1.0, 0.6, 2.0}> { y = Resize <mode = "linear"> (x, r, s) }'],
  'Resize to sizes': [11, 'g (float[1, 2, 7, 8] x) => (float[1, 2, 4, 16] y) <float[0] r = {}, int64[4] s = {1, 2, 4, 16}> { y = Resize <mode = "cubic", coordinate_transformation_mode = "align_corners"> (x, r, r, s) }'],
  'Dropout at inference': [7, 'g (float[N, 4] x) => (float[N, 4] y) { a = Dropout <ratio = 0.3> (x)  y = Relu (a) }'],
  'Dropout with a mask that nobody reads': [9, 'g (float[N, 4] x) => (float[N, 4] y) { a, mask = Dropout (x)  y = Relu (a) }'],
  BatchNormalization: [7, 'g (float[N, 2, 3] x) => (float[N, 2, 3] y) <float[2] s = {2, 3}, float[2] b = {1, 2}, float[2] m = {0.5, 0.7}, float[2] v = {2, 4}> { y = BatchNormalization (x, s, b, m, v) }'],
  'BatchNormalization of positions': [7, `g (float[N, 2, 3] x) => (float[N, 2, 3] y) <float[2, 3] s = {2, 3, 4, 5, 6, 7}, float[2, 3] b = {1, 2, 3, 4, 5, 6}, float[2, 3] m = {0.5, 0.7, 0, 0, 1, 1}, float[2, 3] v = {2, 4, 1, 1, 1, 2}> {
    y = BatchNormalization <spatial = 0> (x, s, b, m, v) }`],
  'GridSample under old names': [16, 'g (float[1, 2, 4, 4] x, float[1, 3, 3, 2] t) => (float[1, 2, 3, 3] y) { y = GridSample <mode = "bicubic"> (x, t) }'],
  'GridSample as it is': [16, 'g (float[1, 2, 4, 4] x, float[1, 3, 3, 2] t) => (float[1, 2, 3, 3] y) { y = GridSample (x, t) }'],
  DFT: [17, 'g (float[1, 8, 3, 1] x) => (float[1, 8, 3, 2] y) { y = DFT (x) }'],
  'DFT along an axis': [17, 'g (float[1, 4, 8, 1] x) => (float[1, 4, 8, 2] y) { y = DFT <axis = 2> (x) }'],
  GroupNormalization: [18, 'g (float[N, 4, 3] x) => (float[N, 4, 3] y) <float[2] s = {2, 3}, float[2] b = {1, 5}> { y = GroupNormalization <num_groups = 2> (x, s, b) }'],
  'GroupNormalization with a scale that is computed': [18, 'g (float[N, 4, 3] x, float[2] s) => (float[N, 4, 3] y) <float[2] b = {1, 5}> { y = GroupNormalization <num_groups = 2> (x, s, b) }'],
  'RoiAlign without a shift': [10, 'g (float[1, 2, 8, 8] x) => (float[2, 2, 3, 3] y) <float[2, 4] r = {0, 0, 5, 5, 1, 2, 7, 6}, int64[2] i = {0, 0}> { y = RoiAlign <output_height = 3, output_width = 3> (x, r, i) }'],
  Scatter: [9, 'g (float[3, 3] x) => (float[3, 3] y) <int64[1, 3] i = {2, 0, 1}, float[1, 3] u = {7, 8, 9}> { y = Scatter (x, i, u) }'],
  'pooling that rounds up': [11, 'g (float[1, 1, 7, 7] x) => (float[1, 1, 4, 4] y, float[1, 1, 4, 4] z) { y = MaxPool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, pads = [0, 0, 1, 1]> (x)  z = AveragePool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, pads = [1, 1, 0, 0]> (x) }'],
  'pooling that counts its padding': [11, 'g (float[1, 1, 7, 7] x) => (float[1, 1, 4, 4] y) { y = AveragePool <kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1, count_include_pad = 1, pads = [1, 1, 1, 1]> (x) }'],
  LpPool: [11, 'g (float[1, 1, 7, 7] x) => (float[1, 1, 3, 3] y) { y = LpPool <kernel_shape = [3, 3], strides = [2, 2], p = 2> (x) }'],
  LSTM: [7, 'g (float[3, 1, 2] x, float[1, 12, 2] w, float[1, 12, 3] r) => (float[3, 1, 1, 3] y) { y = LSTM <hidden_size = 3> (x, w, r) }'],
  'a branch': [11, `g (float[N, 4] x, bool k) => (float[N, 4] y) { y = If (k) <then_branch = t () => (float[N, 4] p) { p = Softmax <axis = 0> (x) }, else_branch = e () => (float[N, 4] p) { a = Unsqueeze <axes = [0]> (x)  p = Squeeze <axes = [0]> (a) }> }`],
  'a loop in a branch': [11, `g (float[2, 4] x, bool k) => (float[2, 4] y) <int64 two = {2}> { y = If (k) <then_branch = t () => (float[2, 4] p) { p = Loop (two, , x) <body = b (int64 i, bool c, float[2, 4] v) => (bool d, float[2, 4] r) { d = Identity (c)  r = Softmax (v) }> },
    else_branch = e () => (float[2, 4] q) { q = Relu (x) }> }`],
  'Gemm, Flatten and what only takes more types': [7, 'g (float[N, 2, 3] x) => (float[N, 2] y) <float[6, 2] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[2] b = {1, 2}> { f = Flatten (x)  a = Gemm (f, w, b)  c = Relu (a)  d = Sigmoid (c)  e = Cast <to = 1> (d)  h = Max (e, a)  y = Mul (h, b) }'],
};

/** Opsets at whose borders most operators changed. */
const TARGETS = [10, 11, 12, 13, 15, 18, 20, 21, 22, 23];

/** onnxruntime has no kernel for these operators from that opset on. */
const NOT_RUN_FROM: Readonly<Record<string, number>> = { RoiAlign: 22 };

/** AveragePool of opset 19 has another kernel in onnxruntime, which adds in another order. */
const OTHER_KERNELS = ['AveragePool'];

describe('raised, it computes the same', () => {
  for (const [name, [from, text]] of Object.entries(CONVERTED)) {
    test(name, async () => {
      const before = model(from, text);
      const was = await outputsOf(before, before);
      const runs = Object.entries(NOT_RUN_FROM).find(([opType]) => text.includes(opType))?.[1] ?? Infinity;
      const most = OTHER_KERNELS.some((opType) => text.includes(opType)) ? ROUNDING_TOLERANCE : 0;
      for (const to of TARGETS.filter((t) => t > from && t < runs)) {
        const after = before.clone();
        raiseOpset(after, to);
        expect(after.opsets.get('')).toBe(to);
        const is = await outputsOf(after, before);
        for (const [output, a] of Object.entries(was)) expect(distance(a, is[output]!), `${output} of opset ${to}`).toBeLessThanOrEqual(most);
      }
    });
  }
});

const cases = passCases(opset, {
  changes: [
    { name: 'axes become an input', model: '<ir_version: 8, opset_import: ["" : 11]> g (float[N, 1] x) => (float[N] y) { y = Squeeze <axes = [1]> (x) }', options: { to: 13 }, check: (m) => expect(shown(m)).toEqual([expect.stringContaining('= Constant()'), expect.stringMatching(/^y = Squeeze\(x, \w+\)$/)]) },
    { name: 'nothing but the number', model: '<ir_version: 8, opset_import: ["" : 13]> g (float[N] x) => (float[N] y) { y = Relu(x) }', options: { to: 21 }, to: '<ir_version: 8, opset_import: ["" : 21]> g (float[N] x) => (float[N] y) { y = Relu(x) }' },
  ],
  keeps: [{ name: 'a model of that opset', model: '<ir_version: 8, opset_import: ["" : 21]> g (float[N] x) => (float[N] y) { y = Relu(x) }', options: { to: 21 } }],
  rejects: [{ name: 'no opset', options: {}, says: /to/ }, { name: 'an opset that nothing runs', options: { to: 30 }, says: /26/ }],
});
for (const c of cases) test(c.name, c.run);
