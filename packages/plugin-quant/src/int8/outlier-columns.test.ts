import type { Activation } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { outlierColumns, type OutlierColumns, type OutlierOptions } from './outlier-columns.ts';

const OPTIONS: OutlierOptions = { threshold: 6, share: 0, most: 1 };

/** Batches of rows of three columns. */
async function found(batches: readonly (readonly (readonly number[])[])[], options: Partial<OutlierOptions> = {}, weights?: Uint8Array): Promise<OutlierColumns> {
  const collector = outlierColumns(batches.length, { ...OPTIONS, ...options });
  for (const [sample, rows] of batches.entries()) {
    const activation: Activation = { name: 'x', sample, dims: [rows.length, 3], data: Float32Array.from(rows.flat()), rows: rows.length, columns: 3, weights };
    await collector.add(activation);
  }
  return collector.done();
}

test('a column is one from the threshold on, whatever the sign', async () => {
  expect((await found([[[5.9, -6, 0]]])).columns).toEqual([1]);
});

test('a column needs its share of tokens', async () => {
  expect((await found([[[9, 9, 0], [0, 9, 0], [0, 9, 0], [0, 0, 0]]], { share: 0.5 })).columns).toEqual([1]);
});

test('of too many columns those in most tokens stay, and the others are counted', async () => {
  expect(await found([[[9, 9, 9], [0, 9, 9], [0, 0, 9]]], { most: 2 / 3 })).toMatchObject({ columns: [1, 2], beyond: 1 });
});

test('padding has no outliers', async () => {
  expect((await found([[[9, 0, 0], [0, 9, 0]]], {}, Uint8Array.of(1, 0))).columns).toEqual([0]);
});

test('every fourth batch is only covered, never chosen on', async () => {
  const quiet = [[0, 0, 0]];
  expect(await found([[[9, 0, 0]], quiet, quiet, [[9, 0, 9], [9, 0, 0], [0, 0, 9], [9, 0, 0]]])).toMatchObject({ columns: [0], tokens: 3, coverage: 3 / 5 });
});

test('of fewer than four batches the last is covered, and of one none', async () => {
  expect(await found([[[9, 0, 0]], [[0, 0, 9]]])).toMatchObject({ columns: [0], coverage: 0 });
  expect((await found([[[9, 0, 0]]])).coverage).toBeUndefined();
});

test('where later tokens have no outliers, all of them are covered', async () => {
  expect((await found([[[9, 0, 0]], [[0, 0, 0]]])).coverage).toBe(1);
});
