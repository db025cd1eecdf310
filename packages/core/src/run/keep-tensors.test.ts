import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryTensor, type PlacedTensor, type Tensor } from '@onnxpress/onnx';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepTensors } from './keep-tensors.ts';
import { Store } from './store.ts';

let folder: string;
let store: Store;
let made: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-keep-'));
  store = new Store(folder);
  made = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A tensor of 100 equal bytes that tells when it is read, and may fail. */
function tensor(name: string, byte: number, fail = false): Tensor {
  const plain = memoryTensor('uint8', [100], new Uint8Array(100).fill(byte));
  return {
    ...plain,
    read(into, offset) {
      made.push(name);
      if (fail) throw new Error('killed');
      return plain.read(into, offset);
    },
  };
}

const at = (...tensors: Tensor[]): PlacedTensor[] => tensors.map((t, i) => ({ tensor: t, offset: i * 128 }));
const bytesOf = (sha256: string): number[] => [...readFileSync(store.path(sha256))];
const expected = (...values: number[]): number[] => values.flatMap((v, i) => [...new Array<number>(100).fill(v), ...(i < values.length - 1 ? new Array<number>(28).fill(0) : [])]);
const partial = (): string[] => readdirSync(join(folder, 'partial'));

test('lays tensors at their offsets, and leaves nothing unfinished', async () => {
  const ref = await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2)));
  expect(bytesOf(ref.sha256)).toEqual(expected(1, 2));
  expect(partial()).toEqual([]);
});

test('after a failure only what was not finished is made again, and the bytes are the same', async () => {
  await expect(keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2), tensor('c', 3, true)))).rejects.toThrow('killed');
  made = [];
  const ref = await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2), tensor('c', 3)));
  expect(made).toEqual(['c']);
  expect(bytesOf(ref.sha256)).toEqual(expected(1, 2, 3));
});

test('what is noted as finished but has other bytes now is made again', async () => {
  await expect(keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2, true)))).rejects.toThrow('killed');
  const path = join(folder, 'partial', 'k.part');
  const bytes = readFileSync(path);
  bytes[50]! ^= 1;
  writeFileSync(path, bytes);
  const ref = await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2)));
  expect(bytesOf(ref.sha256)).toEqual(expected(1, 2));
});

test('a line that was cut off in the journal is no line', async () => {
  await expect(keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2, true)))).rejects.toThrow('killed');
  const journal = join(folder, 'partial', 'k.part.journal');
  writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"offset":128,"len`);
  made = [];
  await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2)));
  expect(made).toEqual(['b']);
});

test('while another process is at the same work, this one does it apart', async () => {
  await expect(keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2, true)))).rejects.toThrow('killed');
  writeFileSync(join(folder, 'partial', 'k.part.lock'), '1'); // process 1 is always alive
  const ref = await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2)));
  expect(bytesOf(ref.sha256)).toEqual(expected(1, 2));
  expect(existsSync(join(folder, 'partial', 'k.part'))).toBe(true);
});

test('the lock of a process that is gone does not hold', async () => {
  await expect(keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2, true)))).rejects.toThrow('killed');
  writeFileSync(join(folder, 'partial', 'k.part.lock'), '999999999');
  made = [];
  await keepTensors(store, 'k', at(tensor('a', 1), tensor('b', 2)));
  expect(made).toEqual(['b']);
});
