import { testContext } from '@onnxpress/core/testing';
import type { Dataset } from '@onnxpress/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { all, folderWith } from '../testing/files.ts';
import { beir } from './beir.ts';

const good = {
  'corpus.jsonl': ['{"_id": "d1", "title": "One", "text": "first"}', '{"_id": "d2", "text": "second"}', '{"_id": 3, "title": null, "text": ""}'],
  'queries.jsonl': ['{"_id": "q1", "text": "which?"}', '{"_id": "q2", "text": "unjudged"}', '{"_id": "q3", "text": "who?"}'],
  'qrels/test.tsv': ['query-id\tcorpus-id\tscore', 'q1\td1\t2', 'q1\td2\t0', 'q2\td2\t0', 'q3\t3\t1'],
};

type Retrieval = Extract<Dataset, { kind: 'retrieval' }>;

async function open(files: Readonly<Record<string, readonly string[]>>, options: { split?: string; take?: number } = {}): Promise<Retrieval> {
  const folder = folderWith(files, onTestFinished);
  return (await beir.open({ folder: '.', split: 'test', ...options }, testContext({ folder }))) as Retrieval; // the only kind it opens
}

const plain = async (data: Retrieval): Promise<unknown> => Object.fromEntries([...(await data.judgements())].map(([query, grades]) => [query, Object.fromEntries(grades)]));

test('documents, queries and judgements are read as they are written', async () => {
  const data = await open(good);
  expect(await all(data.corpus())).toEqual([{ id: 'd1', title: 'One', text: 'first' }, { id: 'd2', title: undefined, text: 'second' }, { id: '3', title: undefined, text: '' }]);
  expect((await all(data.queries())).map(({ id }) => id)).toEqual(['q1', 'q2', 'q3']);
  expect(await plain(data)).toEqual({ q1: { d1: 2, d2: 0 }, q2: { d2: 0 }, q3: { 3: 1 } });
  expect(data.count).toBe(3);
});

test('judgements need no header', async () => {
  expect(await plain(await open({ ...good, 'qrels/test.tsv': ['q1\td1\t1'] }))).toEqual({ q1: { d1: 1 } });
});

test('another split is another file', async () => {
  expect(await plain(await open({ ...good, 'qrels/dev.tsv': ['q3\td1\t1'] }, { split: 'dev' }))).toEqual({ q3: { d1: 1 } });
});

test('"none" opens a collection that nobody judged', async () => {
  const { 'qrels/test.tsv': _, ...unjudged } = good;
  const data = await open(unjudged, { split: 'none' });
  expect(await plain(data)).toEqual({});
  expect(data.count).toBe(3);
});

test('take keeps the first queries with a relevant document, and all documents', async () => {
  const data = await open(good, { take: 2 });
  expect((await all(data.queries())).map(({ id }) => id)).toEqual(['q1', 'q3']);
  expect(await all(data.corpus())).toHaveLength(3);
  expect(data.count).toBe(2);
});

test('the fingerprint is of the contents and of what is taken, not of the place', async () => {
  const fingerprint = (await open(good)).fingerprint;
  expect((await open(good)).fingerprint).toBe(fingerprint);
  const others = await Promise.all([open(good, { take: 1 }), ...Object.keys(good).map((name) => open({ ...good, [name]: [...good[name as keyof typeof good], ''] }))]);
  expect(new Set([fingerprint, ...others.map((other) => other.fingerprint)]).size).toBe(5);
});

describe('what is broken is named with its file and line', () => {
  test.each([
    ['corpus.jsonl', '{"_id": "d4", "text"', /corpus\.jsonl:4: no JSON: .*\. Expected \{"_id": "…", "title": "…", "text": "…"\}/],
    ['corpus.jsonl', '["d4"]', /corpus\.jsonl:4: a list, not an object\. Expected/],
    ['corpus.jsonl', '{"_id": "d4", "body": "x"}', /corpus\.jsonl:4: has no "text" \(it has "_id", "body"\)\. Expected/],
    ['corpus.jsonl', '{"_id": "d4", "text": 5}', /corpus\.jsonl:4: has a "text" that is a number, not a string\. Expected/],
    ['corpus.jsonl', '{"_id": "d4", "title": [], "text": ""}', /corpus\.jsonl:4: it has a "title" that is a list, not a string\. Expected/],
    ['corpus.jsonl', '{"_id": "d1", "text": "again"}', /corpus\.jsonl:4: it has the id "d1" of line 1\. Expected an id of its own\./],
    ['queries.jsonl', '{"text": "who?"}', /queries\.jsonl:4: has no "_id" \(it has "text"\)\. Expected \{"_id": "…", "text": "…"\}\./],
    ['qrels/test.tsv', 'q1 d1 1', /test\.tsv:6: 1 column\. Expected a query id, a document id and a grade, separated by tabs/],
    ['qrels/test.tsv', 'q1\td1\thigh', /test\.tsv:6: the grade "high" is no number\. Expected a query id/],
    ['qrels/test.tsv', 'q1\td1\t', /test\.tsv:6: the grade "" is no number\. Expected a query id/],
    ['qrels/test.tsv', 'q1\td1\t1', /test\.tsv:6: it judges document "d1" for query "q1" again, with 1 after 2\. Expected one grade for each pair\./],
    ['qrels/test.tsv', 'q9\td1\t1', /test\.tsv:6 names the query "q9", which .*queries\.jsonl does not have\./],
  ] as const)('%s: %s', async (name, line, says) => {
    const data = await open({ ...good, [name]: [...good[name], line] });
    await expect(data.judgements()).rejects.toThrow(says);
  });

  test('of many unknown documents the first is named, and they are counted', async () => {
    const data = await open({ ...good, 'qrels/test.tsv': [...good['qrels/test.tsv'], 'q1\tx\t1', 'q1\ty\t1', 'q3\tx\t1'] });
    await expect(data.judgements()).rejects.toThrow(/test\.tsv:6 names the document "x", which .*corpus\.jsonl does not have; it is the first of 2 such ids\./);
  });

  test('a file that is missing or empty is found when the data is opened', async () => {
    await expect(open({ 'corpus.jsonl': good['corpus.jsonl'], 'qrels/test.tsv': [] })).rejects.toThrow(/queries\.jsonl does not exist\./);
    await expect(open(good, { split: 'dev' })).rejects.toThrow(/dev\.tsv does not exist\./);
    await expect(open({ ...good, 'corpus.jsonl': [] })).rejects.toThrow(/corpus\.jsonl has no entries\./);
    await expect((await open({ ...good, 'qrels/test.tsv': ['query-id\tcorpus-id\tscore'] })).judgements()).rejects.toThrow(/test\.tsv has no entries\./);
  });
});
