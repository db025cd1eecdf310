import fc from 'fast-check';
import { expect, test } from 'vitest';
import { averagePrecision, measureRelevance, ndcg, precision, recall, reciprocalRank, type Grades } from './relevance.ts';

/** For sums of the same terms in another order. */
const rounding = 1e-12;

const grades: Grades = new Map([['a', 3], ['b', 1], ['c', 0], ['d', -2], ['e', 2]]);

test('ndcg has linear gains and a logarithmic discount', () => {
  const ideal = 3 + 2 / Math.log2(3) + 1 / 2;
  expect(ndcg(['b', 'x', 'a'], grades, 3)).toBeCloseTo((1 + 3 / 2) / ideal, 12);
});

test('the ideal of ndcg is cut at k too', () => {
  expect(ndcg(['a'], grades, 1)).toBe(1);
  expect(ndcg(['a', 'b'], grades, 2)).toBeCloseTo((3 + 1 / Math.log2(3)) / (3 + 2 / Math.log2(3)), 12);
});

test('a negative grade counts as none', () => {
  expect(ndcg(['d', 'a'], grades, 2)).toBe(ndcg(['x', 'a'], grades, 2));
  expect(reciprocalRank(['d', 'c', 'a'], grades, 10)).toBe(1 / 3);
});

test('recall counts against all relevant documents, also those that were not found', () => {
  expect(recall(['a', 'x', 'b', 'e'], grades, 3)).toBe(2 / 3);
});

test('precision counts the places that a short ranking leaves open', () => {
  expect(precision(['a', 'b'], grades, 5)).toBe(2 / 5);
});

test('the reciprocal rank is zero beyond the cutoff', () => {
  expect(reciprocalRank(['x', 'a'], grades, 2)).toBe(1 / 2);
  expect(reciprocalRank(['x', 'a'], grades, 1)).toBe(0);
});

test('average precision is the mean of the precisions at relevant documents', () => {
  expect(averagePrecision(['a', 'x', 'b', 'd'], grades)).toBeCloseTo((1 + 2 / 3 + 0) / 3, 12);
});

test('without relevant documents every metric is zero', () => {
  const none: Grades = new Map([['a', 0], ['b', -1]]);
  for (const metric of [ndcg, recall, precision, reciprocalRank]) expect(metric(['a', 'b'], none, 2)).toBe(0);
  expect(averagePrecision(['a', 'b'], none)).toBe(0);
});

test('a cutoff of zero is an error', () => {
  for (const metric of [ndcg, recall, precision, reciprocalRank]) expect(() => metric(['a'], grades, 0)).toThrow(/is 0. Give a whole number/);
});

test('queries without a relevant document are not averaged', () => {
  const rankings = new Map([['q1', ['a', 'b']], ['q2', ['a']], ['q3', ['a']], ['q4', ['x', 'b']]]);
  const judgements = new Map<string, Grades>([['q1', new Map([['a', 1]])], ['q2', new Map([['a', 0]])], ['q4', new Map([['b', 1]])]]);
  const { queries, metrics, perQuery } = measureRelevance(rankings, judgements, [1, 2]);
  expect(queries).toEqual(['q1', 'q4']);
  expect(perQuery['mrr@2']).toEqual([1, 0.5]);
  expect(metrics).toMatchObject({ 'mrr@1': 0.5, 'mrr@2': 0.75, 'recall@1': 0.5, 'recall@2': 1, 'precision@2': 0.5, 'ndcg@1': 0.5, map: 0.75 });
});

test('a document whose id equals the query\'s is kept', () => {
  expect(measureRelevance(new Map([['1', ['1']]]), new Map([['1', new Map([['1', 1]])]]), [1]).metrics['ndcg@1']).toBe(1);
});

test('nothing to average is an error', () => {
  expect(() => measureRelevance(new Map([['q1', ['a']]]), new Map([['1', new Map([['a', 1]])]]), [10])).toThrow(expect.objectContaining({ code: 'no-judgements' }));
});

/** Every metric in one walk over the ranking, by the textbook. */
function textbook(ranking: readonly string[], judged: Grades, k: number): Record<string, number> {
  const relevant = [...judged].filter(([, grade]) => grade > 0);
  let [gained, ideal, found, first, precisions] = [0, 0, 0, 0, 0];
  const best = relevant.map(([, grade]) => grade).sort((a, b) => b - a);
  for (let place = 1; place <= k; place++) ideal += (best[place - 1] ?? 0) * Math.LN2 / Math.log(place + 1);
  for (let place = 1; place <= ranking.length; place++) {
    const grade = relevant.find(([id]) => id === ranking[place - 1])?.[1] ?? 0;
    if (grade > 0) precisions += ranking.slice(0, place).filter((id) => relevant.some(([other]) => other === id)).length / place;
    if (grade === 0 || place > k) continue;
    gained += grade * Math.LN2 / Math.log(place + 1);
    found++;
    first = first || place;
  }
  return { ndcg: gained / ideal, recall: found / relevant.length, precision: found / k, mrr: first === 0 ? 0 : 1 / first, map: precisions / relevant.length };
}

test('the metrics are those of the textbook', () => {
  const ids = Array.from({ length: 12 }, (_, index) => `d${index}`);
  const judgement = fc.uniqueArray(fc.tuple(fc.constantFrom(...ids), fc.integer({ min: -1, max: 4 })), { selector: ([id]) => id, minLength: 1 })
    .filter((pairs) => pairs.some(([, grade]) => grade > 0));
  fc.assert(fc.property(fc.shuffledSubarray(ids), judgement, fc.integer({ min: 1, max: 15 }), (ranking, pairs, k) => {
    const judged: Grades = new Map(pairs);
    const expected = textbook(ranking, judged, k);
    const measured = { ndcg: ndcg(ranking, judged, k), recall: recall(ranking, judged, k), precision: precision(ranking, judged, k), mrr: reciprocalRank(ranking, judged, k), map: averagePrecision(ranking, judged) };
    for (const [name, value] of Object.entries(measured)) {
      expect(Math.abs(value - expected[name]!), name).toBeLessThan(rounding);
      expect(value).toBeLessThanOrEqual(1 + rounding);
    }
  }));
});
