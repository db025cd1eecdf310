import type { Dataset, Feeds, Measured, Model } from '@onnxpress/core';
import { evaluatorCases, testContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { collection, tensorData, textData } from '../testing/data.ts';
import { encoder, oneHot, scaler } from '../testing/models.ts';
import { cosine } from './cosine.ts';

const rounding = 6;
const vectors = (...rows: number[][]): Dataset => tensorData(rows.map((row): Feeds => ({ x: { dtype: 'float32', dims: [1, row.length], data: Float32Array.from(row) } })));
const measure = (original: Model, result: Model, data: Dataset, output?: string): Promise<Measured> => cosine.measure({ original, result }, { data: 'data', output }, testContext({ data: { data } }));

for (const { name, run } of evaluatorCases(cosine, {
  measures: [{ name: 'tensors', original: () => scaler(1), result: () => scaler(2), options: { data: 'data' }, data: { data: vectors([1, 2]) }, check: ({ result }) => expect(result.metrics['cosine']).toBeCloseTo(1, rounding) }],
  rejects: [{ name: 'no data', options: {}, says: /data/ }],
})) test(name, run);

test('the cosine forgives a factor, the largest error does not', async () => {
  const { result } = await measure(scaler(1), scaler(1.5), vectors([1, 2], [4, -8]));
  expect(result.metrics['cosine']).toBeCloseTo(1, rounding);
  expect(result.metrics['max-error']).toBe(4);
  expect((await measure(scaler(1), scaler(-1), vectors([1, 2]))).result.metrics['cosine']).toBeCloseTo(-1, rounding);
});

test('each text is run by itself, and has a value', async () => {
  const [pad, unknown, red, , ...rest] = oneHot();
  const blind = encoder({ table: [pad!, unknown!, red!, red!, ...rest] }); // takes blue for red
  const { original, result } = await measure(encoder(), blind, textData(['red', 'blue', 'red blue']));
  expect(result.perExample?.['cosine']).toEqual([expect.closeTo(1, rounding), 0, expect.closeTo(0.5, rounding)]);
  expect(result.metrics).toEqual({ cosine: expect.closeTo(0.5, rounding), 'cosine.min': 0, 'max-error': 1 });
  expect(original.metrics).toEqual({ cosine: 1, 'cosine.min': 1, 'max-error': 0 });
});

test('what is infinite in both is no difference, and in one alone is told', async () => {
  const both = await measure(scaler(1), scaler(1), vectors([-Infinity, 3]));
  expect(both.result.metrics).toEqual({ cosine: 1, 'cosine.min': 1, 'max-error': 0 });
  expect(both.remarks).toEqual([]);
  const one = await measure(scaler(1), scaler(1e38), vectors([1, 1], [10, 1]));
  expect(one.result.perExample?.['cosine']?.[1]).toBe(0);
  expect(one.remarks).toEqual(['In 1 of 2 examples the two models differ in which outputs are finite numbers; those are not part of max-error.']);
});

test('an output that is not there, or of another shape, is an error', async () => {
  await expect(measure(scaler(1), scaler(1), vectors([1]), 'z')).rejects.toThrow('The model has no output "z".');
  const wider = encoder({ table: oneHot().map((row) => [...row, 0]) });
  await expect(measure(encoder(), wider, textData(['red']))).rejects.toThrow('The output "last_hidden_state" was [1, 1, 6] and is [1, 1, 7]');
});

test('data of another kind is refused', async () => {
  await expect(measure(scaler(1), scaler(1), collection({}, {}, []))).rejects.toThrow('of kind texts or tensors');
});
