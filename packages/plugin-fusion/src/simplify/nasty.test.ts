import { assertValid, describeType, distance, OrtRuntime, parseModel, randomFeeds, ROUNDING_TOLERANCE, seeded, type Feeds, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { simplify } from './simplify.ts';

/** Graphs on which optimizers are known to crash, to break the model, or to compute something else. */
const GRAPHS: Readonly<Record<string, string>> = {
  'an output that is an input': 'g (float[N] x) => (float[N] x, float[N] y) { y = Relu(x) }',
  'an output that is an initializer': 'g (float[2] x) => (float[2] y, float[2] w) <float[2] w = {1, 2}> { y = Add(x, w) }',
  'two outputs that are one initializer behind Identities': 'g (float[2] x) => (float[2] y, float[2] a, float[2] b) <float[2] w = {1, 2}> { y = Add(x, w)  a = Identity(w)  b = Identity(w) }',
  'an input that nobody reads': 'g (float[N] x, float[N] z) => (float[N] y) { y = Relu(x) }',
  'an Identity of an Identity of an input': 'g (float[N] x) => (float[N] y, float[N] z) { a = Identity(x)  y = Identity(a)  z = Identity(a) }',
  'one value under two public names': 'g (float[N] x) => (float[N] y, float[N] z) { a = Relu(x)  y = Identity(a)  z = Identity(a) }',
  'an output in the middle of what would be fused': 'g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[N, 2, 5] a) <float[2, 1, 1] w = {1, 2}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s) }',
  'a division that turns -0.0 and 0.0 into opposite infinities': 'g (float[N] x) => (float[N] y) <float z = {0}, float one = {1}> { n = Neg(x)  r = Relu(x)  m = Mul(r, z)  o = Neg(m)  a = Add(o, z)  y = Div(one, a) }',
  'zeros of both signs as constants': 'g (float[N] x) => (float[N] y) <float p = {0}, float n = {-0.0}, float one = {1}> { a = Div(one, p)  b = Div(one, n)  c = Add(x, a)  y = Min(c, b) }',
  'a look-alike of a neutral operand that widens': 'g (float[1] x) => (float[3] y) <float[3] one = {1, 1, 1}> { y = Mul(x, one) }',
  'a scalar multiplied by a vector of one': 'g (float x) => (float[1] y) <float[1] one = {1}> { y = Mul(x, one) }',
  'a batch of one that may be another': 'g (float[N, 3] x) => (float[N, 3] y) <int64[1] i = {0}, int64[1] three = {3}> { s = Shape(x)  n = Gather(s, i)  t = Concat <axis = 0> (n, three)  y = Reshape(x, t) }',
  'a reshape with two sizes that move': 'g (float[N, M] x) => (float[M, N] y) <int64 i = {0}, int64 j = {1}, int64[1] u = {0}> { s = Shape(x)  n = Gather(s, i)  m = Gather(s, j)  a = Unsqueeze(n, u)  b = Unsqueeze(m, u)  t = Concat <axis = 0> (b, a)  y = Reshape(x, t) }',
  'a transpose that moves axes of size one': 'g (float[1, N, 1] x) => (float[1, 1, N] y) { y = Transpose <perm = [0, 2, 1]> (x) }',
  'a Squeeze of every axis of size one': 'g (float[1, 3, 1] x) => (float[3] y) { a = Unsqueeze(x, z)  y = Squeeze(a) }'.replace(' {', ' <int64[1] z = {0}> {'),
  'a cast that rounds on its way': 'g (float[N] x) => (float[N] y) { a = Cast <to = 10> (x)  y = Cast <to = 1> (a) }',
  'a cast that cuts off on its way': 'g (float[N] x) => (float[N] y) { a = Cast <to = 6> (x)  y = Cast <to = 1> (a) }',
  'a Dropout whose mask is read': 'g (float[N] x) => (float[N] y) { a, m = Dropout(x)  b = Cast <to = 1> (m)  y = Add(a, b) }',
  'a branch that gives out what lies around it': 'g (float[N] x, bool c) => (float[N] y) { a = Relu(x)  y = If (c) <then_branch = t () => (float[N] p) { p = Identity(a) }, else_branch = e () => (float[N] q) { q = Identity(x) }> }',
  'a branch that reads a convolution': `g (float[N, 1, 5] x, bool c) => (float[N, 2, 5] y, float[N, 2, 5] z) <float[2, 1, 1] w = {1, 2}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s)
    z = If (c) <then_branch = t () => (float[N, 2, 5] p) { p = Relu(a) }, else_branch = e () => (float[N, 2, 5] q) { q = Neg(a) }> }`,
  'branches of different shapes': `g (float[N, 3] x, bool c) => (float[] y) <int64[1] i = {0}> { a = If (c) <then_branch = t () => (float[] p) { p = Unsqueeze(x, i) }, else_branch = e () => (float[] q) { q = Identity(x) }>  s = Shape(a)  f = ConstantOfShape <value = float[1] {1}> (s)  y = Add(a, f) }`,
  'a constant branch in a branch that is not': `g (float[N] x, bool c) => (float[N] y) <bool yes = {1}> { y = If (c) <then_branch = t () => (float[N] p) { p = If (yes) <then_branch = t2 () => (float[N] p2) { p2 = Relu(x) }, else_branch = e2 () => (float[N] q2) { q2 = Abs(x) }> }, else_branch = e () => (float[N] q) { q = Neg(x) }> }`,
  'a loop that changes its state and gives slices': `g (float[2] x) => (float[2] y, float[K, 2] z) <int64 n = {3}, bool go = {1}, float one = {1}> {
    y, z = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity(c)  m = Mul(v, one)  k = Relu(v)  l = Relu(x)  r = Add(m, k)  o = Sub(l, k) }> }`,
  'a loop that runs not at all': `g (float[2] x) => (float[2] y) <int64 n = {0}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Neg(v) }> }`,
  'an initializer that is the state of a loop and read in its body': `g (float[2] x) => (float[2] y) <int64 n = {2}, bool go = {1}, float[2] w = {1, 2}> { a = Loop (n, go, w) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Add(v, w) }>  y = Add(a, x) }`,
  'a function that is called with two shapes': `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N, 3] x, float[N] z) => (float[N, 3] y, float[N] w) { y = local.f(x)  w = local.f(z) }
    <domain: "local", opset_import: ["" : 17]> f (a) => (b) { s = Shape(a)  c = Reshape(a, s)  o = Constant <value = float {1.0}> ()  d = Mul(c, o)  b = Relu(d) }`,
  'a loop that runs once, whose body reads what lies around it': `g (float[2] x) => (float[2] y, float[K, 2] z) <int64 n = {1}, bool go = {1}> { a = Relu(x)
    y, z = Loop (n, go, a) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity(c)  f = Cast <to = 1> (i)  r = Sub(v, x)  o = Add(r, f) }> }`,
  'a loop that runs once and gives its state as it was': `g (float[2] x) => (float[2] y) <int64 n = {1}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Identity(v) }> }`,
  'parts of a sequence, in both directions': 'g (float[N, 5] x) => (float[N, 2] y, float[N, 1] z) <int64 two = {2}, int64 i = {0}, int64 j = {-1}> { s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, i)  z = SequenceAt(s, j) }',
  'a sequence that is read as a whole too': 'g (float[N, 4] x) => (float[N, 2] y, float[N, 4] z) <int64 two = {2}, int64 i = {1}> { s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, i)  z = ConcatFromSequence <axis = 1> (s) }',
  'a mask that is expanded to what it is spread over': 'g (bool[N, 1] m, float[N, M] x) => (float[N, M] y) <float low = {-9}> { s = Shape(x)  e = Expand(m, s)  y = Where(e, low, x) }',
  'a transpose that comes back another way': 'g (float[N, M, 2] x) => (float[N, M, 2] y, float[M, 2, N] z) { a = Transpose <perm = [1, 2, 0]> (x)  b = Relu(a)  y = Transpose <perm = [2, 0, 1]> (b)  c = Neg(a)  d = Neg(c)  z = Abs(d) }',
  'factors that overflow together': 'g (float[N] x) => (float[N] y) <float huge = {1e30}, float tiny = {1e-30}> { a = Mul(x, huge)  b = Mul(a, huge)  y = Mul(b, tiny) }',
  'an empty initializer': 'g (float[N] x) => (float[N] y) <float[0] none = {}> { y = Concat <axis = 0> (x, none) }',
  'sizes that overflow a product': 'g (float[N] x) => (int64[1] y) <int64[1] big = {4611686018427387904}, int64[1] four = {4}> { s = Shape(x)  a = Mul(big, four)  y = Add(s, a) }',
  'names of strange letters': 'g (float[N] "a b/c:0") => (float[N] "ü") { "+" = Identity("a b/c:0")  "ü" = Relu("+") }',
  'an Expand that is undone': 'g (float[1, 3] x, float[N, 3] z) => (float[1, 3] y) <int64[1] i = {0}> { s = Shape(z)  a = Expand(x, s)  y = ReduceMax <keepdims = 1> (a, i) }'.replace('g (', '<ir_version: 9, opset_import: ["" : 18]> g ('),
};

const runtime = new OrtRuntime();
const signature = ({ graph }: Model): string[] => [...graph.inputs, ...graph.outputs].map((v) => `${v.name}: ${describeType(v.declared)}`);

async function outputsOf(model: Model, given: Model, sizes: Record<string, number>): Promise<Feeds> {
  const session = await runtime.load(model, { threads: 1, optimize: 'none' });
  try {
    return await session.run(randomFeeds(given, { random: seeded('nasty'), dims: sizes }));
  } finally {
    await session.dispose();
  }
}

for (const [name, text] of Object.entries(GRAPHS)) {
  test(`${name}: the same outputs under the same names`, async () => {
    const before = parseModel(text);
    const after = before.clone();
    await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext());
    assertValid(after);
    expect(signature(after)).toEqual(signature(before));
    for (const sizes of [{ N: 1, M: 1 }, { N: 3, M: 2 }]) {
      const [was, is] = [await outputsOf(before, before, sizes), await outputsOf(after, before, sizes)];
      for (const [output, a] of Object.entries(was)) expect(distance(a, is[output]!), output).toBeLessThanOrEqual(ROUNDING_TOLERANCE);
    }
  });
}
