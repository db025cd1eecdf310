import { requirePositive, TextError } from './error.ts';
import { compareIds } from './ids.ts';
import { best } from './best.ts';

/** A document and how near it is. */
export interface Ranked {
  readonly id: string;
  readonly score: number;
}

/**
 * The `depth` documents nearest to a query, best first, by exact search: every document is scored.
 * `documents` is [ids.length, query.length]. The score is the dot product, which for normalized vectors is the cosine,
 * summed in float64 in the order of the elements and rounded to float32 once, so it is the same on every machine.
 * Documents of one score are ordered by id, descending, as trec_eval does; a score that is not a number comes last.
 */
export function rank(query: Float32Array, documents: Float32Array, ids: readonly string[], depth: number): Ranked[] {
  requirePositive('The depth of a ranking', depth);
  if (documents.length !== ids.length * query.length) {
    throw new TextError('bad-shape',
      `${ids.length} documents of width ${query.length} need ${ids.length * query.length} numbers, not ${documents.length}. Use one model for queries and documents, and one vector for each id.`);
  }
  const scores = dotProducts(query, documents, ids.length);
  const order = (a: number, b: number): number => compareScores(scores[a]!, scores[b]!) || compareIds(ids[b]!, ids[a]!);
  return best(ids.length, depth, order).map((index) => ({ id: ids[index]!, score: scores[index]! }));
}

/** Descending, what is not a number last. */
function compareScores(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : a > b ? -1 : 1;
}

/** Four documents at a time: each has its own sum, and an element of the query is read once for the four. */
function dotProducts(query: Float32Array, documents: Float32Array, count: number): Float32Array {
  const width = query.length;
  const scores = new Float32Array(count);
  const blocked = count - (count % 4);
  for (let first = 0; first < blocked; first += 4) {
    const a = first * width;
    const [b, c, d] = [a + width, a + 2 * width, a + 3 * width];
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let at = 0; at < width; at++) {
      const element = query[at]!;
      sumA += element * documents[a + at]!;
      sumB += element * documents[b + at]!;
      sumC += element * documents[c + at]!;
      sumD += element * documents[d + at]!;
    }
    scores.set([sumA, sumB, sumC, sumD], first);
  }
  for (let index = blocked; index < count; index++) {
    let sum = 0;
    for (let at = 0; at < width; at++) sum += query[at]! * documents[index * width + at]!;
    scores[index] = sum;
  }
  return scores;
}
