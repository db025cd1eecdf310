import { parseModel, type Dataset, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { precision } from './precision.ts';

const numbers = (count: number): string => Array.from({ length: count }, (_, i) => (Math.sin(i * 12.9898) / 4).toFixed(5)).join(', ');
/** Two products with an activation between; the second reads what \`peak\` makes large. */
const layers = (peak = '1.0'): string => `<ir_version: 8, opset_import: ["": 17]>
  g (float[n, 32] x) => (float[n, 32] y) <float[32, 32] a = {${numbers(1024)}}, float[32, 32] b = {${numbers(1024)}}, float peak = {${peak}}> {
    p = MatMul(x, a)
    r = Relu(p)
    l = Mul(r, peak)
    y = MatMul(l, b)
  }`;
const data = (of: number): Record<string, Dataset> => ({
  calib: { kind: 'tensors', fingerprint: 'x', count: 1, async *feeds() { yield { x: { dtype: 'float32', dims: [4, 32], data: Float32Array.from({ length: 128 }, (_, i) => of * Math.sin(i)) } } as const; } },
});
const shown = (m: Model): string[] => m.graph.ordered().map((n) => `${n.opType}${n.output.type?.kind === 'tensor' ? ` ${n.output.type.dtype}` : ''}`);
const IN_HALF = ['Cast float16', 'MatMul float16', 'Relu float16', 'Mul float16', 'MatMul float16', 'Cast float32'];

describe('fusion/precision', () => {
  for (const c of passCases(precision, {
    bound: { relative: 0.01, because: 'float16 has three digits, and errors of 32 terms add up at random' },
    changes: [
      { name: 'all nodes, with casts only at the ends', model: layers(), check: (m) => expect(shown(m)).toEqual(IN_HALF) },
      { name: 'measured on data', model: layers(), options: { data: 'calib' }, data: data(1), check: (m) => expect(shown(m)).toEqual(IN_HALF) },
      { name: 'what becomes too large on the data stays', model: layers('10000.0'), options: { data: 'calib' }, data: data(1), check: (m) => expect(shown(m)).toEqual(['Cast float16', 'MatMul float16', 'Relu float16', 'Cast float32', 'Mul float32', 'MatMul float32']) },
      { name: 'a constant that float16 cannot hold', model: layers('100000.0'), check: (m) => expect(shown(m).slice(-2)).toEqual(['MatMul float16', 'Cast float32']) },
      { name: 'an epsilon that float16 makes zero', model: layers('1e-12'), check: (m) => expect(shown(m)).toContain('Mul float32') },
      { name: 'steep functions stay', model: layers().replace('Relu(p)', 'Softmax(p)'), check: (m) => expect(shown(m)).toEqual(['Cast float16', 'MatMul float16', 'Cast float32', 'Softmax float32', 'Cast float16', 'Mul float16', 'MatMul float16', 'Cast float32']) },
      { name: 'weights only', model: layers(), options: { form: 'weights' }, check: (m) => expect([m.graph.initializers.get('a_float16')!.constant.dtype, shown(m)]).toEqual(['float16', ['Cast float32', 'Cast float32', 'MatMul', 'Relu', 'Mul', 'MatMul float32']]) },
    ],
    keeps: [
      { name: 'a model in which nothing is heavy', model: '<ir_version: 8, opset_import: ["": 17]> g (float[n] x) => (float[n] y) { r = Relu(x)\n y = Add(r, x) }' },
      { name: 'a node that is excluded', model: layers(), options: { exclude: ['op:MatMul'] } },
      { name: 'integers', model: '<ir_version: 8, opset_import: ["": 17]> g (int64[n] x) => (int64[n] y) { y = Add(x, x) }' },
      { name: 'a weight that overflows', model: `<ir_version: 8, opset_import: ["": 17]> g (float[n, 32] x) => (float[n, 32] y) <float[32, 32] a = {${Array<string>(1024).fill('1e6').join(', ')}}> { y = MatMul(x, a) }`, options: { form: 'weights' } },
    ],
    rejects: [{ name: 'a type that is no half precision', options: { type: 'float64' }, says: /type/ }],
  })) test(c.name, c.run);
});

test('why a node stays is said', async () => {
  const said: string[] = [];
  await precision.run(parseModel(layers('10000.0')), { type: 'float16', form: 'compute', data: 'calib', largest: 4096, include: [], exclude: [] }, testPassContext({ data: data(1), said }));
  expect(said.join('\n')).toMatch(/stays float32: "l" reaches [\d.e+]+ on the data/);
});
