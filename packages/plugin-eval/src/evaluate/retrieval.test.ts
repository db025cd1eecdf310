import type { Dataset, Measured, Model, Runtime } from '@onnxpress/core';
import { OrtRuntime, Runtime as RuntimeToken } from '@onnxpress/core';
import { evaluatorCases, testContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { collection } from '../testing/data.ts';
import { encoder, oneHot, words } from '../testing/models.ts';
import { retrieval } from './retrieval.ts';

type Options = Parameters<typeof retrieval.measure>[1];

/** Sums of a few float32 numbers in another order. */
const rounding = 6;

const colours = collection(
  { d1: 'red', d2: 'red blue', d3: 'blue' },
  { q1: 'red', q2: 'green blue', q3: 'blue' },
  [['q1', 'd1', 2], ['q1', 'd3', 1], ['q2', 'd3', 1], ['q3', 'd2', 0]],
);

async function measure(original: Model, result: Model, options: Partial<Options> = {}, data: Dataset = colours, services?: Parameters<typeof testContext>[0]): Promise<Measured> {
  const defaults: Options = { data: 'data', k: 2, pooling: 'mean', normalize: true, 'query-prefix': '', 'document-prefix': '', batch: 32 };
  return retrieval.measure({ original, result }, { ...defaults, ...options }, testContext({ data: { data }, ...services }));
}

/** Red and blue have changed places, in queries and documents alike. */
const swapped = (): Model => {
  const [pad, unknown, red, blue, ...rest] = oneHot();
  return encoder({ table: [pad!, unknown!, blue!, red!, ...rest] });
};

for (const { name, run } of evaluatorCases(retrieval, {
  measures: [{
    name: 'colours', original: () => encoder(), result: swapped, options: { data: 'data', k: 2 }, data: { data: colours },
    check: ({ result }) => expect(Object.keys(result.metrics)).toContain('ndcg@2'),
  }],
  rejects: [
    { name: 'a cutoff of nothing', options: { data: 'data', k: 0 }, says: /k/ },
    { name: 'a pooling that nobody knows', options: { data: 'data', pooling: 'max' }, says: /pooling/ },
  ],
})) test(name, run);

test('quality is what one finds by hand', async () => {
  const { result } = await measure(encoder(), encoder());
  // q1 finds d1, d2, d3 and q2 finds d3, d2, d1; q3 has nothing to find.
  const ideal = 2 + 1 / Math.log2(3);
  expect(result.perExample?.['ndcg@2']).toEqual([expect.closeTo(2 / ideal, rounding), 1]);
  expect(result.perExample?.['recall@2']).toEqual([0.5, 1]);
  expect(result.perExample?.['mrr@2']).toEqual([1, 1]);
  expect(result.perExample?.['map']).toEqual([expect.closeTo((1 + 2 / 3) / 2, rounding), 1]);
  expect(result.metrics['ndcg@2']).toBeCloseTo((2 / ideal + 1) / 2, rounding);
});

test('queries without a relevant document are not averaged, and the report says how many', async () => {
  const { result, remarks } = await measure(encoder(), encoder());
  expect(result.perExample?.['ndcg@2']).toHaveLength(2);
  expect(remarks).toEqual(['1 of 3 queries have no relevant document and are not averaged.']);
});

test('a model agrees with itself', async () => {
  const { result, original } = await measure(encoder(), encoder());
  for (const metric of ['overlap@2', 'tau@2', 'cosine', 'cosine.min', 'batch-consistency']) expect(result.metrics[metric]).toBeCloseTo(1, rounding);
  expect(result.metrics['cross-ndcg@2']).toBe(original.metrics['ndcg@2']);
});

test('a model that only renames its directions ranks alike, and its queries do not fit the old index', async () => {
  const { original, result } = await measure(encoder(), swapped());
  expect(result.metrics['ndcg@2']).toBe(original.metrics['ndcg@2']);
  expect(result.metrics['overlap@2']).toBe(1);
  // q1 now finds d3, d2: the second best alone. q2 finds d1, d2: nothing.
  const ideal = 2 + 1 / Math.log2(3);
  expect(result.perExample?.['cross-ndcg@2']).toEqual([expect.closeTo(1 / ideal, rounding), 0]);
});

test('the cosine is that of the two vectors of each text, queries first', async () => {
  const { result } = await measure(encoder(), swapped());
  expect(result.perExample?.['cosine']).toEqual([0, expect.closeTo(0.5, rounding), 0, 0, expect.closeTo(1, rounding), 0]);
  expect(result.metrics['cosine.min']).toBe(0);
});

test('rankings that turn round have tau -1', async () => {
  const two = collection({ d1: 'red red red blue', d2: 'red blue blue blue' }, { q: 'red' }, []);
  const blind = oneHot().map((row, index) => (words[index] === 'red' ? oneHot()[words.indexOf('blue')]! : row)); // takes red for blue: both are alike, and ids decide
  const { result } = await measure(encoder(), encoder({ table: blind }), {}, two);
  expect(result.metrics).toMatchObject({ 'tau@2': -1, 'overlap@2': 1 });
});

test('without judgements there is agreement and no quality', async () => {
  const { result, remarks } = await measure(encoder(), swapped(), {}, collection({ d1: 'red', d2: 'blue' }, { q1: 'red' }, []));
  expect(Object.keys(result.metrics)).toEqual(['overlap@2', 'tau@2', 'cosine', 'cosine.min', 'batch-consistency']);
  expect(remarks).toEqual(['Nobody judged these documents, so there is agreement with the original model and no quality.']);
});

test('vectors of another width share no index, and quality is measured all the same', async () => {
  const wider = encoder({ table: oneHot().map((row) => [...row, 0]) });
  const { result, remarks } = await measure(encoder(), wider);
  expect(result.metrics).not.toHaveProperty('cosine');
  expect(result.metrics).not.toHaveProperty('cross-ndcg@2');
  expect(result.metrics['ndcg@2']).toBeGreaterThan(0);
  expect(remarks?.join(' ')).toContain("The result's vectors have 7 numbers and the original's 6");
});

test('prefixes are put before queries and documents', async () => {
  const { result } = await measure(encoder(), encoder(), { 'query-prefix': 'blue blue blue ', 'document-prefix': '' });
  // "blue blue blue red" is nearest to d3.
  expect(result.perExample?.['mrr@2']?.[0]).toBe(1);
  expect(result.perExample?.['ndcg@2']?.[0]).toBeCloseTo(1 / (2 + 1 / Math.log2(3)), rounding);
});

describe('kernels that take one scale for a batch', () => {
  const shy = collection({ d1: 'red', d2: 'loud loud loud loud' }, { q1: 'red blue', q2: 'blue green' }, [['q1', 'd1', 1]]);

  // One scale of 600/255 for all rounds the ones of other words to zero.
  test('are found by embedding texts alone and beside a long one, and the report says so', async () => {
    const { original, result, remarks } = await measure(encoder({ table: oneHot(600) }), encoder({ table: oneHot(600), dynamic: true }), {}, shy);
    expect(original.metrics['batch-consistency']).toBeCloseTo(1, rounding);
    expect(result.metrics['batch-consistency']).toBeLessThan(0.9);
    expect(remarks?.join(' ')).toMatch(/A text's vector depends on its batch: cosine 0\.\d{4} at worst/);
  });

  test('do no harm where no text is louder than another', async () => {
    const { result, remarks } = await measure(encoder(), encoder({ dynamic: true }), {}, shy);
    expect(result.metrics['batch-consistency']).toBeCloseTo(1, rounding);
    expect(remarks?.join(' ')).not.toContain('depends on its batch');
  });
});

test('a model without a mask is measured with batches of one length, and its consistency is left open', async () => {
  const bare = (): Model => encoder({ inputs: ['input_ids'] });
  const { result } = await measure(bare(), bare());
  expect(result.metrics).not.toHaveProperty('batch-consistency');
  expect(result.metrics['ndcg@2']).toBe((await measure(encoder(), encoder())).result.metrics['ndcg@2']);
});

test('token ids may be int32', async () => {
  expect((await measure(encoder(), encoder({ ids: 'int32' }))).result.metrics['cosine']).toBeCloseTo(1, rounding);
});

test('an output that is not there is an error that lists what is', async () => {
  await expect(measure(encoder(), encoder(), { output: 'pooled' })).rejects.toThrow('The model has no output "pooled".');
});

test('candidates of one original embed it once', async () => {
  const loaded: Model[] = [];
  const real = new OrtRuntime();
  const counting: Runtime = { version: 'counting', load: async (model, options) => (loaded.push(model), real.load(model, options)) };
  const spec = { services: (s: Parameters<NonNullable<NonNullable<Parameters<typeof testContext>[0]>['services']>>[0]) => void s.set(RuntimeToken, counting) };
  const [original, first, second] = [encoder(), swapped(), encoder()];
  await measure(original, first, {}, colours, spec);
  await measure(original, second, {}, colours, spec);
  expect(loaded).toEqual([original, first, second]);
  await measure(original, second, { batch: 1 }, colours, spec);
  expect(loaded).toEqual([original, first, second, original, second]);
});

test('an interrupt ends it', async () => {
  await expect(measure(encoder(), encoder(), {}, colours, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});
