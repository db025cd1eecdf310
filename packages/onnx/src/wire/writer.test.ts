import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OnnxError } from '../error.ts';
import { Reader } from './reader.ts';
import { memorySource } from './source.ts';
import { Encoder } from './writer.ts';

function encoded(write: (e: Encoder) => void): Uint8Array {
  const encoder = new Encoder();
  write(encoder);
  const bytes = encoder.toBytes();
  expect(encoder.size).toBe(bytes.length);
  return bytes;
}

test.each([
  [(e: Encoder) => e.int(1, 150), [0x08, 0x96, 0x01]],
  [(e: Encoder) => e.int(1, -1), [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  [(e: Encoder) => e.int(1, 2n ** 63n - 1n), [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  [(e: Encoder) => e.int(1, 2n ** 64n - 1n), [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  [(e: Encoder) => e.float(2, 1.5), [0x15, 0, 0, 0xc0, 0x3f]],
  [(e: Encoder) => e.double(2, 1.5), [0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
  [(e: Encoder) => e.string(2, 'testing'), [0x12, 7, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]],
  [(e: Encoder) => e.string(2, 'aß'), [0x12, 3, 0x61, 0xc3, 0x9f]],
  [(e: Encoder) => e.bytes(20, Uint8Array.of(1, 2)), [0xa2, 0x01, 2, 1, 2]],
  [(e: Encoder) => e.ints(6, [3, 270]), [0x30, 3, 0x30, 0x8e, 0x02]],
  [(e: Encoder) => e.ints(6, [3n, 270n, 86942n], true), [0x32, 6, 3, 0x8e, 0x02, 0x9e, 0xa7, 0x05]],
  [(e: Encoder) => e.ints(6, [], true), []],
  [(e: Encoder) => e.floats(1, [1.5]), [0x0d, 0, 0, 0xc0, 0x3f]],
  [(e: Encoder) => e.floats(1, [1.5], true), [0x0a, 4, 0, 0, 0xc0, 0x3f]],
  [(e: Encoder) => e.doubles(1, [1.5], true), [0x0a, 8, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
  [(e: Encoder) => e.message(3, () => e.int(1, 150)), [0x1a, 3, 0x08, 0x96, 0x01]],
  [(e: Encoder) => e.message(3, () => undefined), [0x1a, 0]],
  [(e: Encoder) => e.raw(Uint8Array.of(0x08, 1)), [0x08, 1]],
] as [(e: Encoder) => void, number[]][])('%s writes the bytes of the protobuf specification', (write, bytes) => {
  expect([...encoded(write)]).toEqual(bytes);
});

test('payloads stand where they were asked for, however long the lengths around them', () => {
  const payload = (length: number, fill: number) => [length, (into: Uint8Array) => (into.fill(fill), into.length)] as const;
  const bytes = encoded((e) =>
    e.message(1, () => {
      e.int(1, 5);
      e.deferred(2, ...payload(200, 0xaa));
      e.message(3, () => e.deferred(4, ...payload(20_000, 0xbb)));
      e.string(5, 'end');
      e.raw(Uint8Array.of(0x30, 9));
    }),
  );
  const reader = new Reader(memorySource(bytes));
  const all = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
  reader.next();
  reader.message(() => {
    expect(reader.next() && reader.int()).toBe(5);
    expect(reader.next() && reader.bytes()).toEqual(all(200, 0xaa));
    expect(reader.next() && reader.message(() => reader.next() && reader.bytes())).toEqual(all(20_000, 0xbb));
    expect(reader.next() && reader.string()).toBe('end');
    expect(reader.next() && [reader.field, reader.int()]).toEqual([6, 9]);
    expect(reader.next()).toBe(false);
  });
  expect(reader.next()).toBe(false);
});

test('a payload is read in pieces of at most 8 MiB, in order', () => {
  const length = 20 * 2 ** 20;
  const reads: [number, number][] = [];
  let written = 0;
  const encoder = new Encoder();
  encoder.deferred(1, length, (into, offset) => (reads.push([offset, into.length]), into.length));
  for (const piece of encoder.pieces()) written += piece.length;
  expect(written).toBe(encoder.size);
  let at = 0;
  for (const [offset, size] of reads) {
    expect(offset).toBe(at);
    expect(size).toBeLessThanOrEqual(8 * 2 ** 20);
    at += size;
  }
  expect(at).toBe(length);
});

test('a payload that fits in one piece is read once', () => {
  const reads: number[] = [];
  const encoder = new Encoder();
  const size = 5 * 2 ** 20;
  for (let i = 0; i < 4; i++) encoder.deferred(1, size, (into, offset) => (reads.push(offset), into.length));
  encoder.toBytes();
  expect(reads).toEqual([0, 0, 0, 0]);
});

test('a payload that ends early is refused', () => {
  const encoder = new Encoder();
  encoder.deferred(1, 10, (_, offset) => (offset === 0 ? 4 : 0));
  expect(() => encoder.toBytes()).toThrow(expect.objectContaining({ code: 'truncated', message: expect.stringContaining('4 of 10') as string }) as OnnxError);
});

test('a message longer than protobuf allows is refused before a byte is written', () => {
  const encoder = new Encoder();
  encoder.deferred(1, 2 ** 31, (into) => into.length);
  expect(() => encoder.pieces()).toThrow(/external data/);
});

test('numbers that are no 64-bit integers are refused', () => {
  const encoder = new Encoder();
  for (const bad of [1.5, NaN, 2 ** 60, 2n ** 64n, -(2n ** 63n) - 1n]) expect(() => encoder.int(1, bad)).toThrow(OnnxError);
});

type Item = { field: number; value: { int: bigint } | { float: number } | { double: number } | { text: string } | { bytes: Uint8Array } | { payload: Uint8Array } | { ints: bigint[] } | { items: Item[] } };

const { items } = fc.letrec<{ items: Item[] }>((tie) => ({
  items: fc.array(
    fc.record({
      field: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
      value: fc.oneof(
        { depthSize: 'small' },
        fc.record({ int: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
        fc.record({ float: fc.float() }),
        fc.record({ double: fc.double() }),
        fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 200 }) }),
        fc.record({ bytes: fc.uint8Array({ maxLength: 300 }) }),
        fc.record({ payload: fc.uint8Array({ maxLength: 300 }) }),
        fc.record({ ints: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1 }) }),
        fc.record({ items: tie('items') }),
      ),
    }),
  ),
}));

function write(e: Encoder, list: Item[]): void {
  for (const { field, value } of list) {
    if ('int' in value) e.int(field, value.int);
    else if ('float' in value) e.float(field, value.float);
    else if ('double' in value) e.double(field, value.double);
    else if ('text' in value) e.string(field, value.text);
    else if ('bytes' in value) e.bytes(field, value.bytes);
    else if ('ints' in value) e.ints(field, value.ints, true);
    else if ('payload' in value) e.deferred(field, value.payload.length, (into, offset) => (into.set(value.payload.subarray(offset, offset + into.length)), Math.min(into.length, value.payload.length - offset)));
    else e.message(field, () => write(e, value.items));
  }
}

function check(reader: Reader, list: Item[]): void {
  for (const { field, value } of list) {
    expect(reader.next()).toBe(true);
    expect(reader.field).toBe(field);
    if ('int' in value) expect(reader.bigint()).toBe(value.int);
    else if ('float' in value) expect(reader.float()).toBe(value.float);
    else if ('double' in value) expect(reader.double()).toBe(value.double);
    else if ('text' in value) expect(reader.string()).toBe(value.text);
    else if ('bytes' in value) expect([...reader.bytes()]).toEqual([...value.bytes]);
    else if ('payload' in value) expect([...reader.bytes()]).toEqual([...value.payload]);
    else if ('ints' in value) {
      const ints: bigint[] = [];
      reader.bigints(ints);
      expect(ints).toEqual(value.ints);
    } else reader.message(() => check(reader, value.items));
  }
  expect(reader.next()).toBe(false);
}

test('whatever is written is read back', () => {
  fc.assert(fc.property(items, (list) => check(new Reader(memorySource(encoded((e) => write(e, list)))), list)), { numRuns: 200 });
});

test.each([
  ['a window', 65536, 0],
  ['the short window after a jump', 4096, 200_000],
])('fields are found wherever %s ends among them', (_, window, jump) => {
  const list: Item[] = [
    { field: 1, value: { int: -5n } },
    { field: 3000, value: { text: 'a name of some length' } },
    { field: 2, value: { items: [{ field: 9, value: { float: 0.5 } }, { field: 9, value: { items: [] } }, { field: 1, value: { ints: [-1n, 1n, 300n] } }] } },
    { field: 4, value: { double: 0.25 } },
  ];
  const length = encoded((e) => write(e, list)).length;
  for (let shift = -length - 4; shift <= 4; shift++) {
    const before: Item[] = [
      { field: 1, value: { bytes: new Uint8Array(jump) } },
      { field: 1, value: { text: 'x'.repeat(window + shift) } },
    ];
    const reader = new Reader(memorySource(encoded((e) => write(e, [...before, ...list, ...list]))));
    if (jump > 0) reader.next(); // unread: the window jumps behind it
    check(reader, [...before.slice(jump > 0 ? 1 : 0), ...list, ...list]);
  }
});
