import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFp4, decodeNf4, encodeFp4, encodeNf4 } from './codebooks.ts';
import { difference, finite, resident, weights } from './testing/weights.ts';
import { withArena } from './memory/arena.ts';
import { decode, encode, FP4_THRESHOLDS, fp4, fp4Value, nf4, NF4_THRESHOLDS, nf4Value } from './reference/codebooks.ts';

describe.each([
  ['NF4', { enc: encodeNf4, dec: decodeNf4, code: nf4, value: nf4Value, thresholds: NF4_THRESHOLDS }],
  ['FP4', { enc: encodeFp4, dec: decodeFp4, code: fp4, value: fp4Value, thresholds: FP4_THRESHOLDS.map(([t]) => Math.fround(t)) }],
])('%s', (_, { enc, dec, code, value, thresholds }) => {
  function expectAsReference(w: Float32Array, block: number, given = w): void {
    const actual = enc(given, { block });
    const expected = encode(w, block, code);
    expect(difference(actual.codes, expected.codes)).toBeUndefined();
    expect(difference(actual.absMax, expected.absMax)).toBeUndefined();
    expect(difference(dec(actual, w.length, { block }), decode(expected, w.length, block, value))).toBeUndefined();
  }

  test('codes and values are those of the reference, whatever is left over', () => {
    fc.assert(fc.property(fc.array(finite, { maxLength: 200 }), fc.constantFrom(16, 32, 64), (values, block) => expectAsReference(Float32Array.from(values), block)), { numRuns: 200 });
  });

  test('at a threshold and beside it, the code is the reference\'s', () => {
    const near = thresholds.flatMap((t) => [-3, -2, -1, 0, 1, 2, 3].flatMap((step) => [t + step * 2 ** -26, -t + step * 2 ** -26, t + step * 2 ** -17, -t + step * 2 ** -17]));
    // The first of each block is 1, so that quotients are the values themselves.
    const w = Float32Array.from({ length: Math.ceil(near.length / 63) * 64 }, (_, i) => (i % 64 === 0 ? 1 : (near[Math.floor(i / 64) * 63 + (i % 64) - 1] ?? 0)));
    expectAsReference(w, 64);
  });

  test('weights, in several pieces and in the memory of the kernels', () => {
    const w = weights(300_007);
    expectAsReference(w, 64);
    withArena((arena) => expectAsReference(w, 64, resident(arena, w)));
  });

  test('a block of zeros, or of the smallest numbers, is no division by zero', () => {
    expectAsReference(Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 0 : i * 1e-45)), 32);
  });

  test('NaN or infinity is an error that names its index', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const w = weights(300_000);
      w[290_001] = bad;
      expect(() => enc(w)).toThrow(expect.objectContaining({ code: 'non-finite', index: 290_001 }));
    }
  });
});

test('the even index is in the high half, and a half byte left over stands for 0', () => {
  expect([...encodeNf4(Float32Array.of(-1, 1, 1)).codes]).toEqual([0x0f, 0xf7]);
});

test('a block that is no multiple of 16 is refused', () => {
  expect(() => encodeNf4(weights(10), { block: 24 })).toThrow('multiple of 16');
});
