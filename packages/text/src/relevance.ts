import { requirePositive, TextError } from './error.ts';

/** How relevant documents are to a query: grade by document id. A grade of 0 or less, like none at all, is not relevant. */
export type Grades = ReadonlyMap<string, number>;

/*
 * A ranking is a list of document ids, best first, each at most once. A metric is between 0 and 1, and 0 for a query without relevant documents.
 * The definitions are trec_eval's (ndcg_cut, recall, recip_rank, map, P).
 */

/** Normalized discounted cumulative gain of the first `k`: gain is the grade itself (linear), the discount log2(rank + 1). Järvelin and Kekäläinen 2002. */
export function ndcg(ranking: readonly string[], grades: Grades, k: number): number {
  requirePositive('The cutoff of ndcg', k);
  const ideal = discounted([...grades.values()].map(gain).sort((a, b) => b - a).slice(0, k));
  return ideal === 0 ? 0 : discounted(ranking.slice(0, k).map((id) => gainOf(id, grades))) / ideal;
}

/** The share of all relevant documents that is among the first `k`. */
export function recall(ranking: readonly string[], grades: Grades, k: number): number {
  requirePositive('The cutoff of recall', k);
  const relevant = relevantCount(grades);
  return relevant === 0 ? 0 : hits(ranking, grades, k) / relevant;
}

/** The share of relevant documents among the first `k`; places that a shorter ranking leaves open count as misses. */
export function precision(ranking: readonly string[], grades: Grades, k: number): number {
  requirePositive('The cutoff of precision', k);
  return hits(ranking, grades, k) / k;
}

/** One over the rank of the first relevant document; 0 if it is not among the first `k`. Its mean is MRR@k. */
export function reciprocalRank(ranking: readonly string[], grades: Grades, k: number): number {
  requirePositive('The cutoff of mrr', k);
  const found = ranking.slice(0, k).findIndex((id) => gainOf(id, grades) > 0);
  return found < 0 ? 0 : 1 / (found + 1);
}

/** The mean, over all relevant documents, of the precision at their rank; 0 for those that the ranking does not hold. Its mean is MAP. */
export function averagePrecision(ranking: readonly string[], grades: Grades): number {
  const relevant = relevantCount(grades);
  let found = 0;
  let sum = 0;
  ranking.forEach((id, index) => {
    if (gainOf(id, grades) === 0) return;
    found++;
    sum += found / (index + 1);
  });
  return relevant === 0 ? 0 : sum / relevant;
}

/** Averages, and the value of each query behind them, in the order of `queries`. */
export interface Relevance {
  /** The queries that were averaged: those with a relevant document, in the order of the rankings. */
  readonly queries: readonly string[];
  /** `ndcg@k`, `recall@k`, `mrr@k` and `precision@k` for each cutoff, and `map`. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly perQuery: Readonly<Record<string, readonly number[]>>;
}

/**
 * Measures rankings by query id against judgements by query id. Queries without a relevant document are not averaged;
 * if there is no other, that is a TextError (`no-judgements`). A document whose id equals the query's counts like any other.
 */
export function measureRelevance(rankings: ReadonlyMap<string, readonly string[]>, judgements: ReadonlyMap<string, Grades>, cutoffs: readonly number[]): Relevance {
  const judged = [...rankings].flatMap(([query, ranking]) => {
    const grades = judgements.get(query);
    return grades && relevantCount(grades) > 0 ? [{ query, ranking, grades }] : [];
  });
  if (judged.length === 0) {
    throw new TextError('no-judgements', `None of ${rankings.size} queries has a document judged relevant (a grade above 0). Check that judgements and queries use the same ids.`);
  }
  const perQuery: Record<string, number[]> = {};
  for (const k of cutoffs) {
    for (const [name, metric] of Object.entries({ ndcg, recall, mrr: reciprocalRank, precision })) {
      perQuery[`${name}@${k}`] = judged.map(({ ranking, grades }) => metric(ranking, grades, k));
    }
  }
  perQuery['map'] = judged.map(({ ranking, grades }) => averagePrecision(ranking, grades));
  const metrics = Object.fromEntries(Object.entries(perQuery).map(([name, values]) => [name, mean(values)]));
  return { queries: judged.map(({ query }) => query), metrics, perQuery };
}

function gain(grade: number): number {
  return Math.max(grade, 0);
}

function gainOf(id: string, grades: Grades): number {
  return gain(grades.get(id) ?? 0);
}

function relevantCount(grades: Grades): number {
  return [...grades.values()].filter((grade) => grade > 0).length;
}

function hits(ranking: readonly string[], grades: Grades, k: number): number {
  return ranking.slice(0, k).filter((id) => gainOf(id, grades) > 0).length;
}

function discounted(gains: readonly number[]): number {
  return gains.reduce((sum, value, index) => sum + value / Math.log2(index + 2), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
