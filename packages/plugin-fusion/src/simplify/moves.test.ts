import { assertValid, distance, nodeCount, OrtRuntime, parseModel, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { simplify } from './simplify.ts';

const IN_18 = '<ir_version: 8, opset_import: ["" : 18]> ';
const BN = 'float[2] gain = {2, 3}, float[2] shift = {5, 7}, float[2] mean = {4, 0}, float[2] var = {4, 1}';
const W = 'float[2, 2, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}';
const D = 'float[2, 1, 3] d = {1, 2, 3, 4, 5, 6}';

/** A graph → how many nodes are enough, those inside others included. */
const MOVES: Readonly<Record<string, readonly [nodes: number, text: string]>> = {
  'CastLike of a value to its own type': [1, 'g (float[N] x, float[M] z) => (float[N] y) { a = CastLike (x, z)  y = Relu (a) }'],
  'Dropout in inference, said by an input': [1, 'g (float[N] x) => (float[N] y) <float r = {0.5}, bool t = {0}> { a = Dropout (x, r, t)  y = Relu (a) }'],
  'Dropout in a branch': [3, 'g (float[N] x, bool k) => (float[N] y) { y = If (k) <then_branch = t () => (float[N] p) { a = Dropout (x)  p = Relu (a) }, else_branch = e () => (float[N] q) { q = Neg (x) }> }'],
  'Pad of nothing that a shape tells': [1, 'g (float[N, 3] x) => (float[N, 3] y) <int64[4] p = {0, 0, 0, 0}> { a = Pad (x, p)  y = Relu (a) }'],
  'Pad into a convolution': [1, `g (float[N, 2, 5] x) => (float[N, 2, 7] y) <${W}, int64[6] p = {0, 0, 2, 0, 0, 2}> { a = Pad (x, p)  y = Conv (a, w) }`],
  'Pad into a convolution that pads too': [1, `g (float[N, 2, 5] x) => (float[N, 2, 7] y) <${W}, int64[6] p = {0, 0, 1, 0, 0, 1}> { a = Pad (x, p)  y = Conv <pads = [1, 1]> (a, w) }`],
  'Pad into an average': [1, 'g (float[N, 2, 5] x) => (float[N, 2, 5] y) <int64[6] p = {0, 0, 1, 0, 0, 1}> { a = Pad (x, p)  y = AveragePool <kernel_shape = [3]> (a) }'],
  'Pad by the lowest into a maximum': [1, 'g (float[N, 2, 5] x) => (float[N, 2, 5] y) <int64[6] p = {0, 0, 1, 0, 0, 1}, float low = {-3.4028234663852886e38}> { a = Pad (x, p, low)  y = MaxPool <kernel_shape = [3]> (a) }'],
  'Pad by zeros into a maximum of what is not negative': [2, 'g (float[N, 2, 5] x) => (float[N, 2, 5] y) <int64[6] p = {0, 0, 1, 0, 0, 1}> { r = Relu (x)  a = Pad (r, p)  y = MaxPool <kernel_shape = [3]> (a) }'],
  'Expand to the own shape': [1, 'g (float[N, 3] x) => (float[N, 3] y) { s = Shape (x)  a = Expand (x, s)  y = Relu (a) }'],
  'Concat of all parts of a Split': [1, 'g (float[N, 6] x) => (float[N, 6] y) <int64[2] s = {2, 4}> { a, b = Split <axis = 1> (x, s)  c = Concat <axis = 1> (a, b)  y = Relu (c) }'],
  'Concat of a Concat': [1, 'g (float[N, 2] x, float[N, 3] z) => (float[N, 7] y) { a = Concat <axis = 1> (x, z)  y = Concat <axis = -1> (a, x) }'],
  'SequenceAt of SplitToSequence': [2, 'g (float[N, 4] x) => (float[N, 2] y) <int64 two = {2}, int64 i = {0}, int64 j = {1}> { s = SplitToSequence <axis = 1> (x, two)  a = SequenceAt (s, i)  b = SequenceAt (s, j)  y = Add (a, b) }'],
  'SequenceAt of SequenceConstruct': [1, 'g (float[N, 4] x, float[N, 4] z) => (float[N, 4] y) <int64 i = {1}> { s = SequenceConstruct (x, z)  a = SequenceAt (s, i)  y = Relu (a) }'],
  'normalization into ConvTranspose': [1, `g (float[N, 2, 5] x) => (float[N, 2, 7] y) <${W}, ${BN}> { a = ConvTranspose (x, w)  y = BatchNormalization (a, gain, shift, mean, var) }`],
  'normalization into ConvTranspose in groups': [1, `g (float[N, 2, 5] x) => (float[N, 2, 7] y) <${D}, ${BN}> { a = ConvTranspose <group = 2> (x, d)  y = BatchNormalization (a, gain, shift, mean, var) }`],
  'normalization into a depthwise convolution': [1, `g (float[N, 2, 5] x) => (float[N, 2, 3] y) <${D}, ${BN}> { a = Conv <group = 2> (x, d)  y = BatchNormalization (a, gain, shift, mean, var) }`],
  'normalization behind a chain without activations': [2, `g (float[N, 2, 5] x) => (float[N, 2, 1] y) <${W}, ${D}, ${BN}, float[2, 1] c = {2, 3}> { a = Conv (x, w)  b = BatchNormalization (a, gain, shift, mean, var)  e = Mul (b, c)  f = Conv <group = 2> (e, d)  y = BatchNormalization (f, gain, shift, mean, var) }`],
  'normalization behind a Gemm': [1, `g (float[N, 3] x) => (float[N, 2] y) <float[3, 2] v = {1, 2, 3, 4, 5, 6}, ${BN}> { a = MatMul (x, v)  y = BatchNormalization (a, gain, shift, mean, var) }`],
  'normalization in front of a convolution': [1, `g (float[N, 2, 5] x) => (float[N, 2, 3] y) <${W}, ${BN}> { a = BatchNormalization (x, gain, shift, mean, var)  y = Conv (a, w) }`],
  'a scale in front of a product': [1, 'g (float[N, 3] x) => (float[N, 2] y) <float[3, 2] v = {1, 2, 3, 4, 5, 6}, float s = {0.5}> { a = Mul (x, s)  y = MatMul (a, v) }'],
  'a Loop with a count of one': [1, 'g (float[2] x) => (float[2] y) <int64 n = {1}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity (c)  r = Neg (v) }> }'],
  'a Loop with a count of one, of an old opset': [2, '<ir_version: 6, opset_import: ["" : 11]> g (float[2] x) => (float[2] y, float[1, 2] z) <int64 n = {1}, bool go = {1}> { y, z = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity (c)  r = Neg (v)  o = Identity (r) }> }'],
  'products of constants': [1, 'g (float[N, 2] x) => (float[N, 2] y) <float c = {2}, float[2] d = {3, 4}> { a = Mul (x, c)  b = Mul (d, a)  y = Div (b, c) }'],
  'the inside of a Scan': [2, 'g (float[3, 2] x) => (float[3, 2] y) { y = Scan <num_scan_inputs = 1, body = b (float[2] v) => (float[2] w) { a = Identity (v)  t = Transpose (a)  w = Relu (t) }> (x) }'],
  'constants of an old file, which are inputs too': [1, '<ir_version: 3, opset_import: ["" : 8]> g (float[N, 3] x, float[2] b = {1, 2}) => (float[N, 2] y) <float[3, 2] v = {1, 2, 3, 4, 5, 6}> { a = MatMul (x, v)  y = Add (a, b) }'],
  'a Where whose condition is known': [1, 'g (float[N] x, float[N] z) => (float[N] y) <bool[1] c = {1}> { a = Where (c, x, z)  y = Add (a, z) }'],
  'two of what is its own inverse': [1, 'g (float[N] x) => (float[N] y) { a = Neg (x)  b = Neg (a)  y = Relu (b) }'],
  'a Not of a Not': [1, 'g (bool[N] x, bool[N] z) => (bool[N] y) { a = Not (x)  b = Not (a)  y = And (b, z) }'],
  'a power of one': [1, 'g (float[N] x) => (float[N] y) <float one = {1}> { a = Pow (x, one)  y = Relu (a) }'],
  'the greatest along an axis of size one': [1, `${IN_18}g (float[N, 1] x) => (float[N, 1] y) <int64[1] i = {1}> { a = ReduceMax <keepdims = 1> (x, i)  y = Relu (a) }`],
};

const runtime = new OrtRuntime();

async function outputsOf(model: Model, given: Model, sizes: Record<string, number>): Promise<Feeds> {
  const session = await runtime.load(model, { threads: 1, optimize: 'none' });
  try {
    return await session.run(randomFeeds(given, { random: seeded('moves'), dims: sizes }));
  } finally {
    await session.dispose();
  }
}

for (const [name, [nodes, text]] of Object.entries(MOVES)) {
  test(`${name}: ${nodes} nodes that compute the same`, async () => {
    const before = parseModel(text);
    const after = before.clone();
    await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext());
    assertValid(after);
    for (const sizes of [{ N: 1, M: 1 }, { N: 3, M: 3 }]) {
      const [was, is] = [await outputsOf(before, before, sizes), await outputsOf(after, before, sizes)];
      for (const [output, a] of Object.entries(was)) expect(distance(a, is[output]!), output).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
    }
    expect(nodeCount(after)).toBe(nodes);
  });
}
