import type { Dataset, Measured, Model } from '@onnxpress/core';
import { evaluatorCases, testContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { textData } from '../testing/data.ts';
import { encoder, words } from '../testing/models.ts';
import { perplexity } from './perplexity.ts';

const rounding = 6;

/** Logits by the last word alone: table[i][j] is log P(word j | word i) but for a constant. */
const bigram = (table: readonly (readonly number[])[]): Model => encoder({ table });
const uniform = words.map(() => words.map(() => 0));
/** Sure that a word is followed by itself: e^3 times as likely as any other. */
const repeating = words.map((_, row) => words.map((_, column) => (row === column ? 3 : 0)));

const windows = (text: string, tokens: number, take?: number): Dataset => ({ ...textData(text.split('\n')), windows: { tokens, skip: 0, take, text: async function* () { yield text; } } }) as Dataset; // texts with windows are texts
const measure = (original: Model, result: Model, data: Dataset, options: { stride?: number; output?: string } = {}): Promise<Measured> => perplexity.measure({ original, result }, { data: 'data', stride: undefined, output: undefined, ...options }, testContext({ data: { data } }));

for (const { name, run } of evaluatorCases(perplexity, {
  measures: [{ name: 'windows', original: () => bigram(uniform), options: { data: 'data' }, data: { data: windows('red blue green red', 2) }, check: ({ result }) => expect(result.metrics['perplexity']).toBeCloseTo(6, rounding) }],
  rejects: [{ name: 'no data', options: {}, says: /data/ }],
})) test(name, run);

test('a model that knows nothing is as perplexed as there are words, and the same model diverges by nothing', async () => {
  const { original, result, remarks } = await measure(bigram(uniform), bigram(uniform), windows('red blue green red blue', 2));
  expect(original.metrics).toEqual({ perplexity: expect.closeTo(6, rounding), kl: 0, top1: 1 });
  expect(result.metrics).toEqual({ perplexity: expect.closeTo(6, rounding), kl: 0, top1: 1 });
  expect(remarks).toEqual(['2 tokens were foretold.']);
});

test('perplexity is that of the likelihood of what follows, and each window has its own', async () => {
  const sure = Math.exp(3) / (Math.exp(3) + 5);
  const { result } = await measure(bigram(uniform), bigram(repeating), windows('red red red\nblue blue green', 3));
  expect(result.perExample?.['perplexity']).toEqual([expect.closeTo(1 / sure, rounding), expect.closeTo(Math.exp(3 / 2) / sure, rounding)]);
  expect(result.metrics['perplexity']).toBeCloseTo(Math.exp(3 / 4) / sure, rounding);
});

test('divergence is of the original from the result, in nats', async () => {
  const sure = Math.exp(3) / (Math.exp(3) + 5);
  const other = 1 / (Math.exp(3) + 5);
  const { result } = await measure(bigram(repeating), bigram(uniform), windows('red blue', 2));
  expect(result.metrics['kl']).toBeCloseTo(sure * Math.log(sure * 6) + 5 * other * Math.log(other * 6), rounding);
  expect(result.metrics['top1']).toBe(0); // of equals the first counts, which is not red
});

test('with a stride every token is foretold once', async () => {
  const { remarks, result } = await measure(bigram(uniform), bigram(repeating), windows('red red red blue red red', 4), { stride: 2 });
  expect(remarks).toEqual(['5 tokens were foretold.']);
  expect(result.perExample?.['perplexity']).toHaveLength(2);
});

test('texts without windows are foretold one by one, weighed by their tokens', async () => {
  const { remarks, result } = await measure(bigram(uniform), bigram(uniform), textData(['red', 'red blue', 'green green green']));
  expect(remarks).toEqual(['3 tokens were foretold.']);
  expect(result.perExample?.['kl']).toEqual([0, 0]);
});

test('logits that are no numbers are as bad as numbers tell', async () => {
  const broken = repeating.map((row, at) => (at === 2 ? row.map(() => NaN) : row));
  const { result, remarks } = await measure(bigram(repeating), bigram(broken), windows('red red blue blue', 2));
  expect(result.metrics['kl']).toBe(Number.MAX_VALUE);
  expect(result.metrics['perplexity']).toBe(Number.MAX_VALUE);
  expect(remarks).toEqual(["In 1 of 2 windows the result's logits are not finite numbers.", '2 tokens were foretold.']);
});

test('what cannot be measured says so', async () => {
  await expect(measure(bigram(uniform), bigram(uniform), textData(['red']))).rejects.toThrow('has two tokens, so nothing can be foretold');
  await expect(measure(bigram(uniform), bigram(uniform), textData(['red']), { output: 'no' })).rejects.toThrow('The model has no output "no"');
  await expect(measure(bigram(uniform), bigram(uniform), textData(['red']), { stride: 4 })).rejects.toThrow('the data has none');
  await expect(measure(bigram(uniform), bigram(uniform), windows('red', 2), { stride: 4 })).rejects.toThrow('Windows of 2 tokens that begin every 4 tokens would leave tokens out');
  await expect(measure(bigram(uniform), encoder({ table: uniform.map((row) => [...row, 0]) }), windows('red red', 2))).rejects.toThrow('was [2, 6] and is [2, 7]');
  const narrow = words.map(() => [0, 0]);
  await expect(measure(bigram(narrow), bigram(narrow), windows('red green', 2))).rejects.toThrow('gives token 2, and the model has logits for 2');
});
