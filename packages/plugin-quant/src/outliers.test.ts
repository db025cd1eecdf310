import { parseModel, type Dataset, type Model, type StepRecord } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { correlated } from './calibrated/testing.ts';
import { largestGap, LEVELS, outputFor, rowWiseProduct } from './int8/testing.ts';
import { outliers } from './outliers.ts';

const [K, N, ROWS, BATCHES] = [32, 12, 40, 8];
const { x: plain, w } = correlated(K, N, ROWS * BATCHES);
const OUTLIERS = [5, 20];
/** Two columns far above the others, in every third token. */
const x = plain.map((v, at) => {
  const [row, column] = [Math.floor(at / K), at % K];
  return Math.max(-2, Math.min(2, v)) * (OUTLIERS.includes(column) && row % 3 === 0 ? 40 : 1);
});
const batches = (rows: Float32Array): Dataset => ({
  kind: 'tensors', fingerprint: 'outliers', count: BATCHES,
  async *feeds() {
    for (let b = 0; b < BATCHES; b++) yield { x: { dtype: 'float32', dims: [ROWS, K], data: rows.slice(b * ROWS * K, (b + 1) * ROWS * K) } };
  },
});
const data = { calib: batches(x), quiet: batches(plain.map((v) => Math.max(-2, Math.min(2, v)))) };

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const weight = (name: string, of: Float32Array = w): string => `float[${K}, ${N}] ${name} = {${[...of].join(', ')}}`;
const product = `${HEAD}g (float[n, ${K}] x) => (float[n, ${N}] y) <${weight('w')}> { y = MatMul(x, w) }`;
const opTypes = (m: Model): string[] => [...m.nodes()].map((n) => n.opType);
const DEFAULTS: Parameters<typeof outliers.run>[1] = { data: 'calib', threshold: 6, share: 0.001, most: 0.1, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };
const common = { data, options: { data: 'calib', most: 0.1 } } as const;

describe('quant/outliers', () => {
  for (const c of passCases(outliers, {
    bound: { relative: 0.05, because: 'a token has 255 levels over its own range, an output of a weight 255 over its own, and 32 terms are added' },
    changes: [
      {
        name: 'columns with outliers are multiplied in float', model: product, ...common,
        check: (m) => expect([opTypes(m).filter((t) => t === 'MatMul' || t === 'MatMulInteger'), m.graph.initializers.get('w_outliers')?.constant.dims]).toEqual([['MatMulInteger', 'MatMul'], [2, N]]),
      },
      {
        name: 'two products of one activation share what is split off',
        model: `${HEAD}g (float[n, ${K}] x) => (float[n, ${N}] y) <${weight('w')}, ${weight('v', w.map((value) => -value / 2))}> {\n a = MatMul(x, w)\n b = MatMul(x, v)\n y = Add(a, b)\n}`, ...common,
        check: (m) => expect(opTypes(m).filter((t) => t === 'Gather' || t === 'ReduceMax')).toEqual(['Gather', 'ReduceMax']),
      },
      {
        name: 'a weight that is stored transposed, and a bias',
        model: `${HEAD}g (float[n, ${K}] x) => (float[n, ${K}] y) <float[${K}, ${K}] v = {${Array.from({ length: K * K }, (_, i) => Math.sin(i).toFixed(4)).join(', ')}}, float[${K}] b = {${Array<number>(K).fill(0.5).join(', ')}}> { y = Gemm<transB = 1>(x, v, b) }`, ...common,
      },
      {
        name: 'a table and the head that is tied to it, stored once in blocks',
        model: `${HEAD}g (float[n, ${K}] x) => (float[n, ${K}] y) <float[${K}, ${K}] v = {${Array.from({ length: K * K }, (_, i) => Math.sin(i).toFixed(4)).join(', ')}}> {\n ids = ArgMax<axis = 1, keepdims = 0>(x)\n h = Gather(v, ids)\n t = Transpose<perm = [1, 0]>(v)\n y = MatMul(h, t)\n}`, ...common,
        check: (m) => expect(opTypes(m).filter((t) => t !== 'Reshape')).toEqual(['ArgMax', 'GatherBlockQuantized', 'MatMulNBits']),
      },
      { name: 'without outliers there is nothing to split off', model: product, data, options: { data: 'quiet' }, check: (m) => expect(opTypes(m)).not.toContain('MatMul') },
    ],
    keeps: [
      { name: 'what the recipe excludes', model: product, data, options: { data: 'calib', exclude: ['op:MatMul'] } },
      { name: 'a weight that is computed', model: `${HEAD}g (float[2, ${K}] x) => (float[2, 2] y) { t = Transpose(x)\n y = MatMul(x, t) }`, data, options: { data: 'calib' } },
    ],
    rejects: [{ name: 'no data', options: {}, says: /data/ }, { name: 'a share beyond all', options: { data: 'calib', share: 2 }, says: /share/ }],
  })) test(c.name, c.run);
});

async function split(options: Partial<typeof DEFAULTS> = {}): Promise<{ readonly model: Model; readonly records: readonly StepRecord[]; readonly said: readonly string[] }> {
  const model = parseModel(product);
  const [records, said]: [StepRecord[], string[]] = [[], []];
  await outliers.run(model, { ...DEFAULTS, ...options }, testPassContext({ data, records, said }));
  return { model, records, said };
}

const later = x.slice(0, 30 * K);
/** float32 sums and scales beside float64 ones, and a code that falls to the other side of a tie now and then. */
const ROUNDING = 2e-3;
const ORDER = 1e-6;

test('the product is that of the paper: outliers in float, and gone before any scale is found', async () => {
  const { model } = await split();
  expect(largestGap(rowWiseProduct(later, w, K, N, { float: OUTLIERS }), await outputFor(model, later, K))).toBeLessThan(ROUNDING);
});

test('it is the same at each level of optimization', async () => {
  const { model } = await split();
  const [none, basic, all] = [await outputFor(model, later, K, LEVELS[0]), await outputFor(model, later, K, LEVELS[1]), await outputFor(model, later, K, LEVELS[2])];
  expect([largestGap(none, basic), largestGap(none, all)].every((gap) => gap < ORDER)).toBe(true);
});

test('splitting outliers off leaves a fraction of the error, as onnxruntime computes it', async () => {
  const exact = await outputFor(parseModel(product), later, K);
  const error = async (options: Partial<typeof DEFAULTS>): Promise<number> => {
    const y = await outputFor((await split(options)).model, later, K);
    return Math.sqrt(y.reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0));
  };
  expect(await error({})).toBeLessThan(0.25 * (await error({ threshold: 1e9 })));
});

test('the report says how many columns stay float, what of later outliers they cover, and what that brings', async () => {
  const { records } = await split();
  expect(records[0]).toMatchObject({ name: 'w', values: { 'outlier-columns': 2, coverage: 1 } });
  expect(records[0]!.values['of-rowwise']).toBeLessThan(0.25);
});

test('no outlier is said to be none', async () => {
  const { records } = await split({ data: 'quiet' });
  expect(records[0]!.values).toMatchObject({ 'outlier-columns': 0, 'of-rowwise': 1 });
});

test('columns beyond what may stay float are told of', async () => {
  const { records, said } = await split({ most: 0 });
  expect(records[0]!.values['outlier-columns']).toBe(1);
  expect(said.join()).toContain('2 columns before');
});

test('a threshold of another model is an option', async () => {
  expect((await split({ threshold: 1000 })).records[0]!.values['outlier-columns']).toBe(0);
});
