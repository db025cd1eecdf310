import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Dataset, Feed } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { all } from '../testing/files.ts';
import { images } from './images.ts';

type Options = Parameters<typeof images.open>[0];
type Tensors = Extract<Dataset, { kind: 'tensors' }>;

const plain: Omit<Options, 'folder'> = { input: undefined, resize: undefined, kernel: 'linear', crop: undefined, scale: 1, mean: [0], std: [1], layout: 'nchw', order: 'rgb', dtype: 'float32', batch: 1, labels: undefined, shuffle: false, seed: 0, skip: 0, take: undefined };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-images-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function open(options: Partial<Options> = {}): Promise<Tensors> {
  return (await images.open({ ...plain, folder: '.', ...options }, testContext({ folder }))) as Tensors; // the only kind it opens
}
async function read(options?: Partial<Options>): Promise<Feed[]> {
  return (await all((await open(options)).feeds())).map((feeds) => feeds[options?.input ?? '']!);
}

/** A PNG of these colours, a row of pixels a line. */
async function paint(name: string, rows: readonly (readonly (readonly number[])[])[], channels: 1 | 3 | 4 = 3): Promise<void> {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  await sharp(Uint8Array.from(rows.flat(2)), { raw: { width: rows[0]!.length, height: rows.length, channels } }).png().toFile(join(folder, name));
}
const [red, blue, grey] = [[255, 0, 0], [0, 0, 255], [10, 20, 30]];

test('channels come first or last, red or blue first', async () => {
  await paint('a.png', [[red, grey]]);
  expect(await read()).toEqual([{ dtype: 'float32', dims: [1, 3, 1, 2], data: Float32Array.of(255, 10, 0, 20, 0, 30) }]);
  expect(await read({ layout: 'nhwc' })).toEqual([{ dtype: 'float32', dims: [1, 1, 2, 3], data: Float32Array.of(255, 0, 0, 10, 20, 30) }]);
  expect((await read({ order: 'bgr' }))[0]!.data).toEqual(Float32Array.of(0, 30, 0, 20, 255, 10));
  expect(await read({ dtype: 'uint8', mean: [5], input: 'pixels' })).toEqual([{ dtype: 'uint8', dims: [1, 3, 1, 2], data: Uint8Array.of(255, 10, 0, 20, 0, 30) }]);
});

test('colours are scaled, then the mean is taken away, then they are divided, channel by channel of the order asked for', async () => {
  await paint('a.png', [[grey]]);
  expect((await read({ scale: 0.1, mean: [1, 2, 3], std: [1, 2, 4] }))[0]!.data).toEqual(Float32Array.of(0, 0, 0));
  expect((await read({ scale: 0.1, mean: [1, 0, 0], std: [1, 2, 4], order: 'bgr' }))[0]!.data).toEqual(Float32Array.of(2, 1, 0.25));
  expect((await read({ mean: [10], std: [2] }))[0]!.data).toEqual(Float32Array.of(0, 5, 10));
});

test('the middle is cut out', async () => {
  await paint('a.png', [[grey, grey, grey, grey], [grey, red, blue, grey], [grey, grey, grey, grey]]);
  expect((await read({ crop: [1, 2] }))[0]).toEqual({ dtype: 'float32', dims: [1, 3, 1, 2], data: Float32Array.of(255, 0, 0, 0, 0, 255) });
});

test('the short side gets its length and the other follows, or both get theirs', async () => {
  await paint('a.png', Array.from({ length: 4 }, () => Array.from({ length: 6 }, () => grey)));
  const dims = async (options: Partial<Options>): Promise<readonly number[]> => (await read(options))[0]!.dims;
  expect(await dims({ resize: 2 })).toEqual([1, 3, 2, 3]);
  expect(await dims({ resize: [5, 2] })).toEqual([1, 3, 5, 2]);
  expect(await dims({ resize: 2, crop: 2 })).toEqual([1, 3, 2, 2]);
  const colours = (await read({ resize: 2 }))[0]!.data as Float32Array; // by its dtype
  expect(new Set(colours)).toEqual(new Set([10, 20, 30])); // one colour stays it
});

test('grey and transparent images are RGB', async () => {
  await paint('a.png', [[[7]]], 1);
  await paint('b.png', [[[1, 2, 3, 0]]], 4);
  expect((await read()).map(({ data }) => [...data])).toEqual([[7, 7, 7], [1, 2, 3]]);
});

test('a JPEG is nearly what was painted', async () => {
  await sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 100, b: 50 } } }).jpeg({ quality: 95 }).toFile(join(folder, 'a.JPG'));
  const [{ data } = { data: [] }] = await read();
  for (const [channel, colour] of [200, 100, 50].entries()) expect(Math.abs(Number(data[channel * 256]) - colour)).toBeLessThanOrEqual(3);
});

test('images are in the order of their paths, and are chosen by skip, take and a seed', async () => {
  for (const [at, name] of ['b/1.png', 'a/2.png', 'a/10.png', 'c.png'].entries()) await paint(name, [[[at, at, at]]]);
  writeFileSync(join(folder, 'notes.txt'), 'no image');
  const order = async (options?: Partial<Options>): Promise<number[]> => (await read(options)).map(({ data }) => Number(data[0]));
  expect(await order()).toEqual([2, 1, 0, 3]);
  expect(await order({ skip: 1, take: 2 })).toEqual([1, 0]);
  expect((await order({ shuffle: true, seed: 3 })).sort()).toEqual([0, 1, 2, 3]);
  expect(await order({ shuffle: true, seed: 3 })).toEqual(await order({ shuffle: true, seed: 3 }));
});

test('several images may share a run if they are of one size', async () => {
  for (const [at, name] of ['a.png', 'b.png', 'c.png'].entries()) await paint(name, [[[at, at, at]]]);
  expect((await read({ batch: 2 })).map(({ dims, data }) => [dims, [...data]])).toEqual([[[2, 3, 1, 1], [0, 0, 0, 1, 1, 1]], [[1, 3, 1, 1], [2, 2, 2]]]);
  await paint('b.png', [[red, red]]);
  await expect(read({ batch: 2 })).rejects.toThrow('differ in size');
});

test('what images show is said by their folders or by a .csv file', async () => {
  for (const name of ['cat/1.png', 'dog/2.png', '3.png']) await paint(name, [[red]]);
  expect((await open({ labels: 'folder' })).labels).toEqual([undefined, 'cat', 'dog']);
  writeFileSync(join(folder, 'l.csv'), 'image,label\ncat/1.png,7\n"3.png","a ""b"""\n');
  expect((await open({ labels: 'l.csv' })).labels).toEqual(['a "b"', '7', undefined]);
  writeFileSync(join(folder, 'l.csv'), 'x,y\n');
  await expect(open({ labels: 'l.csv' })).rejects.toThrow('says of no image what it shows');
});

test('the fingerprint is that of the images and of what is made of them', async () => {
  await paint('a.png', [[red]]);
  const fingerprints = [await open(), await open(), await open({ scale: 2 }), await open({ resize: 3 })].map(({ fingerprint }) => fingerprint);
  await paint('a.png', [[blue]]);
  fingerprints.push((await open()).fingerprint);
  expect(new Set(fingerprints).size).toBe(4);
  expect(fingerprints[1]).toBe(fingerprints[0]);
});

test('what is no image is told by name', async () => {
  writeFileSync(join(folder, 'a.png'), 'hello');
  await expect(read()).rejects.toThrow(/a\.png cannot be read as an image/);
  await expect(open({ folder: 'nowhere' })).rejects.toThrow('nowhere');
  rmSync(join(folder, 'a.png'));
  await expect(open()).rejects.toThrow('has no entries');
});
