import { expect, test } from 'vitest';
import { choose } from './choose.ts';
import type { VariantReport } from './report.ts';

const variant = (name: string, metric: string, result: number, ok = true): VariantReport => ({
  name, ok, values: {}, steps: [], evaluations: [], gates: [], warnings: [], result: undefined,
  metrics: [{ evaluation: 0, metric, unit: 'bytes', original: 100, result, at: 0, cached: false }],
});

test('the best of those that pass wins', () => {
  const all = [variant('a', 'size', 3), variant('b', 'size', 1, false), variant('c', 'size', 2)];
  expect(choose(all, { by: 'smallest', metric: 'size' })).toBe('c');
  expect(choose(all, { by: 'largest', metric: 'size' })).toBe('a');
  expect(choose(all, undefined)).toBe('a');
});

test('a metric is found without the name of its evaluator, as gates find it', () => {
  expect(choose([variant('a', 'weight.size', 3), variant('b', 'weight.size', 2)], { by: 'smallest', metric: 'size' })).toBe('b');
});

test('what is not a number does not win', () => {
  expect(choose([variant('a', 'size', NaN), variant('b', 'size', 2)], { by: 'smallest', metric: 'size' })).toBe('b');
  expect(choose([variant('a', 'size', NaN), variant('b', 'size', 2)], { by: 'largest', metric: 'size' })).toBe('b');
});
