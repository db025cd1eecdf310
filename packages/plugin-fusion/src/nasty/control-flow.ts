import type { Nasty } from './nasty.ts';

/** Branches, loops, scans and functions: scopes that read one another. */
export const CONTROL_FLOW: Nasty = {
  'a branch that gives out what lies around it': 'g (float[N] x, bool c) => (float[N] y) { a = Relu(x)  y = If (c) <then_branch = t () => (float[N] p) { p = Identity(a) }, else_branch = e () => (float[N] q) { q = Identity(x) }> }',
  'a branch that reads a convolution': `g (float[N, 1, 5] x, bool c) => (float[N, 2, 5] y, float[N, 2, 5] z) <float[2, 1, 1] w = {1, 2}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s)
    z = If (c) <then_branch = t () => (float[N, 2, 5] p) { p = Relu(a) }, else_branch = e () => (float[N, 2, 5] q) { q = Neg(a) }> }`,
  'branches of different shapes': `g (float[N, 3] x, bool c) => (float[] y) <int64[1] i = {0}> { a = If (c) <then_branch = t () => (float[] p) { p = Unsqueeze(x, i) }, else_branch = e () => (float[] q) { q = Identity(x) }>  s = Shape(a)  f = ConstantOfShape <value = float[1] {1}> (s)  y = Add(a, f) }`,
  'branches of different sizes, that are added to': 'g (float[N, 3] x, bool c) => (float[?, 3] y) <float[1, 3] z = {0, 0, 0}, int64[1] i = {0}> { a = If (c) <then_branch = t () => (float[?, 3] p) { p = Concat <axis = 0> (x, x) }, else_branch = e () => (float[?, 3] q) { q = ReduceSum <keepdims = 1> (x, i) }>  y = Add(a, z) }',
  'a constant branch in a branch that is not': `g (float[N] x, bool c) => (float[N] y) <bool yes = {1}> { y = If (c) <then_branch = t () => (float[N] p) { p = If (yes) <then_branch = t2 () => (float[N] p2) { p2 = Relu(x) }, else_branch = e2 () => (float[N] q2) { q2 = Abs(x) }> }, else_branch = e () => (float[N] q) { q = Neg(x) }> }`,
  'both branches name their values alike': 'g (float[N] x, bool c) => (float[N] y) { y = If (c) <then_branch = t () => (float[N] r) { a = Relu(x)  r = Neg(a) }, else_branch = e () => (float[N] r) { a = Abs(x)  r = Exp(a) }> }',
  'two Ifs of one condition whose branches name their values alike': `g (float[N] x, bool c) => (float[N] y, float[N] z) <bool yes = {1}> {
    y = If (yes) <then_branch = t () => (float[N] r) { a = Relu(x)  r = Neg(a) }, else_branch = e () => (float[N] s) { s = Abs(x) }>
    z = If (yes) <then_branch = t () => (float[N] r) { a = Abs(x)  r = Neg(a) }, else_branch = e () => (float[N] s) { s = Relu(x) }> }`,
  'a branch that holds an initializer of its own': 'g (float[2] x, bool c) => (float[2] y) <bool yes = {1}> { y = If (yes) <then_branch = t () => (float[2] p) <float[2] w = {1, 2}> { p = Add(x, w) }, else_branch = e () => (float[2] q) <float[2] w = {3, 4}> { q = Mul(x, w) }> }',
  'a branch that gives two values, of which one is read': 'g (float[N] x, bool c) => (float[N] y) { y, z = If (c) <then_branch = t () => (float[N] p, float[N] p2) { p = Relu(x)  p2 = Neg(x) }, else_branch = e () => (float[N] q, float[N] q2) { q = Abs(x)  q2 = Identity(q) }> }',
  'a branch that gives one value under two names': 'g (float[N] x, bool c) => (float[N] y, float[N] z) { y, z = If (c) <then_branch = t () => (float[N] p, float[N] p2) { p = Relu(x)  p2 = Identity(p) }, else_branch = e () => (float[N] q, float[N] r) { q = Abs(x)  r = Identity(q) }> }',
  'a condition that follows from the rank': 'g (float[N, 2] x) => (float[N, 2] y) <int64 two = {2}> { s = Shape(x)  r = Size(s)  c = Equal(r, two)  y = If (c) <then_branch = t () => (float[N, 2] p) { p = Relu(x) }, else_branch = e () => (float[] q) { q = Squeeze(x) }> }',
  'a condition of one element that is no scalar': 'g (float[N] x, bool[1] c) => (float[N] y) { y = If (c) <then_branch = t () => (float[N] p) { p = Relu(x) }, else_branch = e () => (float[N] q) { q = Neg(x) }> }',
  'a loop that changes its state and gives slices': `g (float[2] x) => (float[2] y, float[K, 2] z) <int64 n = {3}, bool go = {1}, float one = {1}> {
    y, z = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity(c)  m = Mul(v, one)  k = Relu(v)  l = Relu(x)  r = Add(m, k)  o = Sub(l, k) }> }`,
  'a loop that runs not at all': `g (float[2] x) => (float[2] y) <int64 n = {0}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Neg(v) }> }`,
  'a loop whose condition says no at the start': 'g (float[2] x) => (float[2] y) <int64 n = {3}, bool no = {0}> { y = Loop (n, no, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Neg(v) }> }',
  'a loop that runs once, unless its condition says no': 'g (float[2] x, bool go) => (float[2] y) <int64 n = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Neg(v) }> }',
  'a loop without a count, that ends by itself': 'g (float[2] x) => (float[2] y) <bool go = {1}, int64 three = {3}> { y = Loop (, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Less(i, three)  r = Neg(v) }> }',
  'a loop whose state grows': 'g (float[N] x) => (float[P] y) <int64 n = {3}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[?] v) => (bool d, float[?] r) { d = Identity(c)  r = Concat <axis = 0> (v, x) }> }',
  'an initializer that is the state of a loop and read in its body': `g (float[2] x) => (float[2] y) <int64 n = {2}, bool go = {1}, float[2] w = {1, 2}> { a = Loop (n, go, w) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Add(v, w) }>  y = Add(a, x) }`,
  'a loop whose states change places': 'g (float[2] x, float[2] z) => (float[2] y, float[2] w) <int64 n = {3}, bool go = {1}> { y, w = Loop (n, go, x, z) <body = b (int64 i, bool c, float[2] p, float[2] q) => (bool d, float[2] r, float[2] s) { d = Identity(c)  r = Identity(q)  s = Identity(p) }> }',
  'a loop that runs once, whose body reads what lies around it': `g (float[2] x) => (float[2] y, float[K, 2] z) <int64 n = {1}, bool go = {1}> { a = Relu(x)
    y, z = Loop (n, go, a) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity(c)  f = Cast <to = 1> (i)  r = Sub(v, x)  o = Add(r, f) }> }`,
  'a loop that runs once and gives its state as it was': `g (float[2] x) => (float[2] y) <int64 n = {1}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  r = Identity(v) }> }`,
  'a loop in a branch in a loop': `g (float[2] x, bool c) => (float[2] y) <int64 n = {2}, bool go = {1}> { y = Loop (n, go, x) <body = b (int64 i, bool k, float[2] v) => (bool d, float[2] r) { d = Identity(k)
    r = If (c) <then_branch = t () => (float[2] p) { p = Loop (n, go, v) <body = b2 (int64 i2, bool k2, float[2] v2) => (bool d2, float[2] r2) { d2 = Identity(k2)  r2 = Add(v2, x) }> }, else_branch = e () => (float[2] q) { q = Neg(v) }> }> }`,
  'a scan with a state, in both directions': `g (float[3, 2] x) => (float[2] y, float[3, 2] z) <float[2] s = {0, 0}> { y, z = Scan <num_scan_inputs = 1, scan_input_directions = [1], body = b (float[2] a, float[2] e) => (float[2] r, float[2] o) { r = Add(a, e)  o = Identity(r) }> (s, x) }`,
  'a function that is called with two shapes': `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N, 3] x, float[N] z) => (float[N, 3] y, float[N] w) { y = local.f(x)  w = local.f(z) }
    <domain: "local", opset_import: ["" : 17]> f (a) => (b) { s = Shape(a)  c = Reshape(a, s)  o = Constant <value = float {1.0}> ()  d = Mul(c, o)  b = Relu(d) }`,
  'a function whose attributes are given by the call': `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N, 3] x) => (float[N, 3] y, float[N, 3] z) { y = local.f <k = 0, s = 0.5> (x)  z = local.f <k = 1, s = 2.0> (x) }
    <domain: "local", opset_import: ["" : 17]> f <k, s> (a) => (b) { c = Softmax <axis: int = @k> (a)  b = LeakyRelu <alpha: float = @s> (c) }`,
  'a function that calls another, with a name of ONNX': `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N] x) => (float[N] y) { a = local.Relu(x)  y = Relu(a) }
    <domain: "local", opset_import: ["" : 17, "local" : 1]> Relu (a) => (b) { c = local.Identity(a)  b = Neg(c) }
    <domain: "local", opset_import: ["" : 17]> Identity (a) => (b) { b = Exp(a) }`,
};
