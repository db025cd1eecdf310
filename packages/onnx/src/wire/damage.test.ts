import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OnnxError } from '../error.ts';
import { ByteList } from './byte-list.ts';
import { Reader } from './reader.ts';
import { fieldOf } from './schema.ts';
import { memorySource } from './source.ts';
import { Encoder } from './writer.ts';

const MEMORY = 2 ** 20;

/** Reads everything there is as the schema says, and gives the number of fields. */
function readAll(reader: Reader, message: string): number {
  let count = 0;
  while (reader.next()) {
    count++;
    const field = fieldOf(message, reader.field);
    if (field === undefined) reader.raw();
    else if (field.kind === 'message') count += reader.message(() => readAll(reader, field.message!));
    else if (field.kind === 'string') reader.string();
    else if (field.kind === 'bytes') reader.bytes(MEMORY);
    else if (field.kind === 'float') reader.fixedBytes(4, new ByteList(0, MEMORY));
    else if (field.kind === 'double') reader.doubles([]);
    else if (field.repeated) reader.bigints([]);
    else reader.int();
  }
  return count;
}

/** The error of reading the bytes as a model, or undefined. Anything but an OnnxError fails the test. */
function damage(bytes: Uint8Array): OnnxError | undefined {
  try {
    readAll(new Reader(memorySource(bytes)), 'ModelProto');
    return undefined;
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
}

function smallModel(): Uint8Array {
  const e = new Encoder();
  e.int(1, 9);
  e.message(7, () => {
    e.message(1, () => {
      e.string(1, 'x');
      e.string(4, 'Concat');
      e.message(5, () => {
        e.string(1, 'axis');
        e.int(3, -1);
        e.int(20, 2);
      });
    });
    e.message(5, () => {
      e.ints(1, [2, 300]);
      e.int(2, 1);
      e.floats(4, [1, 2, 3], true);
      e.bytes(9, new Uint8Array(40));
    });
  });
  e.message(8, () => e.int(2, 21));
  return e.toBytes();
}

test('a model cut off anywhere is truncated, except between its outermost fields', () => {
  const whole = smallModel();
  expect(damage(whole)).toBeUndefined();
  const graphEnd = whole.length - 4; // behind the graph come 4 bytes of opset import
  for (let length = 1; length < whole.length; length++) {
    const code = damage(whole.subarray(0, length))?.code;
    expect([length, code]).toEqual([length, length === 2 || length === graphEnd ? undefined : 'truncated']);
  }
});

test('random bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const error = damage(bytes);
      expect([undefined, 'truncated', 'malformed', 'too-deep', 'too-large']).toContain(error?.code);
    }),
    { numRuns: 2000 },
  );
});

test('a model with random bytes in it is read or refused', () => {
  const whole = smallModel();
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = whole.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      expect([undefined, 'truncated', 'malformed', 'too-deep', 'too-large']).toContain(damage(bytes)?.code);
    }),
    { numRuns: 2000 },
  );
});

test('absurd lengths allocate nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.bigInt({ min: 2n ** 20n, max: 2n ** 64n - 1n }), (field, length) => {
      const e = new Encoder();
      e.int(field, length);
      const bytes = e.toBytes();
      bytes[0] = (bytes[0]! & 0xf8) | 2; // the varint becomes a length
      expect(damage(bytes)?.code).toBe('truncated');
    }),
    { numRuns: 300 },
  );
});
