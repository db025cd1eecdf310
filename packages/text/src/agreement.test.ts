import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kendallTau, overlap } from './agreement.ts';

/** For a quotient computed in another order. */
const rounding = 1e-12;

const ids = Array.from({ length: 20 }, (_, index) => `d${index}`);

test('overlap does not look at the order', () => {
  expect(overlap(['a', 'b', 'c'], ['b', 'a', 'x'], 2)).toBe(1);
  expect(overlap(['a', 'b', 'c'], ['b', 'a', 'x'], 3)).toBe(2 / 3);
});

test('overlap of rankings of two lengths is judged by the longer one', () => {
  expect(overlap(['a', 'b', 'c', 'd'], ['a', 'b'], 4)).toBe(0.5);
  expect(overlap(['a', 'b'], ['a', 'b', 'c', 'd'], 4)).toBe(0.5);
});

test('two empty rankings overlap', () => {
  expect(overlap([], [], 10)).toBe(1);
});

test('tau is one for the same order and minus one for the opposite', () => {
  expect(kendallTau(ids, ids)).toBe(1);
  expect(kendallTau(ids, ids.toReversed())).toBe(-1);
});

test('one swap of neighbours costs two pairs', () => {
  expect(kendallTau(['a', 'b', 'c'], ['b', 'a', 'c'])).toBeCloseTo(1 - 2 / 3, 12);
});

test('documents that only one ranking holds do not count', () => {
  expect(kendallTau(['a', 'x', 'b', 'c'], ['y', 'a', 'b', 'z', 'c'])).toBe(1);
});

test('fewer than two shared documents have no order', () => {
  expect(kendallTau(['a', 'b'], ['b', 'c'])).toBeUndefined();
});

/** Every pair, one by one. */
function naiveTau(a: readonly string[], b: readonly string[]): number | undefined {
  const shared = a.filter((id) => b.includes(id));
  let [agree, differ] = [0, 0];
  shared.forEach((one, index) => shared.slice(index + 1).forEach((other) => (b.indexOf(one) < b.indexOf(other) ? agree++ : differ++)));
  return agree + differ === 0 ? undefined : (agree - differ) / (agree + differ);
}

test('tau is that of looking at every pair, and the same from both sides', () => {
  fc.assert(fc.property(fc.shuffledSubarray(ids), fc.shuffledSubarray(ids), (a, b) => {
    const [tau, expected, mirrored] = [kendallTau(a, b), naiveTau(a, b), kendallTau(b, a)];
    expect(mirrored).toBe(tau);
    if (tau === undefined || expected === undefined) expect(tau).toBe(expected);
    else expect(Math.abs(tau - expected)).toBeLessThan(rounding);
  }));
});

test('overlap is the same from both sides', () => {
  fc.assert(fc.property(fc.shuffledSubarray(ids), fc.shuffledSubarray(ids), fc.integer({ min: 1, max: 25 }), (a, b, k) => {
    expect(overlap(a, b, k)).toBe(overlap(b, a, k));
  }));
});
