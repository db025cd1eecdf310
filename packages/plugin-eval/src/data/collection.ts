import type { Dataset, Judgements, Text } from '@onnxpress/core';
import { emptyChoice } from '../problems.ts';

/** A retrieval collection as models read it: prefixed, titles joined. */
export interface Collection {
  readonly queryIds: readonly string[];
  readonly queries: readonly string[];
  readonly documentIds: readonly string[];
  readonly documents: readonly string[];
  /** By query id; empty where nobody judged. */
  readonly judgements: Judgements;
}

export interface Prefixes {
  readonly query: string;
  readonly document: string;
}

/** Reads a collection. A document's text is its title, a space and its text; what is empty of the two is dropped, with the space. Judgements come first, so that broken data is known at once. */
export async function readCollection(data: Extract<Dataset, { readonly kind: 'retrieval' }>, prefixes: Prefixes): Promise<Collection> {
  const judgements = await data.judgements();
  const [queryIds, queries] = await read(data.queries(), prefixes.query);
  const [documentIds, documents] = await read(data.corpus(), prefixes.document);
  if (queries.length === 0 || documents.length === 0) {
    throw emptyChoice('The retrieval data', `there are ${documents.length} documents and ${queries.length} queries`, 'Retrieval needs some of both: check that queries are judged.');
  }
  return { queryIds, queries, documentIds, documents, judgements };
}

async function read(all: AsyncIterable<Text>, prefix: string): Promise<readonly [ids: string[], texts: string[]]> {
  const ids: string[] = [];
  const texts: string[] = [];
  for await (const { id, title, text } of all) {
    ids.push(id);
    texts.push(prefix + [title, text].filter((part) => part !== undefined && part !== '').join(' '));
  }
  return [ids, texts];
}
