import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OnnxError } from '../error.ts';
import { ByteList } from './byte-list.ts';
import { Reader } from './reader.ts';
import { fileSource, memorySource } from './source.ts';

/** Bytes written by hand: what the protobuf encoding page calls for. */
const overAll = (bytes: readonly number[]): Reader => new Reader(memorySource(Uint8Array.from(bytes), 'model.onnx'));
const over = (...bytes: number[]): Reader => overAll(bytes);
const first = (...bytes: number[]): Reader => {
  const reader = overAll(bytes);
  expect(reader.next()).toBe(true);
  return reader;
};
const text = (s: string): number[] => [...Buffer.from(s)];

function failure(act: () => unknown): OnnxError {
  try {
    act();
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('an empty message has no fields', () => {
  expect(over().next()).toBe(false);
});

test('a varint field gives its number and value', () => {
  const reader = first(0x08, 0x96, 0x01);
  expect([reader.field, reader.wire, reader.int(), reader.bigint()]).toEqual([1, 0, 150, 150n]);
  expect(reader.next()).toBe(false);
});

test.each([
  [[0x00], 0n],
  [[0xff, 0xff, 0xff, 0xff, 0x07], 2n ** 31n - 1n],
  [[0xff, 0xff, 0xff, 0xff, 0x0f], 2n ** 32n - 1n],
  [[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 2n ** 35n],
  [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 2n ** 63n - 1n],
  [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], -1n],
  [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], -(2n ** 63n)],
])('all 64 bits of an integer arrive: %j', (bytes, value) => {
  expect(first(0x08, ...bytes).bigint()).toBe(value);
});

test('an integer beyond 53 bits is no size', () => {
  const error = failure(() => first(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10).int());
  expect(error.code).toBe('malformed');
  expect(error.message).toContain('9007199254740992');
});

test('floats and doubles are little-endian', () => {
  expect(first(0x15, 0, 0, 0xc0, 0x3f).float()).toBe(1.5);
  expect(first(0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f).double()).toBe(1.5);
});

test.each(['', 'MatMul', 'x'.repeat(300), 'Größe', '\u{1f600}', '\ufeffx'])('the text "%s" arrives', (s) => {
  const bytes = text(s);
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  expect(first(0x0a, ...length, ...bytes).string()).toBe(s);
});

test('texts that share a slot of the cache stay apart', () => {
  const many = Array.from({ length: 5000 }, (_, i) => `name_${i}`);
  const reader = overAll(many.flatMap((s) => [0x0a, s.length, ...text(s)]));
  for (const s of many) {
    expect(reader.next()).toBe(true);
    if (reader.string() !== s) expect(reader.string()).toBe(s);
  }
});

test('text that is not UTF-8 is refused, not changed', () => {
  expect(failure(() => first(0x0a, 1, 0xff).string()).message).toContain('not UTF-8');
});

test('what is not asked for is skipped', () => {
  const reader = over(0x0a, 3, 1, 2, 3, 0x15, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 7);
  for (let i = 0; i < 4; i++) reader.next();
  expect([reader.field, reader.int()]).toEqual([4, 7]);
});

test('a value may be asked for twice, and after its nested message was read', () => {
  const reader = first(0x0a, 2, 0x08, 5, 0x10, 1);
  expect(reader.message(() => (reader.next(), reader.int()))).toBe(5);
  expect(reader.range()).toEqual({ start: 2, end: 4 });
  expect(reader.message(() => reader.next() && !reader.next())).toBe(true);
  expect(reader.next() && reader.field).toBe(2);
});

test('leaving a nested message early goes on behind it', () => {
  const reader = first(0x0a, 4, 0x08, 5, 0x08, 6, 0x10, 1);
  reader.message(() => reader.next());
  expect(reader.next() && reader.field).toBe(2);
});

test('raw gives the field with its tag', () => {
  const reader = over(0x08, 1, 0xfa, 0x3f, 2, 9, 9);
  reader.next();
  reader.next();
  expect([...reader.raw()]).toEqual([0xfa, 0x3f, 2, 9, 9]);
  expect(reader.rawRange()).toEqual({ start: 2, end: 7 });
  expect(reader.position).toBe(2);
});

test('bytes are a copy and bounded', () => {
  const source = Uint8Array.of(0x0a, 2, 8, 9);
  const reader = new Reader(memorySource(source));
  reader.next();
  const copy = reader.bytes();
  copy[0] = 0;
  expect(source[2]).toBe(8);
  expect(failure(() => reader.bytes(1)).code).toBe('too-large');
});

test('integers are read one by one or packed', () => {
  const ints: number[] = [];
  const reader = over(0x08, 1, 0x0a, 3, 2, 0x80, 0x01, 0x08, 3);
  while (reader.next()) reader.ints(ints);
  expect(ints).toEqual([1, 2, 128, 3]);
});

test('floats are read one by one or packed', () => {
  const floats: number[] = [];
  const reader = over(0x0d, 0, 0, 0x80, 0x3f, 0x0a, 8, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40);
  while (reader.next()) reader.floats(floats);
  expect(floats).toEqual([1, 2, 3]);
});

test('packed doubles and exact integers', () => {
  const doubles: number[] = [];
  first(0x0a, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f).doubles(doubles);
  const exact: bigint[] = [];
  first(0x0a, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f).bigints(exact);
  expect([doubles, exact]).toEqual([[1], [2n ** 63n - 1n]]);
});

test.each([
  [1, [0xfe, 0x01]],
  [2, [0xfe, 0xff, 0x01, 0x00]],
  [4, [0xfe, 0xff, 0xff, 0xff, 1, 0, 0, 0]],
  [8, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0]],
] as const)('integers become elements of %i bytes', (width, expected) => {
  const list = new ByteList();
  first(0x0a, 11, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1).integerBytes(width, list);
  expect([...list.bytes]).toEqual(expected);
});

test('float elements are copied as they stand, packed or not', () => {
  const list = new ByteList();
  const reader = over(0x0d, 1, 2, 3, 4, 0x0a, 4, 5, 6, 7, 8);
  while (reader.next()) reader.fixedBytes(4, list);
  expect([...list.bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a list that would need too much memory is refused', () => {
  expect(failure(() => first(0x0a, 3, 1, 1, 1).integerBytes(8, new ByteList(0, 16))).code).toBe('too-large');
});

test.each([
  ['a group', [0x0b], 'malformed', 'wire type 3'],
  ['wire type 7', [0x0f], 'malformed', 'wire type 7'],
  ['field number 0', [0x00, 1], 'malformed', 'number 0'],
  ['a field number beyond 29 bits', [0x88, 0x80, 0x80, 0x80, 0x10, 1], 'malformed', 'too large'],
  ['an endless number', [0x08, ...Array<number>(11).fill(0x80)], 'malformed', '10 bytes'],
  ['a number cut off', [0x08, 0x80], 'truncated', 'byte 2'],
  ['a tag cut off', [0x80], 'truncated', 'byte 1'],
  ['a length of 2^63', [0x0a, ...Array<number>(9).fill(0x80), 0x01], 'truncated', 'incomplete'],
  ['a length beyond the file', [0x0a, 2, 0], 'truncated', 'up to 4'],
  ['four bytes cut off', [0x0d, 0, 0, 0], 'truncated', 'up to 5'],
] as const)('%s is refused', (_, bytes, code, says) => {
  const error = failure(() => {
    const reader = over(...bytes);
    while (reader.next());
  });
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(says)]);
  expect(error.message).toMatch(/^model\.onnx, byte [01]: /);
});

test('a field that runs over the message around it is malformed', () => {
  const reader = first(0x0a, 2, 0x0a, 5, 0, 0, 0, 0, 0);
  const error = failure(() => reader.message(() => reader.next()));
  expect([error.code, error.message]).toEqual(['malformed', expect.stringContaining('message around it ends at byte 4')]);
});

test('packed numbers that run over their field are malformed', () => {
  expect(failure(() => first(0x0a, 1, 0x80, 0x01).ints([])).code).toBe('malformed');
  expect(failure(() => first(0x0a, 3, 0, 0, 0).floats([])).code).toBe('malformed');
});

test('a field of another wire type than asked for is malformed', () => {
  expect(failure(() => first(0x08, 1).string()).message).toContain('a varint where ONNX has bytes with a length');
});

test('a hundred messages within messages are read, one more is too deep', () => {
  const nested = (depth: number): number[] => {
    let bytes: number[] = [];
    for (let i = 0; i < depth; i++) bytes = [0x0a, ...(bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]), ...bytes];
    return bytes;
  };
  const dive = (reader: Reader): number => (reader.next() ? 1 + reader.message(() => dive(reader)) : 0);
  expect(dive(over(...nested(100)))).toBe(100);
  expect(failure(() => dive(over(...nested(101)))).code).toBe('too-deep');
});

test('messages side by side are not deep', () => {
  const reader = over(...Array.from({ length: 300 }, () => [0x0a, 2, 0x08, 7]).flat());
  let sum = 0;
  while (reader.next()) sum += reader.message(() => (reader.next(), reader.int()));
  expect(sum).toBe(2100);
});

test('a nested message longer than the window can be read again as numbers', () => {
  const reader = overAll([[0x0a, 0xc0, 0x9a, 0x0c], ...Array.from({ length: 100_000 }, () => [0x08, 1])].flat());
  reader.next();
  const count = reader.message(() => {
    let fields = 0;
    while (reader.next()) fields += reader.int();
    return fields;
  });
  const ints: number[] = [];
  reader.ints(ints);
  expect([count, ints.length, ints[0], ints[1], ints.at(-1)]).toEqual([100_000, 200_000, 8, 1, 1]);
});

test('what an earlier window held is not taken for the end of a number', () => {
  const full = [0x0a, 0x7f, ...Array<number>(127).fill(0xff)];
  const reader = overAll([...Array.from({ length: 600 }, () => full), [0x08, 0x80]].flat());
  for (let i = 0; i < 600; i++) reader.next();
  expect(failure(() => reader.next()).code).toBe('truncated');
});

test('a range of a source is a message of its own', () => {
  const source = memorySource(Uint8Array.of(0x0a, 2, 0x08, 5, 0x10, 1));
  const reader = new Reader(source, { start: 2, end: 4 });
  expect([reader.next(), reader.int(), reader.next()]).toEqual([true, 5, false]);
  expect(failure(() => new Reader(source, { start: 2, end: 9 })).code).toBe('truncated');
});

test('fields beyond the window are found, in a file as in memory', () => {
  const long = 'é'.repeat(50_000);
  const big = [0x0a, 0xa0, 0x8d, 0x06, ...text(long)]; // 100,000 bytes
  const bytes = Uint8Array.from([...big, 0x10, 7, ...big, 0x1a, 2, 0x08, 9, ...big]);
  const directory = mkdtempSync(join(tmpdir(), 'reader-'));
  writeFileSync(join(directory, 'm.onnx'), bytes);
  const file = fileSource(join(directory, 'm.onnx'));
  for (const source of [memorySource(bytes), file]) {
    const reader = new Reader(source);
    const seen: unknown[] = [];
    while (reader.next()) {
      if (reader.field === 1) seen.push(reader.string() === long);
      if (reader.field === 2) seen.push(reader.int());
      if (reader.field === 3) seen.push(reader.message(() => (reader.next(), reader.int())), reader.range().end - reader.range().start);
    }
    expect(seen).toEqual([true, 7, true, 9, 2, true]);
  }
  file.close();
  expect(failure(() => file.read(new Uint8Array(1), 0)).message).toContain('after it was closed');
  rmSync(directory, { recursive: true });
});

test('packed numbers longer than the window arrive whole', () => {
  const count = 100_000;
  const bytes = Uint8Array.from([0x0a, 0xc0, 0x9a, 0x0c, ...Array.from({ length: count }, (_, i) => [(i & 127) | 128, (i >> 7) & 127]).flat()]);
  const ints: number[] = [];
  const reader = new Reader(memorySource(bytes));
  reader.next();
  reader.ints(ints);
  expect(ints).toEqual(Array.from({ length: count }, (_, i) => i & 0x3fff));
});

test('a source that shrinks while it is read is noticed', () => {
  const reader = new Reader({ size: 1000, name: 'm', read: () => 0 });
  expect(failure(() => reader.next())).toMatchObject({ code: 'truncated' });
});

test('a file that is missing or a folder says so', () => {
  expect(failure(() => fileSource('/nowhere/m.onnx')).message).toContain('Check that it exists');
  expect(failure(() => fileSource(tmpdir())).message).toContain('is not a file');
});
