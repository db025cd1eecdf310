import { type Measured, normal, type OptionsOf, RecipeError, seeded, type Unit, type Verdict } from '@onnxpress/core';
import { describe, expect, test } from 'vitest';
import { mean } from '../statistics.ts';
import { threshold } from './threshold.ts';

type Options = OptionsOf<typeof threshold.options>;
const judge = (measured: Measured, options: Partial<Options>): Verdict =>
  threshold.judge(measured, { metric: 'ndcg@10', sure: '95%', inconclusive: 'fail', ...options } as Parameters<typeof threshold.judge>[1]); // what the schema's defaults would add

const numbers = (original: number, result: number, unit?: Unit, metric = 'size'): Measured => ({
  original: { metrics: { [metric]: original } }, result: { metrics: { [metric]: result } }, ...(unit ? { units: { [metric]: unit } } : {}),
});

/** Queries whose score changes by a share and by chance. */
function queries(n: number, share: number, chance: number): Measured {
  const random = seeded('queries', n);
  const before = Array.from({ length: n }, () => 0.4 + 0.1 * normal(random));
  const after = before.map((value) => share * value + chance * normal(random));
  const side = (values: number[]): Measured['result'] => ({ metrics: { 'ndcg@10': mean(values) }, perExample: { 'ndcg@10': values } });
  return { original: side(before), result: side(after), units: { 'ndcg@10': 'score' } };
}

describe('without values per example the number alone is judged', () => {
  test('a share of the original', () => {
    expect(judge(numbers(90.4e6, 22.9e6, 'bytes'), { metric: 'size', 'at-most': '30%' })).toMatchObject({
      ok: true, inconclusive: false, metric: 'size', bound: '≤ 30 %', detail: undefined,
      message: "size is 25.3 % of the original's, and at most 30 % was asked for.",
    });
    expect(judge(numbers(90.4e6, 45e6, 'bytes'), { metric: 'size', 'at-most': '30%' }).ok).toBe(false);
  });

  test('a number with a unit', () => {
    expect(judge(numbers(90.4e6, 22.9e6, 'bytes'), { metric: 'size', 'at-most': '30 MB' })).toMatchObject({ ok: true, bound: '≤ 30 MB' });
    expect(judge(numbers(10, 9, 'ms', 'p'), { metric: 'p', 'at-most': '8 ms' })).toMatchObject({ ok: false, bound: '≤ 8 ms' });
  });

  test('the bound itself passes', () => {
    expect(judge(numbers(100, 30, 'count', 'nodes'), { metric: 'nodes', 'at-most': 30 }).ok).toBe(true);
    expect(judge(numbers(100, 97), { metric: 'size', 'at-least': '97%' }).ok).toBe(true);
  });
});

describe('with values per example the whole interval must clear the bound', () => {
  test('a result that lost one percent is surely above ninety', () => {
    const verdict = judge(queries(225, 0.99, 0.02), { 'at-least': '90%' });
    expect(verdict).toMatchObject({ ok: true, inconclusive: false, bound: '≥ 90 %' });
    expect(verdict.detail).toMatch(/^95 %: 9[78]\.\d–(99|100)\.\d %, n = 225$/);
    expect(verdict.message).toMatch(/^ndcg@10 is 9\d\.\d % of the original's \(95 %: .* %, n = 225\), and at least 90 % was asked for\.$/);
  });

  test('a result that lost a fifth surely fails', () => {
    const verdict = judge(queries(225, 0.8, 0.02), { 'at-least': '90%' });
    expect(verdict).toMatchObject({ ok: false, inconclusive: false });
    expect(verdict.message).toContain('change the bound');
  });

  test('an interval that contains the bound is inconclusive, and fails unless asked otherwise', () => {
    const near = queries(225, 0.985, 0.05);
    expect(judge(near, { 'at-least': '98%' })).toMatchObject({ ok: false, inconclusive: true });
    expect(judge(near, { 'at-least': '98%', inconclusive: 'warn' })).toMatchObject({ ok: true, inconclusive: true, warn: true });
    expect(judge(near, { 'at-least': '98%', inconclusive: 'pass' })).toMatchObject({ ok: true, inconclusive: true });
    expect(judge(near, { 'at-least': '98%', inconclusive: 'pass' })).not.toHaveProperty('warn');
  });

  test('"off" judges the mean alone', () => {
    expect(judge(queries(225, 0.985, 0.05), { 'at-least': '98%', sure: 'off' })).toMatchObject({ ok: true, inconclusive: false, detail: undefined });
  });

  test('a number is a bound on the mean of the result', () => {
    const verdict = judge(queries(225, 1, 0), { 'at-least': 0.3 });
    expect(verdict).toMatchObject({ ok: true, bound: '≥ 0.3' });
    expect(verdict.detail).toMatch(/^95 %: 0\.\d{4}–0\.\d{4}, n = 225$/);
  });
});

test('an inconclusive message says what this n can show and which would do', () => {
  const n = 225;
  const { message } = judge(queries(n, 0.985, 0.05), { 'at-least': '97.9%' });
  const [, value, low] = /is ([\d.]+) % .*95 %: ([\d.]+)–/.exec(message) ?? [];
  const [, shown] = /225 examples can show a difference of ([\d.]+) %, and none that is smaller\./.exec(message) ?? [];
  const [, needed] = /About (\d+) examples would do/.exec(message) ?? [];
  const [width, margin] = [Number(value) - Number(low), Number(value) - 97.9];
  const asRounded = 0.11; // both are printed with one digit
  expect(Math.abs(Number(shown) - width)).toBeLessThan(asRounded);
  const expected = n * (width / margin) ** 2;
  expect(Number(needed) / expected).toBeGreaterThan(0.7); // the margin is rounded too, and the square doubles it
  expect(Number(needed) / expected).toBeLessThan(1.4);
});

test('the number of examples that an inconclusive gate asks for does decide it', () => {
  const verdict = judge(queries(100, 0.985, 0.05), { 'at-least': '96.5%' });
  const needed = Number(/About (\d+) examples/.exec(verdict.message)?.[1]);
  expect(verdict.inconclusive).toBe(true);
  const random = seeded('many');
  const margin = 1.5; // the estimate comes from one sample of 100
  const before = Array.from({ length: Math.ceil(margin * needed) }, () => 0.4 + 0.1 * normal(random));
  const after = before.map((value) => 0.985 * value + 0.05 * normal(random));
  const side = (values: number[]): Measured['result'] => ({ metrics: { 'ndcg@10': mean(values) }, perExample: { 'ndcg@10': values } });
  expect(judge({ original: side(before), result: side(after) }, { 'at-least': '96.5%' }).inconclusive).toBe(false);
});

test('a mean beyond the bound is not helped by more examples', () => {
  expect(judge(queries(225, 0.985, 0.05), { 'at-least': '98.8%' }).message).toContain('More examples would most likely fail it');
});

test('latency is judged by the median of the paired ratios', () => {
  const before = Array.from({ length: 40 }, (_, round) => (round < 20 ? 10 : 30));
  const after = before.map((ms) => ms / 2);
  const side = (times: number[], p50: number): Measured['result'] => ({ metrics: { 'latency.p50': p50 }, perExample: { 'latency.p50': times } });
  const verdict = judge({ original: side(before, 20), result: side(after, 10), units: { 'latency.p50': 'ms' } }, { metric: 'latency.p50', 'at-most': '60%' });
  expect(verdict).toMatchObject({ ok: true, bound: '≤ 60 %', detail: '95 %: 50.0–50.0 %, n = 40' });
});

test('with two bounds both must hold', () => {
  expect(judge(numbers(1, 5, 'count', 'nodes'), { metric: 'nodes', 'at-least': 4, 'at-most': 6 })).toMatchObject({ ok: true, bound: '≥ 4, ≤ 6' });
  expect(judge(numbers(1, 7, 'count', 'nodes'), { metric: 'nodes', 'at-least': 4, 'at-most': 6 }).ok).toBe(false);
});

test('a number that is none fails', () => {
  expect(judge(numbers(1, NaN), { metric: 'size', 'at-least': 0.1 })).toMatchObject({ ok: false, inconclusive: false });
});

describe('what cannot be judged is an error of the recipe', () => {
  test('a metric that nobody measured, with the nearest one that was', () => {
    const measured: Measured = { original: { metrics: { 'ndcg@10': 1, map: 1 } }, result: { metrics: { 'ndcg@10': 1, map: 1 } } };
    const error = thrown(() => judge(measured, { metric: 'ndgc@10', 'at-least': 0.1 }));
    expect(error.diagnostics).toEqual([{ code: 'unknown-metric', severity: 'error', message: 'Nothing measured "ndgc@10".', hint: 'Did you mean "ndcg@10"? Measured were: ndcg@10, map.' }]);
  });

  test('a gate without a bound', () => {
    expect(thrown(() => judge(numbers(1, 1), { metric: 'size' })).message).toBe('The gate on "size" has no bound.');
  });

  test('a share of nothing', () => {
    expect(thrown(() => judge(numbers(0, 1), { metric: 'size', 'at-most': '50%' })).message).toContain('is 0, so a share of it means nothing');
  });
});

function thrown(call: () => unknown): RecipeError {
  try {
    call();
  } catch (error) {
    if (error instanceof RecipeError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}
