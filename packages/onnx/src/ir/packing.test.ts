import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack, unpack } from './packing.ts';

/** The layout as one string of bits, lowest first. */
function oracle(codes: readonly number[], bits: number): number[] {
  const stream = codes.map((code) => [...code.toString(2).padStart(bits, '0')].reverse().join('')).join('');
  return (stream.match(/.{1,8}/g) ?? []).map((byte) => parseInt([...byte.padEnd(8, '0')].reverse().join(''), 2));
}

test.each([
  [4, [1, 2, 15], [0x21, 0x0f]],
  [2, [1, 2, 3, 0, 2], [0b00111001, 0b10]],
  [6, [0b111111, 0b000001, 0b100000, 0b000010], [0b01111111, 0b00000000, 0b00001010]],
])('%i-bit elements begin in the low bits', (bits, codes, bytes) => {
  expect([...pack(codes, bits)]).toEqual(bytes);
});

test.each([2, 4, 6])('%i-bit elements are packed as the bits follow one another, and come back', (bits) => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** bits - 1)), (codes) => {
      const packed = pack(codes, bits);
      expect([...packed]).toEqual(oracle(codes, bits));
      expect([...unpack(packed, bits, codes.length)]).toEqual(codes);
    }),
    { numRuns: 200 },
  );
});

test('higher bits are dropped, so that negative numbers become two’s complement', () => {
  expect([...pack([-1, -8], 4)]).toEqual([0x8f]);
});
