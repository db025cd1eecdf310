import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { Dataset, Feeds } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import { afterAll, expect, test } from 'vitest';
import { all } from '../testing/files.ts';
import { tensors } from './tensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-arrays-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Options = Parameters<typeof tensors.open>[0];
const open = (file: string, options: Partial<Options> = {}): Promise<Dataset> => tensors.open({ file, input: undefined, batch: 1, skip: 0, take: undefined, ...options }, testContext({ folder }));
async function read(file: string, options?: Partial<Options>): Promise<Feeds[]> {
  const data = await open(file, options);
  if (data.kind !== 'tensors') throw new Error(data.kind);
  const found = await all(data.feeds());
  expect(found).toHaveLength(data.count);
  return found;
}

/** The format by its description, for what Python need not be there. */
function npy(descr: string, shape: readonly number[], bytes: Uint8Array, order = 'False'): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape.map((dim) => `${dim},`).join(' ')}), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n';
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), bytes]);
}
const bytesOf = (array: Float32Array | BigInt64Array): Uint8Array => new Uint8Array(array.buffer);
const floats = (...values: number[]): Uint8Array => bytesOf(Float32Array.from(values));

function zip(files: Readonly<Record<string, Buffer>>, deflate: boolean): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const data = deflate ? deflateRawSync(content) : content;
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt16LE(deflate ? 8 : 0, 4);
    head.writeUInt32LE(data.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(42);
    entry.set(head, 2);
    entry.writeUInt32LE(offset, 38);
    parts.push(Buffer.from('PK\x03\x04'), head, Buffer.from(name), data);
    directory.push(Buffer.from('PK\x01\x02'), entry, Buffer.from(name));
    offset += 4 + 26 + name.length + data.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(directory.reduce((sum, part) => sum + part.length, 0), 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

const arrays = {
  'x.npy': npy('<f4', [3, 2], floats(1, 2, 3, 4, 5, 6)),
  'ids.npy': npy('<i8', [3, 1], bytesOf(BigInt64Array.of(7n, 8n, 9n))),
  'rate.npy': npy('<f4', [], floats(0.5)),
};
const x = (...values: number[]): object => ({ dtype: 'float32', dims: [values.length / 2, 2], data: Float32Array.from(values) });
const rate = { dtype: 'float32', dims: [], data: Float32Array.of(0.5) };

test.each([false, true])('each array of a .npz is an input, and the first dimension counts examples (deflated: %s)', async (deflate) => {
  writeFileSync(join(folder, 'a.npz'), zip(arrays, deflate));
  const found = await read('a.npz');
  expect(found[1]).toEqual({ x: x(3, 4), ids: { dtype: 'int64', dims: [1, 1], data: BigInt64Array.of(8n) }, rate });
  expect((await read('a.npz', { batch: 2 })).map((feeds) => feeds['x'])).toEqual([x(1, 2, 3, 4), x(5, 6)]);
  expect((await read('a.npz', { batch: 'all' })).map((feeds) => feeds['x'])).toEqual([x(1, 2, 3, 4, 5, 6)]);
  expect((await read('a.npz', { skip: 1, take: 1 })).map((feeds) => feeds['x'])).toEqual([x(3, 4)]);
});

test('a .npy is for the input it names, or for the only one', async () => {
  writeFileSync(join(folder, 'x.npy'), arrays['x.npy']);
  expect(await read('x.npy', { batch: 'all', input: 'pixels' })).toEqual([{ pixels: x(1, 2, 3, 4, 5, 6) }]);
  expect(await read('x.npy', { take: 1 })).toEqual([{ '': x(1, 2) }]);
});

test.each<[string, Buffer, RegExp]>([
  ['another file', Buffer.from('hello, world'), /is no NumPy array/],
  ['a type of no model', npy('<c8', [1], floats(1, 2)), /holds "<c8", which no model takes/],
  ['Fortran order', npy('<f4', [1, 2], floats(1, 2), 'True'), /lies in Fortran order/],
  ['half of it', npy('<f4', [4], floats(1, 2)), /ends before its 4 entries do/],
  ['no header', Buffer.from('\x93NUMPY\x01\x00\x05\x00hello', 'latin1'), /has no header of a NumPy array/],
])('%s as .npy is refused', async (_, content, says) => {
  writeFileSync(join(folder, 'bad.npy'), content);
  await expect(read('bad.npy', { batch: 'all' })).rejects.toThrow(says);
});

test('what is wrong with an archive is told', async () => {
  const good = zip(arrays, true);
  writeFileSync(join(folder, 'a.npz'), good);
  truncateSync(join(folder, 'a.npz'), good.length - 30);
  await expect(open('a.npz')).rejects.toThrow('is no zip archive, or not whole');
  writeFileSync(join(folder, 'a.npz'), Buffer.from(good).fill(0xff, 40, 90));
  await expect(read('a.npz')).rejects.toThrow(/a\.npz has a damaged entry "x\.npy"/);
  writeFileSync(join(folder, 'a.npz'), zip({ 'x.txt': Buffer.from('x') }, false));
  await expect(open('a.npz')).rejects.toThrow('holds no arrays');
  writeFileSync(join(folder, 'a.npz'), zip({ ...arrays, 'y.npy': npy('<f4', [2], floats(1, 2)) }, false));
  await expect(open('a.npz')).rejects.toThrow('"x" has 3 examples and "y" has 2');
});

/** TensorProto: dims [2], float, raw data, and a name if there is one. */
const proto = (name: string, ...values: [number, number]): Buffer => Buffer.concat([Buffer.from([0x08, 2, 0x10, 1]), name === '' ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x42, name.length]), Buffer.from(name)]), Buffer.from([0x4a, 8]), floats(...values)]);
const pair = (...values: number[]): object => ({ dtype: 'float32', dims: [2], data: Float32Array.from(values) });

test('folders of ONNX test data are examples, in the order of their numbers', async () => {
  for (const [at, name] of ['test_data_set_10', 'test_data_set_9'].entries()) {
    mkdirSync(join(folder, 'sets', name), { recursive: true });
    writeFileSync(join(folder, 'sets', name, 'input_0.pb'), proto('x', at, 1));
    writeFileSync(join(folder, 'sets', name, 'input_1.pb'), proto('y', at, 2));
    writeFileSync(join(folder, 'sets', name, 'output_0.pb'), proto('z', at, 3));
  }
  expect(await read('sets')).toEqual([{ x: pair(1, 1), y: pair(1, 2) }, { x: pair(0, 1), y: pair(0, 2) }]);
  expect(await read('sets/test_data_set_9')).toEqual([{ x: pair(1, 1), y: pair(1, 2) }]);
  expect(await read('sets/test_data_set_9/output_0.pb')).toEqual([{ z: pair(1, 3) }]);
});

test('a tensor without a name is for the only input, and several need names', async () => {
  mkdirSync(join(folder, 'one'));
  writeFileSync(join(folder, 'one', 'input_0.pb'), proto('', 1, 2));
  expect(await read('one')).toEqual([{ '': pair(1, 2) }]);
  writeFileSync(join(folder, 'one', 'input_1.pb'), proto('y', 1, 2));
  await expect(read('one')).rejects.toThrow('has several tensors, and not all have a name');
});

test('what is no tensor is refused', async () => {
  writeFileSync(join(folder, 'bad.pb'), 'hello');
  await expect(read('bad.pb')).rejects.toThrow(/bad\.pb is no tensor of ONNX/);
  await expect(open('nothing.npz')).rejects.toThrow('nothing.npz');
  writeFileSync(join(folder, 'a.csv'), '1');
  await expect(open('a.csv')).rejects.toThrow('is neither .npz, .npy, .pb nor .jsonl');
  mkdirSync(join(folder, 'empty'));
  await expect(open('empty')).rejects.toThrow('has no entries');
});

test.skipIf(spawnSync('python3', ['-c', 'import numpy']).status !== 0)('NumPy\'s own files are read (needs Python with NumPy)', async () => {
  execFileSync('python3', ['-c', 'import numpy, sys; a = dict(x=numpy.arange(6, dtype="f4").reshape(3, 2), half=numpy.float16([1, 2, 3]), on=numpy.array([True, False, True])); numpy.savez(sys.argv[1] + "/p.npz", **a); numpy.savez_compressed(sys.argv[1] + "/c.npz", **a)', folder]);
  const expected = { x: x(2, 3), half: { dtype: 'float16', dims: [1], data: Uint16Array.of(0x4000) }, on: { dtype: 'bool', dims: [1], data: Uint8Array.of(0) } };
  for (const file of ['p.npz', 'c.npz']) expect((await read(file))[1]).toEqual(expected);
});
