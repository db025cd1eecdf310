import { normal, parseModel, seeded, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { hqq } from './hqq.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const random = seeded('hqq pass');
const [K, N] = [70, 4];
const NUMBERS = Array.from({ length: K * N }, () => normal(random).toFixed(4)).join();
const product = (body = 'y = MatMul(x, w)'): string => `${HEAD}g (float[B, ${K}] x) => (float[B, ${N}] y) <float[${K}, ${N}] w = {${NUMBERS}}> { ${body} }`;
const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);
const DEFAULTS = { bits: 4, block: 32, 'zero-points': 'integer', scales: 'auto', format: 'MatMulNBits', 'accuracy-level': 1, include: [], exclude: [], 'on-nonfinite': 'fail', 'on-quantized': 'keep' } as const;

describe('quant/hqq', () => {
  for (const c of passCases(hqq, {
    bound: { relative: 0.2, because: 'four bits leave a fifteenth of a block’s range between codes, and sums of seventy terms average it out; fewer bits have their own bounds' },
    changes: [
      { name: 'a product, whole zero points, scales in half precision', model: product(), check: (m) => expect([...m.graph.initializers.values()].map((v) => v.constant.dtype)).toEqual(['uint8', 'float16', 'uint8']) },
      { name: 'zero points that are floats', model: product(), options: { 'zero-points': 'float' }, check: (m) => expect([...m.graph.initializers.values()].map((v) => v.constant.dtype)).toEqual(['uint8', 'float16', 'float16']) },
      { name: '8 bits', model: product(), options: { bits: 8 }, within: 0.01 },
      { name: '3 bits', model: product(), options: { bits: 3 }, within: 0.4 },
      { name: '2 bits', model: product(), options: { bits: 2, block: 16 }, within: 0.8 },
      { name: 'as DequantizeLinear', model: product().replace('17]', '21]'), options: { format: 'QDQ' }, check: (m) => expect(opTypes(m)).toContain('DequantizeLinear') },
      { name: 'Gemm with a transposed weight and a bias', model: `${HEAD}g (float[B, ${K}] x) => (float[B, ${N}] y) <float[${N}, ${K}] w = {${NUMBERS}}, float[${N}] b = {1,2,3,4}> { y = Gemm <transB = 1> (x, w, b) }` },
    ],
    keeps: [
      { name: 'a table', model: `${HEAD}g (int64[B] ids) => (float[B, ${K}] y) <float[${N}, ${K}] w = {${NUMBERS}}> { y = Gather(w, ids) }` },
      { name: 'a weight that someone else reads', model: product('p = MatMul(x, w)  s = ReduceSum(w)  y = Add(p, s)') },
      { name: 'what the recipe excludes', model: product(), options: { exclude: ['w'] } },
      { name: 'what the recipe does not include', model: product(), options: { include: ['op:Gemm'] } },
      { name: 'what is quantized already', model: `${HEAD}g (float[B, 2] x) => (int32[B, 2] y) <int8[2, 2] w = {1,2,3,4}, uint8 z = {0}> { q, s, p = DynamicQuantizeLinear(x)  y = MatMulInteger(q, w, p) }` },
    ],
    rejects: [{ name: 'a kind of zero point that there is not', options: { 'zero-points': 'half' }, says: /"zero-points"/ }],
  })) test(c.name, c.run);
});

test.each([
  [{ bits: 8, 'zero-points': 'float' }, 'onnxruntime has no 8 bits with zero points that are floats'],
  [{ format: 'QDQ', 'zero-points': 'float' }, 'DequantizeLinear has whole zero points only'],
] as const)('%o is refused', async (options, says) => {
  await expect(async () => hqq.run(parseModel(product()), { ...DEFAULTS, ...options }, testPassContext())).rejects.toThrow(says);
});

test('what float zero points cost is said', async () => {
  const said: string[] = [];
  await hqq.run(parseModel(product()), { ...DEFAULTS, 'zero-points': 'float' }, testPassContext({ said }));
  expect(said.join()).toContain('about 50 times slower');
});

test('a NaN is an error that names the weight and the place', async () => {
  const model = parseModel(product().replace(/w = \{[^,]*/, 'w = {nan'));
  await hqq.run(model, DEFAULTS, testPassContext());
  expect(() => model.graph.initializers.get('w_codes')!.constant.bytes()).toThrow('Weight "w" holds NaN at index 0');
});
