import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBfloat16, fromFloat16, fromFloat8E4M3FN, fromFloat8E5M2, toBfloat16, toFloat16, toFloat8E4M3FN, toFloat8E5M2 } from './casts.ts';
import { anyFloat, difference, resident } from './testing/weights.ts';
import { withArena } from './memory/arena.ts';
import { BFLOAT16, decode, E4M3FN, E5M2, encode, FLOAT16, type Format } from './reference/floats.ts';

interface Pair {
  readonly format: Format;
  readonly to: (w: Float32Array) => Uint16Array | Uint8Array;
  readonly from: (patterns: Uint16Array & Uint8Array) => Float32Array;
  readonly patterns: Uint16Array | Uint8Array;
}

const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const pairs: [string, Pair][] = [
  ['float16', { format: FLOAT16, to: toFloat16, from: fromFloat16, patterns: Uint16Array.from(all(65536)) }],
  ['bfloat16', { format: BFLOAT16, to: toBfloat16, from: fromBfloat16, patterns: Uint16Array.from(all(65536)) }],
  ['float8 e4m3fn', { format: E4M3FN, to: toFloat8E4M3FN, from: fromFloat8E4M3FN, patterns: Uint8Array.from(all(256)) }],
  ['float8 e5m2', { format: E5M2, to: toFloat8E5M2, from: fromFloat8E5M2, patterns: Uint8Array.from(all(256)) }],
];

describe.each(pairs)('%s', (_, { format, to, from, patterns }) => {
  const values = Float32Array.from(patterns, (p) => decode(p, format));

  test('every pattern decodes to its number', () => {
    expect(difference(from(patterns as Uint16Array & Uint8Array), values)).toBeUndefined(); // each decoder takes its own kind
  });

  test('every number encodes to its pattern, NaN to the one NaN, infinity as Cast has it', () => {
    expect(difference(to(values), patterns.map((p, i) => (Number.isFinite(values[i]) ? p : encode(values[i]!, format))))).toBeUndefined();
  });

  test('the middle of two numbers goes to the even one, and its neighbours to theirs', () => {
    const ordered = [...new Set([...values].filter(Number.isFinite))].sort((a, b) => a - b);
    const middles = ordered.slice(1).map((v, i) => (v + ordered[i]!) / 2);
    const w = Float32Array.from(middles.flatMap((m) => [m, nextAfter(m, -1), nextAfter(m, 1)]));
    expect(difference(to(w), [...w].map((x) => encode(x, format)))).toBeUndefined();
  });

  test('any float32, at any length, encodes as the reference does', () => {
    fc.assert(
      fc.property(fc.array(anyFloat, { maxLength: 70 }), (array) => {
        const w = Float32Array.from(array);
        expect([...to(w)]).toEqual([...w].map((x) => encode(x, format)));
      }),
      { numRuns: 200 },
    );
  });

  test('in the memory of the kernels it is the same, and nothing behind it is touched', () => {
    withArena((arena) => {
      const w = resident(arena, Float32Array.from({ length: 37 }, (_, i) => i / 3 - 5));
      const out = to(new Float32Array(0)) instanceof Uint16Array ? arena.uint16(64) : arena.uint8(64);
      out.fill(9);
      (to as (w: Float32Array, into: Uint16Array | Uint8Array) => unknown)(w, out.subarray(0, 37)); // both kinds take a target
      expect([[...out.subarray(0, 37)], [...out.subarray(37)]]).toEqual([[...to(w.slice())], Array.from({ length: 27 }, () => 9)]);
    });
  });
});

/** The next float32 above or below. */
function nextAfter(x: number, direction: 1 | -1): number {
  const bits = new Int32Array(Float32Array.of(x).buffer);
  bits[0]! += x < 0 || (x === 0 && direction < 0) ? -direction : direction;
  return new Float32Array(bits.buffer)[0]!;
}

test('a target of another length is refused', () => {
  expect(() => toFloat16(new Float32Array(3), new Uint16Array(4))).toThrow('"into" has 4 elements where 3 are needed');
});

test('what is longer than a piece is cast in pieces', () => {
  const w = Float32Array.from({ length: 600_001 }, (_, i) => i - 300_000);
  const out = toBfloat16(w);
  expect([0, 123_456, 262_143, 262_144, 600_000].map((i) => out[i])).toEqual([0, 123_456, 262_143, 262_144, 600_000].map((i) => encode(w[i]!, BFLOAT16)));
});
