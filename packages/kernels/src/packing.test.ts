import fc from 'fast-check';
import { expect, test } from 'vitest';
import { difference } from './testing/weights.ts';
import { packInt2, packInt4, unpackInt2, unpackInt4, unpackUint2, unpackUint4 } from './packing.ts';
import { packed } from './reference/blocks.ts';

const bytes = fc.array(fc.integer({ min: -128, max: 127 }), { maxLength: 100 });

test('packs the low bits, the first element lowest', () => {
  fc.assert(
    fc.property(bytes, (values) => {
      expect([...packInt4(Int8Array.from(values))]).toEqual(packed(values, 4));
      expect([...packInt2(Int8Array.from(values))]).toEqual(packed(values, 2));
    }),
    { numRuns: 200 },
  );
});

test('what is unpacked is what was packed, signed and unsigned', () => {
  fc.assert(
    fc.property(bytes, (values) => {
      const [int4, uint4, int2, uint2] = [values.map((v) => (v << 28) >> 28), values.map((v) => v & 15), values.map((v) => (v << 30) >> 30), values.map((v) => v & 3)];
      expect([...unpackInt4(packInt4(Int8Array.from(int4)), values.length)]).toEqual(int4);
      expect([...unpackUint4(packInt4(Uint8Array.from(uint4)), values.length)]).toEqual(uint4);
      expect([...unpackInt2(packInt2(Int8Array.from(int2)), values.length)]).toEqual(int2);
      expect([...unpackUint2(packInt2(Uint8Array.from(uint2)), values.length)]).toEqual(uint2);
    }),
    { numRuns: 200 },
  );
});

test('several pieces join without a seam', () => {
  const values = Int8Array.from({ length: 2 ** 21 + 3 }, (_, i) => (i * 7) % 16 - 8);
  expect(difference(unpackInt4(packInt4(values), values.length), values)).toBeUndefined();
});

test('too few bytes are refused', () => {
  expect(() => unpackInt4(new Uint8Array(1), 3)).toThrow('need 2 bytes, and there are 1');
});
