import { setImmediate } from 'node:timers/promises';
import { rank } from '@onnxpress/text';
import type { Collection } from '../data/collection.ts';
import { vectorAt, type Vectors } from '../embed/encoder.ts';

/** Queries ranked in one go: exact search is synchronous, and an interrupt is heard between two goes. */
const breath = 8;

/** For each query its nearest documents, best first, `depth` of them: exact search. */
export async function search(queries: Vectors, documents: Vectors, { queryIds, documentIds }: Collection, depth: number, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const rankings = new Map<string, readonly string[]>();
  for (const [index, id] of queryIds.entries()) {
    if (index % breath === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
    rankings.set(id, rank(vectorAt(queries, index), documents.data, documentIds, depth).map((ranked) => ranked.id));
  }
  return rankings;
}
