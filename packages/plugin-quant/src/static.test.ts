import { parseModel, Runtime, seeded, normal, type Dataset, type Model } from '@onnxpress/core';
import { passCases, testPassContext, testServices } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { staticInt8 } from './static.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const random = seeded('static');
const numbers = (count: number, size = 1): string => Array.from({ length: count }, () => (size * normal(random)).toFixed(4)).join(', ');
const SIDE = 8;

/** Two convolutions with a ReLU between them, a residual, a maximum, and a product: what small image models are made of. */
const NET = `${HEAD}net (float[n, 3, ${SIDE}, ${SIDE}] x) => (float[n, 5] y)
<float[8, 3, 3, 3] first = {${numbers(216, 0.3)}}, float[8] b = {${numbers(8, 0.5)}}, float[8, 8, 3, 3] second = {${numbers(576, 0.15)}}, float[8, 8, 1, 1] third = {${numbers(64, 0.3)}}, float[5, 8] head = {${numbers(40, 0.5)}}, float[5] c = {${numbers(5)}}> {
  u = Conv<pads = [1, 1, 1, 1]>(x, first, b)
  h = Relu(u)
  v = Conv<pads = [1, 1, 1, 1]>(h, second)
  r = Add(v, h)
  p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r)
  w = Conv(p, third)
  g = GlobalAveragePool(w)
  f = Flatten(g)
  y = Gemm<transB = 1>(f, head, c)
}`;

const COUNT = 16;
const images = (name: string): Float32Array => {
  const draw = seeded(name);
  return Float32Array.from({ length: COUNT * 3 * SIDE * SIDE }, () => normal(draw));
};
const tensors = (feeds: Extract<Dataset, { kind: 'tensors' }>['feeds']): Extract<Dataset, { kind: 'tensors' }> => ({ kind: 'tensors', fingerprint: 'images', count: COUNT, feeds });
const calib = tensors(async function* () {
  const all = images('calibration');
  const size = 4 * 3 * SIDE * SIDE;
  for (let i = 0; i < all.length; i += size) yield { x: { dtype: 'float32', dims: [4, 3, SIDE, SIDE], data: all.slice(i, i + size) } };
});
const data = { calib };

type Options = Parameters<typeof staticInt8.run>[1];
const DEFAULTS: Options = { data: 'calib', activations: 'uint8', symmetric: false, calibration: 'mse', percentile: 99.999, 'bias-correction': true, 'least-sqnr': 20, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };

const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);
const countOf = (m: Model, opType: string): number => opTypes(m).filter((t) => t === opType).length;

async function outputOf(model: Model, optimize: 'none' | 'basic' | 'all' = 'all', input = images('other'), output = 'y'): Promise<Float32Array> {
  const session = await testServices().get(Runtime).load(model, { optimize, threads: 1 });
  try {
    return (await session.run({ x: { dtype: 'float32', dims: [COUNT, 3, SIDE, SIDE], data: input } }))[output]!.data as Float32Array; // the model's float output
  } finally {
    await session.dispose();
  }
}

function decibels(signal: Float32Array, found: Float32Array): number {
  let [own, off] = [0, 0];
  signal.forEach((x, i) => {
    own += x * x;
    off += (x - found[i]!) ** 2;
  });
  return 10 * Math.log10(own / off);
}

async function quantized(options: Partial<Options> = {}, text = NET, said: string[] = []): Promise<Model> {
  const model = parseModel(text);
  await staticInt8.run(model, { ...DEFAULTS, ...options }, testPassContext({ data, said }));
  return model;
}

describe('quant/static', () => {
  for (const c of passCases(staticInt8, {
    bound: { relative: 0.05, because: 'activations have 255 steps over the range of the whole tensor, weights 254 over a channel, and five operators follow one another' },
    changes: [
      {
        name: 'a whole chain in 8 bits: weights as int8, one scale on both sides of what only moves numbers, no ReLU left', model: NET, options: { data: 'calib', 'reduce-range': false }, data, dims: { n: 4 },
        check(m) {
          expect(countOf(m, 'Relu')).toBe(0);
          const around = [...m.nodes()].filter((n) => n.is('MaxPool') || n.is('Flatten')).map((n) => [n.inputs[0]!.producer!.inputs[1], n.output.uses[0]!.node.inputs[1]]);
          for (const [before, behind] of around) expect(behind).toBe(before);
          expect([...m.graph.initializers.values()].filter((v) => v.constant.dtype === 'int8' && v.constant.dims.length > 1)).toHaveLength(4);
        },
      },
      { name: 'int8 activations, as accelerators want them', model: NET, options: { data: 'calib', activations: 'int8', symmetric: true }, data, dims: { n: 4 }, check: (m) => expect([...m.graph.initializers.values()].some((v) => v.constant.dtype === 'uint8')).toBe(false) },
      { name: '16 bits, at the opset that has them', model: NET, options: { data: 'calib', activations: 'uint16' }, data, dims: { n: 4 }, check: (m) => expect([m.opsets.get(''), m.info.irVersion]).toEqual([21, 10]) },
      { name: 'an older model, raised', model: NET.replace(': 17', ': 11'), options: { data: 'calib' }, data, dims: { n: 4 }, check: (m) => expect(m.opsets.get('')).toBe(13) },
    ],
    keeps: [
      { name: 'a model without weights', model: `${HEAD}g (float[n, 3, ${SIDE}, ${SIDE}] x) => (float[n, 3, ${SIDE}, ${SIDE}] y) { y = Relu(x) }`, options: { data: 'calib' }, data, dims: { n: 4 } },
      { name: 'a convolution of so few products that conversions cost more', model: `${HEAD}g (float[n, 3, ${SIDE}, ${SIDE}] x) => (float[n, 1, ${SIDE}, ${SIDE}] y) <float[1, 3, 1, 1] w = {1, 2, 3}> { y = Conv(x, w) }`, options: { data: 'calib' }, data, dims: { n: 4 } },
      { name: 'operators that would lose too much, and with them all', model: NET, options: { data: 'calib', 'least-sqnr': 90 }, data, dims: { n: 4 } },
      { name: 'a model that is quantized already', model: `${HEAD}g (float[2, 2] x) => (float[2, 2] y) <int8[2, 2] q = {1, 2, 3, 4}, float s = {0.5}> {\n w = DequantizeLinear(q, s)\n y = MatMul(x, w)\n}`, options: { data: 'calib' }, data },
    ],
    rejects: [{ name: 'no data', options: {}, says: /data/ }],
  })) test(c.name, c.run);
});

test('gives the same numbers at each level of optimization, near those of the original', async () => {
  const was = await outputOf(parseModel(NET));
  for (const options of [{}, { activations: 'int8' }, { activations: 'int8', symmetric: true }, { activations: 'int16' }] as const) {
    const model = await quantized(options);
    const all = await outputOf(model, 'all');
    for (const optimize of ['none', 'basic'] as const) expect(decibels(all, await outputOf(model, optimize))).toBeGreaterThan(35); // integer sums are rounded once, float ones thrice: some codes differ by one
    expect(decibels(was, all)).toBeGreaterThan(20);
  }
});

test('every calibration keeps most of the signal', async () => {
  const was = await outputOf(parseModel(NET));
  for (const calibration of ['minmax', 'average', 'percentile', 'entropy', 'mse'] as const) expect(decibels(was, await outputOf(await quantized({ calibration })))).toBeGreaterThan(18);
});

test('a factor and a clip behind an operator go into its codes', async () => {
  const text = NET.replace('h = Relu(u)', 'k = Clip(u, zero, six)\n h = Mul(k, sixth)').replace('float[5] c', 'float zero = {0}, float six = {6}, float sixth = {0.16666667}, float[5] c');
  const model = await quantized({}, text);
  expect([countOf(model, 'Clip'), countOf(model, 'Mul')]).toEqual([0, 0]);
  expect(decibels(await outputOf(parseModel(text)), await outputOf(model))).toBeGreaterThan(20);
});

test('correcting biases makes the mean error of each channel vanish on the data that it saw', async () => {
  const meanErrors = async (correction: boolean): Promise<number[]> => {
    const input = images('calibration');
    const [was, is] = [await outputOf(parseModel(NET), 'none', input), await outputOf(await quantized({ 'bias-correction': correction }), 'none', input)];
    return Array.from({ length: 5 }, (_, c) => Math.abs(was.reduce((sum, x, i) => (i % 5 === c ? sum + is[i]! - x : sum), 0) / COUNT));
  };
  const [without, corrected] = [await meanErrors(false), await meanErrors(true)];
  const worst = (errors: number[]): number => Math.max(...errors);
  expect(worst(corrected)).toBeLessThan(1e-3); // a step of a bias is a scale of codes times one of weights
  expect(worst(without)).toBeGreaterThan(10 * worst(corrected));
});

test('what an operator alone would lose is said, and it stays float', async () => {
  const said: string[] = [];
  const text = NET.replace('y = Gemm<transB = 1>(f, head, c)', 'z = Mul(f, huge)\n y = Gemm<transB = 1>(z, head, c)').replace('float[5] c', 'float[1, 8] huge = {1000000, 1, 1, 1, 1, 1, 1, 1}, float[5] c');
  const model = await quantized({ 'least-sqnr': 46 }, text, said);
  expect(said.some((s) => /would keep [\d.]+ dB of its output, less than least-sqnr: 46/.test(s))).toBe(true);
  expect(countOf(model, 'DequantizeLinear')).toBeLessThan(countOf(await quantized({}, text), 'DequantizeLinear'));
});

test('what was measured is recorded', async () => {
  const records: { name: string; values: Readonly<Record<string, number>> }[] = [];
  await staticInt8.run(parseModel(NET), DEFAULTS, testPassContext({ data, records }));
  expect(records).toHaveLength(8);
  for (const { values } of records) expect(values['sqnr']).toBeGreaterThan(20);
});

test('a sentinel of a mask does not widen a range', async () => {
  const masked = tensors(async function* () {
    for await (const feeds of calib.feeds()) {
      const x = feeds['x']!.data as Float32Array; // as the data set above makes them
      yield { x: { ...feeds['x']!, data: x.map((v, i) => (i === 5 ? -3.4028234663852886e38 : v)) } };
    }
  });
  const text = `${HEAD}g (float[n, 3, ${SIDE}, ${SIDE}] x) => (float[n, 32, 6, 6] y) <float[32, 3, 3, 3] w = {${numbers(864)}}> { y = Conv(x, w) }`;
  const model = parseModel(text);
  await staticInt8.run(model, { ...DEFAULTS, 'least-sqnr': -100, 'bias-correction': false, include: [] }, testPassContext({ data: { calib: masked } }));
  const scale = model.graph.initializers.get('x_scale')!;
  expect(Buffer.from(scale.constant.bytes()).readFloatLE()).toBeLessThan(0.1);
});

test('data that do not fit, and none at all, are said', async () => {
  const run = (given: Extract<Dataset, { kind: 'tensors' }>, said: string[] = []): Promise<void> => Promise.resolve(staticInt8.run(parseModel(NET), DEFAULTS, testPassContext({ data: { calib: given }, said })));
  await expect(run(tensors(async function* () { yield { x: { dtype: 'float32', dims: [1, 2, SIDE, SIDE], data: new Float32Array(2 * SIDE * SIDE) } } as const; }))).rejects.toThrow('onnxruntime cannot run the model');
  await expect(run(tensors(async function* () { yield { x: { dtype: 'float32', dims: [1, 3, SIDE, SIDE], data: new Float32Array(3 * SIDE * SIDE).fill(NaN) } } as const; }))).rejects.toThrow('"x" holds NaN');
  await expect(run(tensors(async function* () {}))).rejects.toThrow('no example');
});
