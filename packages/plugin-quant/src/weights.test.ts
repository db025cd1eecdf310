import { float32sOf, parseModel, Runtime, type Dataset, type Model, type StepRecord } from '@onnxpress/core';
import { passCases, testPassContext, testServices } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { weights } from './weights.ts';

type Options = Parameters<typeof weights.run>[1];
const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const numbers = (count: number): string => Array.from({ length: count }, (_, i) => (Math.sin(i * 12.9898) * 3).toFixed(4)).join(', ');
const [K, N] = [40, 3]; // 40 is no multiple of 16 or 32: the last block is short
const product = (body: string, initializers = `float[${K}, ${N}] w = {${numbers(K * N)}}`, inputs = `float[64, ${K}] x`): string => `${HEAD}g (${inputs}) => (float[64, ${N}] y) <${initializers}> {\n${body}\n}`;
const tied = (v = 50, h = 32): string => `${HEAD}g (int64[M] ids) => (float[M, ${v}] y) <float[${v}, ${h}] w = {${numbers(v * h)}}> { e = Gather(w, ids)\n r = Relu(e)\n t = Transpose<perm = [1, 0]>(w)\n y = MatMul(r, t) }`;
const DIMS = { M: 5 };
const OPTIONS: Options = { bits: 4, block: 32, mode: 'asymmetric', embeddings: 8, search: 'none', scales: 'auto', format: 'MatMulNBits', 'accuracy-level': 1, include: [], exclude: [], 'on-nonfinite': 'fail', 'on-quantized': 'keep' };

const dimsOf = (m: Model): Record<string, readonly number[]> => Object.fromEntries([...m.graph.initializers].map(([name, v]) => [name, v.constant.dims]));
const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);

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
          expect(dimsOf(m)).toEqual({ w_codes: [N, 2, 16], w_scales: [N, 2], w_zero_points: [N, 1] });
          const original = numbers(K * N).split(', ').map(Number);
          const scales = float32sOf(m.graph.initializers.get('w_scales')!.constant);
          dequantized(m, 32).forEach((w, i) => expect(Math.abs(w - original[i]!)).toBeLessThanOrEqual(0.51 * Math.max(...scales))); // half a step, and the eleven bits of a float16 over fifteen steps
        },
      },
      { name: 'scales in half precision, cast where they are read', model: product('y = MatMul(x, w)'), check: (m) => expect([m.graph.initializers.get('w_scales')!.constant.dtype, opTypes(m)]).toEqual(['float16', ['Cast', 'MatMulNBits']]) },
      { name: 'scales in single precision', model: product('y = MatMul(x, w)'), options: { scales: 'float32' }, check: (m) => expect(opTypes(m)).toEqual(['MatMulNBits']) },
      { name: 'at level 4, scales that every setting of the runtime computes with', model: product('y = MatMul(x, w)'), options: { 'accuracy-level': 4 }, check: (m) => expect(m.graph.initializers.get('w_scales')!.constant.dtype).toBe('float32') },
      {
        name: 'scales that float16 would round too much',
        model: product('y = MatMul(x, w)', `float[${K}, ${N}] w = {${numbers(K * N).split(', ').map((n) => `${Number(n) * 1e-7}`).join(', ')}}`),
        check: (m) => expect(m.graph.initializers.get('w_scales')!.constant.dtype).toBe('float32'),
      },
      {
        name: 'scales beyond the range of float16',
        model: product('y = MatMul(x, w)', `float[${K}, ${N}] w = {${numbers(K * N).split(', ').map((n) => `${Number(n) * 1e7}`).join(', ')}}`),
        check: (m) => expect(m.graph.initializers.get('w_scales')!.constant.dtype).toBe('float32'),
      },
      { name: 'eight bits around zero', model: product('y = MatMul(x, w)'), options: { bits: 8, mode: 'symmetric', block: 16 }, check: (m) => expect(dimsOf(m)).toEqual({ w_codes: [N, 3, 16], w_scales: [N, 3] }) },
      { name: 'the full range of four bits', model: product('y = MatMul(x, w)'), options: { mode: 'full-range' }, check: (m) => expect([...m.opsets.keys()]).toContain('com.microsoft') },
      { name: 'three bits in four', model: product('y = MatMul(x, w)'), options: { bits: 3, block: 16 }, within: 0.3, check: (m) => expect([...m.graph.initializers.get('w_codes')!.constant.bytes()].every((b) => (b & 15) < 8 && b >> 4 < 8)).toBe(true) },
      { name: 'two bits, the scale with the least squared error', model: product('y = MatMul(x, w)'), options: { bits: 2, block: 16, search: 'mse' }, within: 0.6 },
      { name: 'a scale fitted by weighted least squares', model: product('y = MatMul(x, w)'), options: { search: 'k-quant' } },
      { name: 'a fitted scale around zero', model: product('y = MatMul(x, w)'), options: { search: 'k-quant', mode: 'full-range' } },
      {
        name: 'operators of ONNX itself, for which an older model is raised',
        model: product('y = MatMul(x, w)'),
        options: { format: 'QDQ' },
        check: (m) => expect([opTypes(m), m.graph.initializers.get('w_codes')!.constant.dtype, m.opsets.get(''), m.info.irVersion]).toEqual([['Cast', 'DequantizeLinear', 'MatMul'], 'uint4', 21, 10]),
      },
      {
        name: 'Gemm with a transposed weight, a factor and a bias',
        model: product('y = Gemm<alpha = 0.5, transB = 1>(x, w, b)', `float[${N}, ${K}] w = {${numbers(K * N)}}, float[${N}] b = {1, 2, 3}`),
        check: (m) => expect(opTypes(m)).toEqual(['Cast', 'MatMulNBits', 'Constant', 'Mul', 'Add']),
      },
      { name: 'a weight that two products read is stored once', model: product('a = MatMul(x, w)\n b = MatMul(x, w)\n y = Add(a, b)'), check: (m) => expect(m.graph.initializers.size).toBe(3) },
      {
        name: 'a weight in half precision, through its Cast',
        model: product('c = Cast<to = 1>(w)\n y = MatMul(x, c)', `float16[${K}, ${N}] w = {${Array.from({ length: K * N }, (_, i) => 14000 + (i * 37) % 2000).join(', ')}}`),
        check: (m) => expect(opTypes(m)).toEqual(['Cast', 'MatMulNBits']),
      },
      { name: 'a table', model: `${HEAD}g (int64[M] ids) => (float[M, 48] y) <float[20, 48] w = {${numbers(960)}}> { y = Gather(w, ids) }`, dims: DIMS, within: 0.01, check: (m) => expect([opTypes(m), dimsOf(m)['w_codes']]).toEqual([['Cast', 'GatherBlockQuantized'], [20, 48]]) },
      {
        name: 'a table and the output head that is tied to it, stored once in the bits of tables',
        model: tied(),
        dims: DIMS,
        within: 0.02,
        check: (m) => expect(dimsOf(m)).toMatchObject({ w_codes: [50, 1, 32], w_scales: [50, 1], w_zero_points: [50, 1] }),
      },
      {
        name: 'an output head behind a Transpose that is tied to nothing',
        model: product('t = Transpose<perm = [1, 0]>(w)\n y = MatMul(x, t)', `float[${N}, ${K}] w = {${numbers(K * N)}}`),
        check: (m) => expect([opTypes(m), dimsOf(m)['w_codes']]).toEqual([['Cast', 'MatMulNBits'], [N, 2, 16]]),
      },
      { name: 'a table in four bits', model: tied(), dims: DIMS, options: { embeddings: 4 }, check: (m) => expect(dimsOf(m)['w_codes']).toEqual([50, 1, 16]) },
      { name: 'what the recipe includes of a model that is quantized already', model: product('z = MatMul(x, w)\n q, s, p = DynamicQuantizeLinear(z)\n i = MatMulInteger(q, c, p)\n y = Cast<to = 1>(i)', `float[${K}, ${N}] w = {${numbers(K * N)}}, uint8[3, 3] c = {1, 2, 3, 4, 5, 6, 7, 8, 9}`), options: { include: ['w'] }, check: (m) => expect(opTypes(m)).toContain('MatMulNBits') },
      {
        name: 'a product that computes in half precision, with a bias',
        model: `${HEAD}g (float[4, ${K}] x) => (float[4, ${N}] y) <float[${K}, ${N}] v = {${numbers(K * N)}}, float16[${N}] b = {15360, 15360, 15360}> {
          h = Cast<to = 10>(x)\n w = Cast<to = 10>(v)\n p = Gemm<alpha = 0.5>(h, w, b)\n y = Cast<to = 1>(p) }`,
        check: (m) => expect([opTypes(m), m.graph.initializers.get('v_scales')!.constant.dtype]).toEqual([['Cast', 'MatMulNBits', 'Constant', 'Mul', 'Add', 'Cast'], 'float16']),
      },
      { name: 'a table in half precision', model: `${HEAD}g (int64[M] ids) => (float16[M, 32] y) <float16[20, 32] w = {${Array.from({ length: 640 }, (_, i) => 14000 + (i * 37) % 2000).join(', ')}}> { y = Gather(w, ids) }`, dims: DIMS, within: 0.02, check: (m) => expect(opTypes(m)).toEqual(['GatherBlockQuantized']) },
      { name: 'a table that is looked up by a matrix of indices', model: `${HEAD}g (int32[M, 2] ids) => (float[M, 2, 32] y) <float[20, 32] w = {${numbers(640)}}> { y = Gather(w, ids) }`, dims: DIMS, within: 0.01 },
      { name: 'an old opset', model: `<ir_version: 4, opset_import: ["" : 9]> g (float[64, ${K}] x) => (float[64, ${N}] y) <float[${K}, ${N}] w = {${numbers(K * N)}}> { y = MatMul(x, w) }` },
    ],
    keeps: [
      { name: 'a weight that is computed', model: `${HEAD}g (float[2, 2] x) => (float[2, 2] y) { y = MatMul(x, x) }` },
      { name: 'a weight that someone else reads', model: product('z = MatMul(x, w)\n s = ReduceSum<keepdims = 0>(w)\n y = Add(z, s)') },
      { name: 'a weight in double precision', model: `${HEAD}g (double[2, 32] x) => (double[2, 1] y) <double[32, 1] w = {${numbers(32)}}> { y = MatMul(x, w) }` },
      { name: 'a weight that would take more room', model: `${HEAD}g (float[2, 2] x) => (float[2, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }` },
      { name: 'a table whose rows no block divides', model: `${HEAD}g (int64[M] ids) => (float[M, 40] y) <float[20, 40] w = {${numbers(800)}}> { y = Gather(w, ids) }` },
      { name: 'tables and the heads tied to them, where the recipe says so', model: tied(), options: { embeddings: 'keep' } },
      { name: 'a model that is quantized already', model: product('z = MatMul(x, w)\n q, s, p = DynamicQuantizeLinear(z)\n i = MatMulInteger(q, c, p)\n y = Cast<to = 1>(i)', `float[${K}, ${N}] w = {${numbers(K * N)}}, uint8[3, 3] c = {1, 2, 3, 4, 5, 6, 7, 8, 9}`) },
      { name: 'what the recipe excludes', model: product('y = MatMul(x, w)'), options: { exclude: ['op:MatMul'] } },
      { name: 'the opset of a model without weights for it', model: product('y = MatMul(x, w)'), options: { exclude: ['op:MatMul'], format: 'QDQ' } },
      { name: 'a weight that is not finite, where the recipe says so', model: product('y = MatMul(x, w)', `float[32, 3] w = {${numbers(95)}, nan}`, 'float[64, 32] x'), options: { 'on-nonfinite': 'keep' } },
    ],
    rejects: [
      { name: 'five bits', options: { bits: 5 }, says: /"bits" must be one of 2, 3, 4, 8/ },
      { name: 'an odd block', options: { block: 48 }, says: /"block" must be one of/ },
    ],
  })) test(c.name, c.run);
});

test('a weight that is not finite is an error that names the tensor and the first index', async () => {
  const model = parseModel(product('y = MatMul(x, w)', `float[32, 3] w = {${numbers(94)}, inf, nan}`, 'float[64, 32] x'));
  await weights.run(model, OPTIONS, testPassContext());
  expect(() => model.graph.initializers.get('w_codes')!.constant.bytes()).toThrow('Weight "w" holds Infinity at index 94');
});

test('what each layer lost is recorded', async () => {
  const records: StepRecord[] = [];
  await weights.run(parseModel(product('y = MatMul(x, w)')), { ...OPTIONS, bits: 8, mode: 'symmetric' }, testPassContext({ records }));
  expect(records).toMatchObject([{ name: 'w', values: { 'weight-error': expect.closeTo(0.005, 2), 'bits-per-weight': (2 * (256 + 16)) / 40 } }]);
});

test('a quantized model is told of, and refused where the recipe says so', async () => {
  const model = parseModel(product('y = MatMul(x, w)'));
  await weights.run(model, OPTIONS, testPassContext());
  const said: string[] = [];
  await weights.run(model, OPTIONS, testPassContext({ said }));
  expect(said).toEqual(['The model is quantized already: it has 1 MatMulNBits. It stays as it is; "on-quantized: continue" quantizes the rest.']);
  await expect(weights.run(model, { ...OPTIONS, 'on-quantized': 'fail' }, testPassContext())).rejects.toThrow('The model is quantized already');
});

test('importance from data lowers the error of the outputs', async () => {
  const text = product('y = MatMul(x, w)', `float[64, 24] w = {${numbers(64 * 24)}}`, 'float[16, 64] x').replace(`float[64, ${N}] y`, 'float[16, 24] y');
  // Every eighth input is thirty times as large as the others.
  const x = Float32Array.from({ length: 16 * 64 }, (_, i) => Math.cos(i * 7.31) * (i % 8 === 0 ? 30 : 1));
  const feeds = { x: { dtype: 'float32', dims: [16, 64], data: x } } as const;
  const data: Dataset = { kind: 'tensors', fingerprint: 'x', count: 1, async *feeds() { yield feeds; } };
  const outputs = async (m: Model): Promise<Float32Array> => {
    const session = await testServices().get(Runtime).load(m, { threads: 1 });
    try {
      return (await session.run(feeds))['y']!.data as Float32Array; // declared float
    } finally {
      await session.dispose();
    }
  };
  const wanted = await outputs(parseModel(text));
  const errorOf = async (options: Partial<Options>): Promise<number> => {
    const model = parseModel(text);
    await weights.run(model, { ...OPTIONS, ...options }, testPassContext({ data: { x: data } }));
    return (await outputs(model)).reduce((sum, v, i) => sum + (v - wanted[i]!) ** 2, 0);
  };
  expect(await errorOf({ search: 'k-quant', data: 'x' })).toBeLessThan(0.8 * (await errorOf({}))); // four bits: the large inputs' weights are what a block is fitted to
});
