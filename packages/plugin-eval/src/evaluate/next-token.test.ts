import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expOfNegative } from './exponential.ts';
import { comparePredictions, type Logits } from './next-token.ts';

/** Sums in float64, in another order and by another exponential than the plain formulae. */
const rounding = 10;

const logits = (rows: readonly (readonly number[])[]): Logits => ({ data: Float32Array.from(rows.flat()), vocabulary: rows[0]!.length });

/** The formulae as papers write them. */
function plain(a: Logits, b: Logits, ids: readonly number[], from: number): { kl: number; original: number; result: number } {
  const softmax = ({ data, vocabulary }: Logits, row: number): number[] => {
    const exps = Array.from(data.subarray(row * vocabulary, (row + 1) * vocabulary), Math.exp);
    return exps.map((x) => x / exps.reduce((s, y) => s + y));
  };
  let [kl, original, result, n] = [0, 0, 0, 0];
  for (let row = from; row + 1 < ids.length; row++, n++) {
    const [p, q] = [softmax(a, row), softmax(b, row)];
    kl += p.reduce((s, x, at) => s + x * Math.log(x / q[at]!), 0);
    original -= Math.log(p[ids[row + 1]!]!);
    result -= Math.log(q[ids[row + 1]!]!);
  }
  return { kl: kl / n, original: original / n, result: result / n };
}

test('e to a negative number is what Math.exp says, down to nothing', () => {
  fc.assert(fc.property(fc.double({ min: -699, max: 0, noNaN: true }), (x) => {
    expect(Math.abs(expOfNegative(x) / Math.exp(x) - 1)).toBeLessThan(1e-12);
  }));
  expect([expOfNegative(0), expOfNegative(-1e9), expOfNegative(-Infinity), expOfNegative(NaN)]).toEqual([1, 0, 0, NaN]);
});

test('divergence and losses are those of the formulae', () => {
  const row = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 5, maxLength: 5 });
  const rows = fc.array(row, { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(rows, rows, fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }), fc.nat(2), (x, y, ids, from) => {
    const [a, b] = [logits(x), logits(y)];
    const { kl, original, result, count } = comparePredictions(a, b, ids, from);
    const expected = plain(a, b, ids, from);
    expect(count).toBe(3 - from);
    expect(kl).toBeCloseTo(expected.kl, rounding);
    expect(original).toBeCloseTo(expected.original, rounding);
    expect(result).toBeCloseTo(expected.result, rounding);
  }));
});

test('the same logits diverge by nothing at all, also where tokens are ruled out', () => {
  const a = logits([[1.3, -Infinity, 0.1], [3.7, 2.9, -1]]);
  expect(comparePredictions(a, a, [0, 2])).toEqual({ count: 1, original: expect.any(Number), result: expect.any(Number), kl: 0, top1: 1 });
});

test('agreement is on the likeliest token, the first of equals', () => {
  const a = logits([[1, 1, 0], [0, 2, 1], [0, 0, 0]]);
  const b = logits([[5, 5, 0], [0, 1, 2], [0, 0, 0]]);
  expect(comparePredictions(a, b, [0, 0, 0]).top1).toBe(0.5);
});

test('a single token foretells nothing', () => {
  expect(comparePredictions(logits([[1, 2]]), logits([[1, 2]]), [0]).count).toBe(0);
});

test('numbers that are none are not hidden', () => {
  const a = logits([[1, 2], [0, 0]]);
  expect(comparePredictions(a, logits([[NaN, 2], [0, 0]]), [0, 1]).result).toBeNaN();
  expect(comparePredictions(a, logits([[-Infinity, 2], [0, 0]]), [0, 1]).kl).toBe(Infinity);
});
