import { float32sOf, normal, parseModel, Runtime, seeded, weightBytes, type Feeds, type Model } from '@onnxpress/core';
import { passCases, testPassContext, testServices } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { nf4 } from './nf4.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const wave = (count: number): string => Array.from({ length: count }, (_, i) => Math.sin(i * 1.7).toFixed(4)).join();
const [K, N] = [37, 5]; // odd: blocks cross the ends of rows, and half a byte is left
const product = (body = 'y = MatMul(x, w)', more = ''): string => `${HEAD}g (float[B, ${K}] x) => (float[B, ${N}] y) <float[${K}, ${N}] w = {${wave(K * N)}}${more}> { ${body} }`;
const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);
const DEFAULTS = { codebook: 'nf4', block: 64, 'double-quantization': true, include: [], exclude: [], 'on-nonfinite': 'fail', 'on-quantized': 'keep' } as const;

describe('quant/nf4', () => {
  for (const c of passCases(nf4, {
    bound: { relative: 0.25, because: 'sixteen numbers over the range of a block are up to an eighth of it apart, and these sums have few terms' },
    changes: [
      { name: 'a product, its magnitudes as bytes', model: product(), check: (m) => expect(opTypes(m)).toEqual(['Cast', 'Mul', 'Add', 'Reshape', 'Slice', 'MatMulBnb4']) },
      { name: 'magnitudes as they are', model: product(), options: { 'double-quantization': false }, check: (m) => expect(opTypes(m)).toEqual(['MatMulBnb4']) },
      { name: 'a float of 4 bits', model: product(), options: { codebook: 'fp4', block: 16 } },
      { name: 'Gemm with a transposed weight, a factor and a bias', model: `${HEAD}g (float[B, ${K}] x) => (float[B, ${N}] y) <float[${N}, ${K}] w = {${wave(K * N)}}, float[${N}] b = {1,2,3,4,5}> { y = Gemm <alpha = 0.5, transB = 1> (x, w, b) }`, check: (m) => expect(opTypes(m).slice(-4)).toEqual(['MatMulBnb4', 'Constant', 'Mul', 'Add']) },
      { name: 'two products of one weight share its codes', model: product('a = MatMul(x, w)  c = MatMul(x, w)  y = Add(a, c)'), check: (m) => expect([...m.graph.initializers.keys()].filter((n) => n.endsWith('_codes'))).toEqual(['w_codes', 'w_magnitude_codes']) },
    ],
    keeps: [
      { name: 'a table, which nothing could look up in', model: `${HEAD}g (int64[B] ids) => (float[B, 64] y) <float[3, 64] t = {${wave(192)}}> { y = Gather(t, ids) }` },
      { name: 'a table and the head tied to it', model: `${HEAD}g (int64[B] ids) => (float[B, 3] y) <float[3, 64] t = {${wave(192)}}> { e = Gather(t, ids)  w = Transpose <perm = [1, 0]> (t)  y = MatMul(e, w) }` },
      { name: 'what is quantized already', model: `${HEAD.replace('17]', '17, "com.microsoft" : 1]')}g (float[B, 2] x) => (float[B, 2] y) <uint8[2] c = {1, 2}, float[1] a = {1}> { y = com.microsoft.MatMulBnb4 <K = 2, N = 2, block_size = 16, quant_type = 1> (x, c, a) }` },
      { name: 'what the recipe excludes', model: product(), options: { exclude: ['w'] } },
      { name: 'a weight with an infinity, where the recipe says so', model: product().replace('{0.0000', '{inf'), options: { 'on-nonfinite': 'keep' } },
    ],
    rejects: [{ name: 'a block that no kernel has', options: { block: 48 }, says: /"block"/ }],
  })) test(c.name, c.run);
});

/** The code books as their papers and bitsandbytes give them. */
const BOOKS = {
  nf4: [-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  fp4: [0, 0.0625, 8, 12, 4, 6, 2, 3].flatMap((v) => [v / 12, -v / 12]),
};

/** Nearest number of the book in each block of the flat [N, K] weight, in float64. */
function oracle(w: readonly number[], book: readonly number[], block: number): number[] {
  const flat = Array.from({ length: N * K }, (_, i) => w[(i % K) * N + Math.floor(i / K)]!);
  return flat.map((v, i) => {
    const part = flat.slice(Math.floor(i / block) * block, (Math.floor(i / block) + 1) * block);
    const largest = Math.max(...part.map(Math.abs));
    return largest * [...book].sort((a, b) => Math.abs(a - v / largest) - Math.abs(b - v / largest))[0]!;
  });
}

async function rowsOf(model: Model, optimize: 'none' | 'basic' | 'all'): Promise<number[]> {
  const eye = Float32Array.from({ length: K * K }, (_, i) => (i % (K + 1) === 0 ? 1 : 0));
  const session = await testServices().get(Runtime).load(model, { optimize, threads: 1 });
  try {
    const out: Feeds = await session.run({ x: { dtype: 'float32', dims: [K, K], data: eye } });
    return [...(out['y']!.data as Float32Array)]; // a float output
  } finally {
    await session.dispose();
  }
}

/** A magnitude stored as a byte is off by half a step of its block: here 1/254 of how far magnitudes are from their mean. */
const BYTE_OF_MAGNITUDE = 0.005;
const ROUNDING = 1e-6;

describe.each(['nf4', 'fp4'] as const)('%s, at each level of optimization', (codebook) => {
  test.each([[16, false], [64, false], [64, true]] as const)('the runtime multiplies by the nearest numbers of the book: blocks of %i, magnitudes as bytes: %s', async (block, double) => {
    const random = seeded('nf4');
    const w = Array.from({ length: K * N }, () => Math.fround(normal(random)));
    const model = parseModel(`${HEAD}g (float[B, ${K}] x) => (float[B, ${N}] y) <float[${K}, ${N}] w = {${w.join()}}> { y = MatMul(x, w) }`);
    await nf4.run(model, { ...DEFAULTS, codebook, block, 'double-quantization': double }, testPassContext());
    const expected = oracle(w, BOOKS[codebook], block);
    for (const level of ['none', 'basic', 'all'] as const) {
      const got = await rowsOf(model, level);
      const apart = got.map((v, i) => Math.abs(v - expected[(i % N) * K + Math.floor(i / N)]!));
      expect(Math.max(...apart), level).toBeLessThan(double ? BYTE_OF_MAGNITUDE * 3 : ROUNDING); // weights are up to 3
    }
  });
});

test('magnitudes as bytes take 4.127 bits per weight at block 64, and 4.5 as they are', async () => {
  const rows = 512;
  const text = `${HEAD}g (float[B, ${rows}] x) => (float[B, 256] y) <float[${rows}, 256] w = {${wave(rows * 256)}}> { y = MatMul(x, w) }`;
  const bits = async (double: boolean): Promise<number> => {
    const model = parseModel(text);
    await nf4.run(model, { ...DEFAULTS, 'double-quantization': double }, testPassContext());
    return (weightBytes(model) * 8) / (rows * 256);
  };
  expect(await bits(false)).toBeCloseTo(4.5, 2);
  expect(await bits(true)).toBeCloseTo(4.127, 2);
});

test('a NaN is an error that names the weight and the place', async () => {
  const model = parseModel(product().replace('{0.0000', '{nan'));
  await nf4.run(model, DEFAULTS, testPassContext());
  expect(() => model.graph.initializers.get('w_codes')!.constant.bytes()).toThrow('Weight "w" holds NaN at index 0');
});

test('a block of zeros stays zero', async () => {
  const model = parseModel(`${HEAD}g (float[B, 32] x) => (float[B, 1] y) <float[32, 1] w = {${Array.from({ length: 32 }, (_, i) => (i < 16 ? 0 : i)).join()}}> { y = MatMul(x, w) }`);
  await nf4.run(model, { ...DEFAULTS, block: 16, 'double-quantization': false }, testPassContext());
  expect([...float32sOf(model.graph.initializers.get('w_magnitudes')!.constant)]).toEqual([0, 31]);
  expect([...model.graph.initializers.get('w_codes')!.constant.bytes().subarray(0, 8)]).toEqual(Array.from({ length: 8 }, () => 0x77));
});
