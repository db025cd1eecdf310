import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareIds } from './ids.ts';
import { rank } from './ranking.ts';

/** Scores every document, sorts them all. */
function naive(query: readonly number[], documents: readonly (readonly number[])[], ids: readonly string[], depth: number): { id: string; score: number }[] {
  const scored = ids.map((id, index) => ({ id, score: Math.fround(query.reduce((sum, value, at) => sum + value * documents[index]![at]!, 0)) }));
  return scored.sort((a, b) => b.score - a.score || (a.id < b.id ? 1 : -1)).slice(0, depth);
}

test('the nearest document comes first', () => {
  const documents = Float32Array.of(1, 0, 0, 1, 0.5, 0.5);
  expect(rank(Float32Array.of(0, 1), documents, ['a', 'b', 'c'], 2)).toEqual([{ id: 'b', score: 1 }, { id: 'c', score: 0.5 }]);
});

test('ties are ordered by id, descending, as text', () => {
  const ranked = rank(Float32Array.of(1), Float32Array.of(1, 1, 1, 2), ['10', '9', '100', '1'], 4);
  expect(ranked.map(({ id }) => id)).toEqual(['1', '9', '100', '10']);
});

test('a tie at the cut is decided by id, wherever the documents stand', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  expect(rank(Float32Array.of(1), Float32Array.of(1, 1, 1, 1, 1), ids, 2).map(({ id }) => id)).toEqual(['e', 'd']);
  expect(rank(Float32Array.of(1), Float32Array.of(1, 1, 1, 1, 1), ids.toReversed(), 2).map(({ id }) => id)).toEqual(['e', 'd']);
});

test('a document without a score comes last, an infinite one where it belongs', () => {
  const ranked = rank(Float32Array.of(1), Float32Array.of(NaN, -3, Infinity, -Infinity, NaN), ['a', 'b', 'c', 'd', 'e'], 5);
  expect(ranked.map(({ id }) => id)).toEqual(['c', 'b', 'd', 'e', 'a']);
});

test('a ranking is as long as there are documents', () => {
  expect(rank(Float32Array.of(1), Float32Array.of(1), ['a'], 10)).toHaveLength(1);
  expect(rank(Float32Array.of(1), new Float32Array(), [], 10)).toEqual([]);
});

test('documents of another width are an error', () => {
  expect(() => rank(new Float32Array(3), new Float32Array(4), ['a', 'b'], 1)).toThrow(/2 documents of width 3 need 6 numbers, not 4/);
});

test('a depth of zero is an error', () => {
  expect(() => rank(new Float32Array(1), new Float32Array(1), ['a'], 0)).toThrow(/depth of a ranking is 0/);
});

test('a ranking is that of scoring and sorting everything, whatever the order of the documents', () => {
  const small = fc.integer({ min: -3, max: 3 }); // few values, so that many documents tie
  const cases = fc.record({
    query: fc.array(small, { minLength: 3, maxLength: 3 }),
    documents: fc.array(fc.array(small, { minLength: 3, maxLength: 3 }), { maxLength: 40 }),
    depth: fc.integer({ min: 1, max: 45 }),
  }).chain(({ query, documents, depth }) => {
    const indices = documents.map((_, index) => index);
    return fc.shuffledSubarray(indices, { minLength: indices.length }).map((order) => ({ query, documents, depth, order }));
  });
  fc.assert(fc.property(cases, ({ query, documents, depth, order }) => {
    const expected = naive(query, documents, documents.map((_, index) => `d${index}`), depth);
    const shuffled = Float32Array.from(order.flatMap((index) => documents[index]!));
    const ranked = rank(Float32Array.from(query), shuffled, order.map((index) => `d${index}`), depth);
    expect(ranked.map(({ id, score }) => [id, score + 0])).toEqual(expected.map(({ id, score }) => [id, score + 0])); // + 0: a score of -0 is 0
  }));
});

test('ids are compared by code point, as their bytes in UTF-8 are', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
    expect(Math.sign(compareIds(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }));
  expect(compareIds('\u{1f600}', '\uff5e')).toBeGreaterThan(0);
});
