import { expect, test } from 'vitest';
import type { Activation } from './activation.ts';
import { inputRows, inputStatistics } from './statistics.ts';

const activation = (data: number[], columns: number, weights?: Uint8Array): Activation => ({ name: 'x', sample: 0, dims: [data.length / columns, columns], data: Float32Array.from(data), rows: data.length / columns, columns, weights });

test('second moments and magnitudes are those of the rows that count', async () => {
  const collector = inputStatistics();
  await collector.add(activation([1, -2, 100, 100], 2, Uint8Array.of(1, 0)));
  await collector.add(activation([3, 4], 2));
  const s = await collector.done();
  expect(s.rows).toBe(2);
  expect([...s.gram]).toEqual([(1 + 9) / 2, (-2 + 12) / 2, (-2 + 12) / 2, (4 + 16) / 2]);
  expect([...s.meanMagnitude]).toEqual([2, 3]);
  expect([...s.maxMagnitude]).toEqual([3, 4]);
});

test('rows are kept evenly, the same each time', async () => {
  const collector = inputRows(4);
  await collector.add(activation(Array.from({ length: 7 }, (_, i) => i), 1));
  await collector.add(activation(Array.from({ length: 6 }, (_, i) => 7 + i), 1));
  const kept = await collector.done();
  expect([...kept.data]).toEqual([0, 4, 8, 12]);
});
