import { expect, test } from 'vitest';
import type { Report, VariantReport } from './report.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { mergeReports } from './merge.ts';

const facts = { file: 'model.onnx', bytes: 100, params: 10, nodes: 3, opset: 17 };

const variant = (name: string, size: number, ok = true): VariantReport => ({
  name, ok, values: {}, steps: [], evaluations: [], gates: [], warnings: [], result: undefined,
  metrics: [{ evaluation: 0, metric: 'size', unit: 'bytes', original: 100, result: size, at: 0, cached: false }],
});

/** What shard `index` of two reports; it chose the variant of that name. */
const shard = (index: number, variants: readonly VariantReport[], chosen: string | undefined, more: Partial<Report> = {}): Report => ({
  schema: 'onnxpress/report/1', name: 'matrix', fingerprint: 'f00d', model: facts, seed: 0, variants,
  environment: { onnxpress: '0', runtime: '', node: '', platform: '', cpu: '', features: [], cores: 1, provider: 'cpu', threads: 1 },
  shard: { index, of: 2 }, choose: { by: 'smallest', metric: 'size' }, chosen, ok: chosen !== undefined, output: chosen && `part-${index}/model.onnx`, ...more,
});

const problem = (act: () => unknown): string => {
  try {
    act();
  } catch (e) {
    if (e instanceof RecipeError) return e.message;
    throw e;
  }
  return 'nothing is wrong';
};

test('the winner of all shards is chosen by what the recipe chooses by', () => {
  const merged = mergeReports([shard(1, [variant('a', 50), variant('b', 60)], 'a'), shard(2, [variant('c', 40)], 'c')]);
  expect(merged).toMatchObject({ ok: true, chosen: 'c', output: 'part-2/model.onnx' });
  expect(merged.shard).toBeUndefined();
  expect(merged.variants.map((v) => v.name)).toEqual(['a', 'c', 'b']); // shards take turns
});

test('without a choice the first that passes wins', () => {
  const parts = [shard(1, [variant('a', 50, false)], undefined), shard(2, [variant('c', 40), variant('d', 1)], 'c')].map(({ choose: _, ...rest }) => rest);
  expect(mergeReports(parts)).toMatchObject({ ok: true, chosen: 'c' });
});

test('the first is the first of the recipe, in whatever order the reports are given', () => {
  const parts = [shard(1, [variant('a', 50)], 'a'), shard(2, [variant('c', 40)], 'c')].map(({ choose: _, ...rest }) => rest);
  expect(mergeReports(parts.toReversed())).toMatchObject({ chosen: 'a' });
});

test('parts of different wholes are not joined', () => {
  expect(problem(() => mergeReports([shard(1, [variant('a', 1)], 'a'), shard(2, [variant('c', 1)], 'c', { shard: { index: 2, of: 4 } })]))).toContain('different sizes');
});

test('where no candidate passes, nothing does', () => {
  expect(mergeReports([shard(1, [variant('a', 50, false)], undefined), shard(2, [variant('c', 40, false)], undefined)])).toMatchObject({ ok: false, chosen: undefined, output: undefined });
});

test('reports of different models or recipes are not joined', () => {
  expect(problem(() => mergeReports([shard(1, [variant('a', 1)], 'a'), shard(2, [variant('c', 1)], 'c', { fingerprint: 'beef' })]))).toContain('different runs');
});

test('a shard that comes twice is told', () => {
  expect(problem(() => mergeReports([shard(1, [variant('a', 1)], 'a'), shard(1, [variant('a', 1)], 'a')]))).toContain('variant "a"');
});

test('a shard that is missing is told', () => {
  expect(problem(() => mergeReports([shard(1, [variant('a', 1)], 'a')]))).toContain('1 of 2 shards');
});
