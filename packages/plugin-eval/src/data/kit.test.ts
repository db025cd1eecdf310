import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetCases } from '@onnxpress/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { beir } from './beir.ts';
import { randomTensors } from './random-tensors.ts';
import { tensors } from './tensors.ts';
import { texts } from './texts.ts';

/* What every data source promises: options that check themselves, the same fingerprint for the same data, a right count, data that can be read twice. */

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-eval-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'qrels'));
writeFileSync(join(folder, 'corpus.jsonl'), '{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}\n');
writeFileSync(join(folder, 'queries.jsonl'), '{"_id": "q1", "text": "?"}\n\n{"_id": "q2", "text": "??"}\n{"_id": "q3", "text": "???"}\n');
writeFileSync(join(folder, 'qrels', 'test.tsv'), 'q1\td1\t1\nq2\td1\t0\nq3\td2\t1\n');
writeFileSync(join(folder, 'lines.txt'), 'one\n\ntwo\nthree\n');
writeFileSync(join(folder, 'feeds.jsonl'), '{"x": {"dims": [1], "data": [1]}}\n{"x": {"dims": [1], "data": [2]}}\n');

const counts = (count: number) => (data: { readonly count: number }) => expect(data.count).toBe(count);

const kits = {
  'eval/beir': datasetCases(beir, {
    folder,
    opens: [
      { name: 'all', options: { folder: '.' }, check: counts(3) },
      { name: 'the first that are judged', options: { folder: '.', take: 2 }, check: counts(2) },
      { name: 'more than there are', options: { folder: '.', take: 9 }, check: counts(2) },
      { name: 'without judgements', options: { folder: '.', split: 'none' }, check: counts(3) },
    ],
    fails: [{ name: 'another split', options: { folder: '.', split: 'dev' }, says: /dev\.tsv does not exist/ }],
    rejects: [{ name: 'no folder', options: {}, says: /"folder" is missing/ }],
  }),
  'eval/texts': datasetCases(texts, {
    folder,
    opens: [
      { name: 'all', options: { file: 'lines.txt' }, check: counts(3) },
      { name: 'some, shuffled', options: { file: 'lines.txt', shuffle: true, skip: 1, take: 5 }, check: counts(2) },
    ],
    fails: [{ name: 'another format', options: { file: 'lines.csv' }, says: /neither \.txt nor \.jsonl/ }],
    rejects: [{ name: 'nothing taken', options: { file: 'lines.txt', take: 0 }, says: /take/ }],
  }),
  'eval/tensors': datasetCases(tensors, {
    folder,
    opens: [{ name: 'all', options: { file: 'feeds.jsonl' }, check: counts(2) }],
    fails: [{ name: 'lines of something else', options: { file: 'queries.jsonl' }, says: /queries\.jsonl:1: "_id" is a string, not an object/ }],
  }),
  'eval/random': datasetCases(randomTensors, {
    folder,
    opens: [{ name: 'three', options: { shapes: { x: [2] }, count: 3 }, check: counts(3) }],
    fails: [{ name: 'a type that is none', options: { shapes: { x: [1] }, types: { x: 'int3' } }, says: /int3/ }],
    rejects: [{ name: 'no shapes', options: { shapes: {} }, says: /shapes/ }],
  }),
};

for (const [name, cases] of Object.entries(kits)) describe(name, () => {
  for (const { name: what, run } of cases) test(what, run);
});
