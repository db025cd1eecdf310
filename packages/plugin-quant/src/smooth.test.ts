import { float32sOf, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { gatedBlock, gatedData, original, outputsOf } from './calibrated/calibrated-cases.ts';
import { smoothing } from './calibrated/smoothing.ts';
import { smooth } from './smooth.ts';

const data = { calib: gatedData };
const [H] = [32];
/** The norm's output goes to the residual too, as in encoders of BERT's kind. */
const postNorm = gatedBlock().replace('y = Add(d, x)', 'y = Add(d, h)');
const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);
const gainOf = (m: Model): Float32Array => float32sOf([...m.nodes()].find((n) => n.is('LayerNormalization'))!.inputs[1]!.constant!);

describe('quant/smooth', () => {
  for (const c of passCases(smooth, {
    changes: [
      { name: 'a norm, and the factor of a gated product', model: gatedBlock(), options: { data: 'calib' }, data, check: (m) => expect([opTypes(m), gainOf(m)]).not.toEqual([opTypes(m), gainOf(original())]) },
      { name: 'an alpha that is given', model: gatedBlock(), options: { data: 'calib', alpha: 0.5 }, data },
      { name: 'a norm that the residual reads too, by one multiplication', model: postNorm, options: { data: 'calib', alpha: 0.5, include: ['gate', 'up'] }, data, check: (m) => expect(opTypes(m).filter((n) => n === 'Mul')).toHaveLength(2) },
    ],
    keeps: [
      { name: 'a norm that the residual reads too, where nothing may be inserted', model: postNorm, options: { data: 'calib', insert: 'never', include: ['gate', 'up'] }, data },
      { name: 'a function between the layers that does not scale', model: `<ir_version: 8, opset_import: ["": 17]> g (float[n, ${H}] x) => (float[n, ${H}] y) <float[${H}, ${H}] a = {${Array<number>(H * H).fill(0.5).join(', ')}}, float[${H}, ${H}] b = {${Array<number>(H * H).fill(0.25).join(', ')}}> { h = MatMul(x, a)\n s = Erf(h)\n y = MatMul(s, b) }`, options: { data: 'calib' }, data },
    ],
    rejects: [{ name: 'an alpha beyond 1', options: { data: 'calib', alpha: 2 }, says: /alpha/ }],
    unsettled: 'a second run finds what the first has left uneven',
  })) test(c.name, c.run);
});

test('a large channel no longer spoils the others', async () => {
  const [K, N, ROWS] = [16, 8, 50];
  const x = Float32Array.from({ length: ROWS * K }, (_, at) => Math.sin(at * 1.7) * (at % K === 3 ? 60 : 1));
  const w = Float32Array.from({ length: K * N }, (_, at) => Math.sin(at * 0.9));
  const largest = Float64Array.from({ length: K }, (_, c) => (c === 3 ? 60 : 1));
  const { scale, gain } = await smoothing([{ w, k: K, n: N, x }], largest, (i) => i, 'auto', 'token');
  expect(gain).toBeLessThan(0.2);
  expect(scale[3]! / scale[2]!).toBeGreaterThan(4);
});

test('alpha has the meaning of the paper: at 0.5 activations and weights meet in the middle', async () => {
  const { scale } = await smoothing([{ w: Float32Array.of(1, 1, 2, 4), k: 2, n: 2, x: Float32Array.of(9, 1) }], Float64Array.of(9, 1), (i) => i, 0.5, 'token');
  expect([...scale]).toEqual([Math.fround(3 / 1), Math.fround(1 / 2)]);
});

test('a channel that is always zero is left alone', async () => {
  const { scale } = await smoothing([{ w: Float32Array.of(1, 0), k: 2, n: 1, x: Float32Array.of(0, 1) }], Float64Array.of(0, 1), (i) => i, 0.5, 'token');
  expect([...scale]).toEqual([1, 1]);
});

test('the model computes the same', async () => {
  const model = original();
  await smooth.run(model, { data: 'calib', alpha: 'auto', activations: 'token', insert: 'auto', include: [], exclude: [], 'on-quantized': 'keep' }, testPassContext({ data }));
  const [was, is] = [await outputsOf(original()), await outputsOf(model)];
  const largest = Math.max(...was.map(Math.abs));
  expect(Math.max(...was.map((v, i) => Math.abs(v - is[i]!))) / largest).toBeLessThan(1e-5); // float32 products in another scale
});
