import type { Dataset } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { collection } from '../testing/data.ts';
import { readCollection } from './collection.ts';

type Retrieval = Extract<Dataset, { kind: 'retrieval' }>;

test('a document is its title, a space and its text; what is empty is dropped with the space', async () => {
  const data: Retrieval = {
    ...(collection({}, { q: 'who?' }, []) as Retrieval), // what it makes
    async *corpus() {
      yield { id: '1', title: 'Title', text: 'text' };
      yield { id: '2', title: '', text: 'text' };
      yield { id: '3', title: 'Title', text: '' };
      yield { id: '4', text: 'text' };
    },
  };
  const { documents, documentIds } = await readCollection(data, { query: '', document: '' });
  expect(documents).toEqual(['Title text', 'text', 'Title', 'text']);
  expect(documentIds).toEqual(['1', '2', '3', '4']);
});

test('prefixes stand before all else', async () => {
  const { documents, queries } = await readCollection(collection({ d: 'text' }, { q: 'who?' }, []) as Retrieval, { query: 'query: ', document: 'passage: ' });
  expect([queries, documents]).toEqual([['query: who?'], ['passage: text']]);
});

test('broken judgements are known before any text is read', async () => {
  const data: Retrieval = {
    ...(collection({ d: 'text' }, { q: 'who?' }, []) as Retrieval),
    judgements: async () => {
      throw new Error('broken judgements');
    },
    queries: () => {
      throw new Error('queries were read');
    },
  };
  await expect(readCollection(data, { query: '', document: '' })).rejects.toThrow('broken judgements');
});

test('a collection without queries is no collection', async () => {
  await expect(readCollection(collection({ d: 'text' }, {}, []) as Retrieval, { query: '', document: '' })).rejects.toThrow('The retrieval data: there are 1 documents and 0 queries.');
});
