import { float32sOf, parseModel, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { weights } from './weights.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const numbers = (count: number): string => Array.from({ length: count }, (_, i) => (Math.sin(i * 12.9898) * 3).toFixed(4)).join(', ');
const [K, N] = [40, 3]; // 40 is no multiple of 16 or 32: the last block is short
const product = (body: string, initializers = `float[${K}, ${N}] w = {${numbers(K * N)}}`, inputs = `float[64, ${K}] x`): string => `${HEAD}g (${inputs}) => (float[64, ${N}] y) <${initializers}> {\n${body}\n}`;
const OPTIONS = { bits: 4, block: 32, mode: 'asymmetric', 'accuracy-level': 1, include: [], exclude: [], 'on-nonfinite': 'fail' } as const;

const dimsOf = (m: Model): Record<string, readonly number[]> => Object.fromEntries([...m.graph.initializers].map(([name, v]) => [name, v.constant.dims]));

/** The product with what the codes stand for, by the definition of MatMulNBits: the low half of a byte comes first. */
function dequantized(m: Model, block: number): number[] {
  const of = (name: string): Uint8Array => m.graph.initializers.get(name)!.constant.bytes();
  const [codes, scales, zeros] = [of('w_codes'), float32sOf(m.graph.initializers.get('w_scales')!.constant), of('w_zero_points')];
  const blocks = Math.ceil(K / block);
  const nibble = (bytes: Uint8Array, at: number): number => (bytes[at >> 1]! >> (at % 2 ? 4 : 0)) & 15;
  return Array.from({ length: K * N }, (_, i) => {
    const [k, n] = [Math.floor(i / N), i % N];
    const b = Math.floor(k / block);
    const zero = nibble(zeros.subarray(n * Math.ceil(blocks / 2)), b);
    return (nibble(codes, n * blocks * block + k) - zero) * scales[n * blocks + b]!;
  });
}

describe('quant/weights', () => {
  for (const c of passCases(weights, {
    bound: { relative: 0.15, because: 'four bits are fifteen steps over the range of a block, each rounded by at most half a step, and forty of them add up at random; the largest of 192 sums is what errors are measured by' },
    changes: [
      {
        name: 'four bits, a zero point for each block, the last block short',
        model: product('y = MatMul(x, w)'),
        check(m) {
          expect(dimsOf(m)).toEqual({ w_codes: [N, 2, 16], w_scales: [N * 2], w_zero_points: [N] });
          const original = numbers(K * N).split(', ').map(Number);
          const scales = float32sOf(m.graph.initializers.get('w_scales')!.constant);
          dequantized(m, 32).forEach((w, i) => expect(Math.abs(w - original[i]!)).toBeLessThanOrEqual(0.5001 * Math.max(...scales))); // half a step, and the digits of float32
        },
      },
      { name: 'eight bits around zero', model: product('y = MatMul(x, w)'), options: { bits: 8, mode: 'symmetric', block: 16 }, check: (m) => expect(dimsOf(m)).toEqual({ w_codes: [N, 3, 16], w_scales: [N * 3] }) },
      { name: 'the full range of four bits', model: product('y = MatMul(x, w)'), options: { mode: 'full-range' }, check: (m) => expect([...m.opsets.keys()]).toContain('com.microsoft') },
      {
        name: 'Gemm with a transposed weight and a bias',
        model: product('y = Gemm<transB = 1>(x, w, b)', `float[${N}, ${K}] w = {${numbers(K * N)}}, float[${N}] b = {1, 2, 3}`),
        check: (m) => expect([...m.nodes()].map((n) => n.opType)).toEqual(['MatMulNBits', 'Add']),
      },
      {
        name: 'a weight that two products read is stored once',
        model: product('a = MatMul(x, w)\n b = MatMul(x, w)\n y = Add(a, b)'),
        check: (m) => expect(m.graph.initializers.size).toBe(3),
      },
      {
        name: 'a weight in half precision, through its Cast',
        model: product('c = Cast<to = 1>(w)\n y = MatMul(x, c)', `float16[${K}, ${N}] w = {${Array.from({ length: K * N }, (_, i) => 14000 + (i * 37) % 2000).join(', ')}}`),
        check: (m) => expect([...m.nodes()].map((n) => n.opType)).toEqual(['MatMulNBits']),
      },
    ],
    keeps: [
      { name: 'a weight that is computed', model: `${HEAD}g (float[2, 2] x) => (float[2, 2] y) { y = MatMul(x, x) }` },
      { name: 'a weight that someone else reads', model: product('z = MatMul(x, w)\n s = ReduceSum<keepdims = 0>(w)\n y = Add(z, s)') },
      { name: 'Gemm that scales its product', model: product('y = Gemm<alpha = 0.5>(x, w)') },
      { name: 'embeddings', model: `${HEAD}g (int64[M] ids) => (float[M, ${N}] y) <float[${K}, ${N}] w = {${numbers(K * N)}}> { y = Gather(w, ids) }` },
      { name: 'what the recipe excludes', model: product('y = MatMul(x, w)'), options: { exclude: ['op:MatMul'] } },
      { name: 'a weight that is not finite, where the recipe says so', model: product('y = MatMul(x, w)', 'float[2, 3] w = {1, 2, 3, 4, nan, 6}', 'float[64, 2] x'), options: { 'on-nonfinite': 'keep' } },
    ],
    rejects: [
      { name: 'three bits', options: { bits: 3 }, says: /"bits" must be one of 2, 4, 8/ },
      { name: 'an odd block', options: { block: 48 }, says: /"block" must be one of/ },
    ],
  })) test(c.name, c.run);
});

test('a weight that is not finite is an error that names the tensor and the first index', async () => {
  const model = parseModel(product('y = MatMul(x, w)', 'float[2, 3] w = {1, 2, 3, 4, inf, nan}', 'float[64, 2] x'));
  await weights.run(model, OPTIONS, testPassContext());
  expect(() => model.graph.initializers.get('w_codes')!.constant.bytes()).toThrow('Weight "w" holds Infinity at index 4');
});

test('an opset without the operator is refused with what to do', async () => {
  const model = parseModel(`<ir_version: 6, opset_import: ["" : 12]> g (float[M, 2] x) => (float[M, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }`);
  await expect(weights.run(model, OPTIONS, testPassContext())).rejects.toThrow('needs opset 13, and the model has 12');
});
