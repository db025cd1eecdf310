import type { Dataset, Feeds } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { all } from '../testing/files.ts';
import { randomTensors } from './random-tensors.ts';

type Tensors = Extract<Dataset, { kind: 'tensors' }>;
type Options = Parameters<typeof randomTensors.open>[0];

const open = async (options: Partial<Options>): Promise<Tensors> =>
  (await randomTensors.open({ shapes: {}, types: {}, below: {}, count: 4, seed: 0, ...options }, testContext())) as Tensors; // the only kind it opens
const read = async (options: Partial<Options>): Promise<Feeds[]> => all((await open(options)).feeds());

test('inputs have the shapes and types that were asked for', async () => {
  const [feeds] = await read({ shapes: { x: [2, 3], ids: [1, 50], on: [] }, types: { ids: 'int64', on: 'bool' }, below: { ids: 4 } });
  expect(feeds!['x']).toMatchObject({ dtype: 'float32', dims: [2, 3] });
  expect([...new Set(feeds!['ids']!.data as BigInt64Array)].sort()).toEqual([0n, 1n, 2n, 3n]); // int64 is in such an array
  expect(feeds!['on']).toMatchObject({ dtype: 'bool', dims: [] });
});

test('examples differ, and are the same each time they are read', async () => {
  const data = await open({ shapes: { x: [4] } });
  const first = await all(data.feeds());
  expect(first).toHaveLength(data.count);
  expect(first[0]).not.toEqual(first[1]);
  expect(await all(data.feeds())).toEqual(first);
});

test('an input more changes no other', async () => {
  const [alone] = await read({ shapes: { x: [4] } });
  const [beside] = await read({ shapes: { a: [2], x: [4] } });
  expect(beside!['x']).toEqual(alone!['x']);
});

test('another seed gives other numbers and another fingerprint', async () => {
  const [one, two] = [await open({ shapes: { x: [4] } }), await open({ shapes: { x: [4] }, seed: 1 })];
  expect(await all(one.feeds())).not.toEqual(await all(two.feeds()));
  expect(one.fingerprint).not.toBe(two.fingerprint);
});

test('a type or limit for an input without a shape is a slip', async () => {
  await expect(open({ shapes: { x: [1] }, below: { y: 3 } })).rejects.toThrow('eval/random gives "y" a type or a limit, but no shape.');
  await expect(open({ shapes: { x: [1] }, types: { x: 'int3' } })).rejects.toThrow('Input "x" of eval/random is int3, of which no numbers are made.');
});
