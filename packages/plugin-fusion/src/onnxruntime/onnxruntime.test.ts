import { passCases } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { onnxruntime } from './onnxruntime.ts';

const C = 'float[2, 2, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 2, -3, 4, -5, 6, -7, 8, -9, 1, -2, 3, -4, 5, -6, 7, -8, 9}, float[2] b = {1, -2}, float low = {0}, float high = {6}, float half = {0.5}, float[2, 2] m = {1, 2, 3, -4}';
const CONV = 'c = Conv <pads = [1, 1, 1, 1]> (x, w, b)';
const image = (body: string, more = ''): string => `g (float[N, 2, 5, 5] x, float[N, 2, 5, 5] z${more && ', bool k'}) => (float[N, 2, 5, 5] y${more}) <${C}> { ${body} }`;
const matrices = (body: string, outputs = 'float[B, S, T] y'): string => `g (float[B, S, 2] a, float[B, T, 2] c) => (${outputs}) <${C}> { ${body} }`;

const cases = passCases(onnxruntime, {
  changes: [
    ...['Relu(c)', 'Sigmoid(c)', 'Tanh(c)', 'LeakyRelu <alpha = 0.3> (c)', 'HardSigmoid <alpha = 0.1> (c)', 'Clip(c, low, high)', 'Clip(c, low)'].map((activation) => ({
      name: `a convolution and ${activation}`,
      model: image(`${CONV}  y = ${activation}`),
      check: (m: Parameters<typeof shown>[0]): void => expect(shown(m)).toEqual(['y = FusedConv(x, w, b)']),
    })),
    { name: 'a convolution, a sum and an activation', model: image(`${CONV}  s = Add(z, c)  y = Relu(s)`), check: (m) => expect(shown(m)).toEqual(['y = FusedConv(x, w, b, z)']) },
    { name: 'a convolution of another convolution’s sum', model: image(`${CONV}  d = Conv <pads = [1, 1, 1, 1]> (z, w)  s = Add(d, c)  y = Relu(s)`), check: (m) => expect(shown(m)).toHaveLength(2) },
    { name: 'a product of a transposed matrix, scaled', model: matrices('t = Transpose <perm = [0, 2, 1]> (c)  p = MatMul(a, t)  y = Mul(p, half)'), dims: { B: 2, S: 3, T: 4 }, check: (m) => expect(shown(m)).toEqual(['y = FusedMatMul(a, c)']) },
    { name: 'a Gemm and an activation', model: `g (float[N, 2] x) => (float[N, 2] y) <${C}> { p = Gemm <transB = 1> (x, m, b)  y = LeakyRelu(p) }`, check: (m) => expect(shown(m)).toEqual(['y = FusedGemm(x, m, b)']) },
  ],
  keeps: [
    { name: 'a convolution that others read', model: image(`${CONV}  y = Relu(c)  v = Neg(c)`, ', float[N, 2, 5, 5] v').replace(', bool k', '') },
    { name: 'a sum that spreads', model: `g (float[N, 2, 5, 5] x, float[1, 2, 1, 1] z) => (float[N, 2, 5, 5] y) <${C}> { ${CONV}  y = Add(c, z) }` },
    { name: 'limits that the model computes', model: `g (float[N, 2, 5, 5] x, float h) => (float[N, 2, 5, 5] y) <${C}> { ${CONV}  y = Clip(c, low, h) }` },
    { name: 'an activation behind a sum that came after an activation', model: `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> g (float[N, 2, 5, 5] x) => (float[N, 2, 5, 5] y) <${C}> { c = com.microsoft.FusedConv <pads = [1, 1, 1, 1], activation = "Relu"> (x, w, b)  y = Tanh(c) }` },
    { name: 'axes that are moved in another way', model: `g (float[S, B, 2] a, float[B, 2, T] c) => (float[B, S, T] y) { t = Transpose <perm = [1, 0, 2]> (a)  y = MatMul(t, c) }` },
    { name: 'a number per column', model: `g (float[N, 2] x) => (float[N, 2] y) <${C}> { p = MatMul(x, m)  y = Mul(p, b) }` },
    { name: 'what is excluded', model: image(`${CONV}  y = Relu(c)`), options: { exclude: ['op:Conv'] } },
  ],
  rejects: [{ name: 'an option that is not there', options: { target: 'cpu' } as Record<string, unknown>, says: /unknown option "target"/ }],
});
for (const c of cases) test(c.name, c.run);
