import { attr, Graph, memoryTensor, Model, Node, tensorType, Value } from '@onnxpress/core';
import { passCases } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { simplify } from './simplify.ts';

const CONV = 'float[2, 1, 1] w = {1, 2}, float[2] b = {3, 4}, float[2] gain = {2, 3}, float[2] shift = {5, 7}, float[2] mean = {4, 0}, float[2] var = {4, 1}';
const HEADS = `s = Shape(x)  n = Gather(s, i0)  m = Gather(s, i1)  nu = Unsqueeze(n, u)  mu = Unsqueeze(m, u)`;
const nodes = (model: Model): string[] => shown(model).filter((line) => !line.endsWith('= Constant()'));

const cases = passCases(simplify, {
  changes: [
    {
      name: 'normalization goes into the convolution, identities go',
      model: `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${CONV}> { i = Identity(x)  a = Conv(i, w, b)  n = BatchNormalization(a, gain, shift, mean, var)  y = Relu(n) }`,
      check: (m) => expect(nodes(m)).toEqual(['n = Conv(x, constant, constant)', 'y = Relu(n)']),
    },
    {
      name: 'the shapes of two heads are constants',
      model: `g (float[N, S, 12] x) => (float[N, 3, S, S] y) <int64 i0 = {0}, int64 i1 = {1}, int64[1] u = {0}, int64[1] h = {3}, int64[1] c = {4}> { ${HEADS}
        t = Concat <axis = 0> (nu, mu, h, c)  a = Reshape(x, t)  b = Transpose <perm = [0, 2, 1, 3]> (a)  v = Concat <axis = 0> (nu, mu, h, c)  d = Reshape(x, v)  e = Transpose <perm = [0, 2, 3, 1]> (d)  y = MatMul(b, e) }`,
      check: (m) => expect(nodes(m)).toEqual(['a = Reshape(x, constant)', 'b = Transpose(a)', 'e = Transpose(a)', 'y = MatMul(b, e)']),
    },
    {
      name: 'a CastLike of a constant is seen through',
      model: `g (float[N, 1, 5] x) => (float[N, 2, 5] y) <int64 zero = {0}, ${CONV}> { z = CastLike(zero, x)  s = Shape(b)  e = Expand(z, s)  a = Conv(x, w, e)  y = BatchNormalization(a, gain, shift, mean, var) }`,
      check: (m) => expect(nodes(m)).toEqual(['y = Conv(x, constant, constant)']),
    },
    {
      name: 'floats are computed by the runtime',
      model: 'g (float[N] x) => (float[N] y) <float[2] c = {1, 4}> { a = Sqrt(c)  d = ReduceSum(a)  y = Sub(x, d) }',
      dims: { N: 3 },
      check: (m) => expect(nodes(m)).toEqual(['y = Sub(x, d)']),
    },
    {
      name: 'a branch that is always taken is inlined, with all that it makes possible',
      model: `g (float[N, 3] x) => (float[N, 3] y) <int64 two = {2}, float one = {1}> { s = Shape(x)  r = Size(s)  c = Equal(r, two)
        a = If (c) <then_branch = t () => (float[N, 3] p) { q = Relu(x)  p = Mul(q, one) }, else_branch = e () => (float[N, 3] z) { z = Neg(x) }>  y = Abs(a) }`,
      check: (m) => expect(nodes(m)).toEqual(['q = Relu(x)', 'y = Abs(q)']),
    },
    {
      name: 'what is inside a loop is simplified there',
      model: `g (float[2] x, int64 count) => (float[2] y) <bool go = {1}> {
        y = Loop (count, go, x) <body = b (int64 i, bool c, float[2] v) => (bool d, float[2] r) { d = Identity(c)  a = Transpose(v)  e = Relu(a)  f = Relu(v)  r = Sub(e, f) }> }`,
      check: (m) => expect(nodes(m).slice(1)).toEqual(['  d = Identity(c)', '  e = Relu(v)', '  r = Sub(e, e)']),
    },
    {
      name: 'what is inside a function is simplified there',
      model: `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N] x) => (float[N] y) { y = local.f (x) }
        <domain: "local", opset_import: ["" : 17]> f (a) => (b) { c = Identity(a)  d = Relu(c)  e = Relu(a)  b = Sub(d, e) }`,
      check: (m) => expect(nodes(m)).toEqual(['y = f(x)', 'f:', '  d = Relu(a)', '  b = Sub(d, d)']),
    },
    {
      name: 'functions take the place of their calls, and all is as if there had been none',
      model: `<ir_version: 8, opset_import: ["" : 18, "pkg.torch" : 1]> g (float[N, 1, 5] x) => (float[N, 2, 5] y) <${CONV}> { a = pkg.torch.conv <stride = [1]> (x, w, b)  n = pkg.torch.norm <eps = 0.00001> (a, gain, shift, mean, var)  y = pkg.torch.act (n) }
        <domain: "pkg.torch", opset_import: ["" : 18]> conv <stride> (i, w, b) => (o) { o = Conv <strides : ints = @stride> (i, w, b) }
        <domain: "pkg.torch", opset_import: ["" : 18]> norm <eps> (i, g, s, m, v) => (o) { o = BatchNormalization <epsilon : float = @eps> (i, g, s, m, v) }
        <domain: "pkg.torch", opset_import: ["" : 18, "pkg.torch" : 1]> act (i) => (o) { t = pkg.torch.same (i)  o = Relu (t) }
        <domain: "pkg.torch", opset_import: ["" : 18]> same (i) => (o) { o = Identity (i) }`,
      options: { functions: 'inline' },
      check: (m) => expect([nodes(m), m.functions.size]).toEqual([['n = Conv(x, constant, constant)', 'y = Relu(n)'], 0]),
    },
    {
      name: 'names of outputs stay',
      model: 'g (float[N] x) => (float[N] y, float[N] z) { a = Relu(x)  y = Identity(a)  b = Neg(a)  z = Identity(b) }',
      to: 'g (float[N] x) => (float[N] y, float[N] z) { y = Relu(x)  z = Neg(y) }',
    },
    {
      name: 'an initializer that was an input because old files want it so is a constant',
      model: '<ir_version: 3, opset_import: ["" : 8]> g (float[N, 2] x) => (float[N, 2] y) <float[4] w = {1, 2, 3, 4}, int64[2] s = {2, 2}, float[2] b = {1, 2}> { v = Reshape(w, s)  p = MatMul(x, v)  y = Add(p, b) }',
      check: (m) => expect(nodes(m)).toEqual([expect.stringMatching(/^y = Gemm\(x, \w+, b\)$/)]),
    },
    {
      name: 'half-precision weights are computed in full where there is room',
      model: 'g (float[N, 2] x) => (float[N, 2] y) <float16[2, 2] w = {1, 2, 3, 4}> { v = Cast <to = 1> (w)  y = MatMul(x, v) }',
      options: { 'fold-bytes': 1000 },
      check: (m) => expect(nodes(m)).toEqual(['y = MatMul(x, v)']),
    },
  ],
  keeps: [
    { name: 'a model of which each node does something', model: 'g (float[N, 3] x) => (float[N, 3] y) <float[3] c = {1, 2, 3}> { a = Relu(x)  y = Sub(a, c) }' },
    { name: 'an Identity between an input and an output', model: 'g (float[N] x) => (float[N] y) { y = Identity(x) }' },
    { name: 'a value that is added to 0.0, which turns -0.0 into 0.0', model: 'g (float[N] x) => (float[N] y) <float z = {0}> { a = Add(x, z)  y = Relu(a) }' },
    { name: 'a convolution that is read twice', model: `g (float[N, 1, 5] x) => (float[N, 2, 5] y, float[N, 2, 5] z) <${CONV}> { a = Conv(x, w, b)  y = BatchNormalization(a, gain, shift, mean, var)  z = Relu(a) }` },
    { name: 'a convolution that a branch reads', model: `g (float[N, 1, 5] x, bool k) => (float[N, 2, 5] y, float[N, 2, 5] z) <${CONV}> { a = Conv(x, w, b)  y = BatchNormalization(a, gain, shift, mean, var)
        z = If (k) <then_branch = t () => (float[N, 2, 5] p) { p = Relu(a) }, else_branch = e () => (float[N, 2, 5] q) { q = Neg(a) }> }` },
    { name: 'a bias that widens the product', model: 'g (float[1, 2] x) => (float[4, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float[4, 1] b = {1, 2, 3, 4}> { p = MatMul(x, w)  y = Add(p, b) }' },
    { name: 'a shape that nothing tells', model: 'g (float[] x, int64[R] s) => (float[] y) { a = Reshape(x, s)  y = Relu(a) }' },
    { name: 'weights in half precision', model: largeHalf },
    { name: 'a weight that a shape fills', model: 'g (float[N, 300] x) => (float[N, 300] y) <int64[2] s = {300, 300}> { w = ConstantOfShape <value = float[1] {0.5}> (s)  y = MatMul(x, w) }' },
    { name: 'functions that nobody asked to inline', model: '<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N] x) => (float[N] y) { y = local.f (x) } <domain: "local", opset_import: ["" : 17]> f (a) => (b) { b = Relu(a) }' },
    { name: 'random draws', model: 'g (float[N] x) => (float[N] y) { a = RandomNormalLike(x)  b = RandomNormalLike(x)  y = Sub(a, b) }' },
    { name: 'what is excluded', model: 'g (float[N] x) => (float[N] y) { a = Identity(x)  y = Relu(a) }', options: { exclude: ['op:Identity'] } },
    { name: 'operators of another domain', model: '<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]> g (float[N] x) => (float[N] y) { a = com.acme.Identity(x)  y = com.acme.Identity(a) }' },
    { name: 'an input with a default, which the caller may override', model: 'g (float[N] x, float one = {1}) => (float[N] y) { a = Mul(x, one)  y = Relu(a) }' },
    { name: 'sequences', model: 'g (float[N] x) => (seq(float[N]) y) { y = SequenceConstruct(x, x) }' },
  ],
  rejects: [
    { name: 'a budget below nothing', options: { 'fold-bytes': -1 }, says: /fold-bytes/ },
    { name: 'functions that are neither kept nor inlined', options: { functions: 'drop' }, says: /functions/ },
    { name: 'an option that is not there', options: { opset: 20 }, says: /unknown option "opset"/ },
  ],
});
for (const c of cases) test(c.name, c.run);

/** A weight of 20 kB in half precision that would be 40 kB as a constant. */
function largeHalf(): Model {
  const side = 100;
  const graph = new Graph('g', new Map([['', 17]]));
  const x = graph.addInput(new Value('x', { type: tensorType('float32', ['N', side]) }));
  const w = graph.addInitializer('w', memoryTensor('float16', [side, side], new Uint16Array(side * side)));
  const cast = graph.add(new Node('Cast', [w], { name: 'cast', outputs: ['v'], attrs: [['to', attr.int(1)]] }));
  const product = graph.add(new Node('MatMul', [x, cast.output], { name: 'product', outputs: ['y'] }));
  product.output.type = tensorType('float32', ['N', side]);
  graph.addOutput(product.output);
  return new Model(graph, { irVersion: 8 }).settle();
}
