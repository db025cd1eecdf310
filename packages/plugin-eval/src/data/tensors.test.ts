import type { Dataset, Feeds } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { all, folderWith } from '../testing/files.ts';
import { tensors } from './tensors.ts';

type Tensors = Extract<Dataset, { kind: 'tensors' }>;

async function open(lines: readonly string[], take?: number): Promise<Tensors> {
  return (await tensors.open({ file: 'a.jsonl', input: undefined, batch: 1, skip: 0, take }, testContext({ folder: folderWith({ 'a.jsonl': lines }, onTestFinished) }))) as Tensors; // the only kind it opens
}
const read = async (...lines: string[]): Promise<Feeds[]> => all((await open(lines)).feeds());

test('each line is an example, in the array of its type', async () => {
  expect(await read('{"x": {"dims": [2], "data": [0.5, -1]}, "ids": {"dtype": "int64", "dims": [1, 2], "data": [7, 8]}, "on": {"dtype": "bool", "dims": [], "data": [1]}}')).toEqual([{
    x: { dtype: 'float32', dims: [2], data: Float32Array.of(0.5, -1) },
    ids: { dtype: 'int64', dims: [1, 2], data: BigInt64Array.of(7n, 8n) },
    on: { dtype: 'bool', dims: [], data: Uint8Array.of(1) },
  }]);
});

test('take ends early, and is part of the fingerprint', async () => {
  const lines = [1, 2, 3].map((value) => `{"x": {"dims": [1], "data": [${value}]}}`);
  const data = await open(lines, 2);
  expect(await all(data.feeds())).toHaveLength(2);
  expect(data.count).toBe(2);
  expect(data.fingerprint).not.toBe((await open(lines)).fingerprint);
});

test.each([
  ['{"x": 5}', '"x" is a number, not an object'],
  ['{"x": {"dtype": "int4", "dims": [1], "data": [1]}}', '"x" has the dtype "int4"; there are float32,'],
  ['{"x": {"dims": [-1], "data": []}}', '"x" has no "dims" that are a list of whole numbers'],
  ['{"x": {"dims": [1], "data": ["a"]}}', '"x" has no "data" that is a list of numbers'],
  ['{"x": {"dims": [2, 2], "data": [1, 2, 3]}}', '"x" has 3 numbers, but [2, 2] is 4'],
  ['{"x": {"dtype": "int64", "dims": [1], "data": [0.5]}}', '"x" has numbers with a fraction, but is int64'],
])('%s is refused', async (line, problem) => {
  await expect(read('{"x": {"dims": [1], "data": [1]}}', line)).rejects.toThrow(`a.jsonl:2: ${problem}`);
});
