import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetCases } from '@onnxpress/core/testing';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { beir } from './beir.ts';
import { images } from './images.ts';
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

mkdirSync(join(folder, 'images'));
for (const [name, width] of [['a.png', 8], ['b.jpg', 6], ['c.jpeg', 4]] as const) await sharp({ create: { width, height: 4, channels: 3, background: 'teal' } }).toFile(join(folder, 'images', name));

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
      { name: 'as windows', options: { file: 'lines.txt', window: 2, take: 1 }, check: (data) => expect(data).toMatchObject({ windows: { tokens: 2, skip: 0, take: 1 } }) },
      { name: 'some, shuffled', options: { file: 'lines.txt', shuffle: true, skip: 1, take: 5 }, check: counts(2) },
    ],
    fails: [{ name: 'another format', options: { file: 'lines.csv' }, says: /neither \.txt nor \.jsonl/ }],
    rejects: [{ name: 'nothing taken', options: { file: 'lines.txt', take: 0 }, says: /take/ }],
  }),
  'eval/tensors': datasetCases(tensors, {
    folder,
    opens: [{ name: 'all', options: { file: 'feeds.jsonl' }, check: counts(2) }, { name: 'without the first', options: { file: 'feeds.jsonl', skip: 1 }, check: counts(1) }],
    fails: [{ name: 'lines of something else', options: { file: 'queries.jsonl' }, says: /queries\.jsonl:1: "_id" is a string, not an object/ }],
  }),
  'eval/images': datasetCases(images, {
    folder,
    opens: [
      { name: 'all', options: { folder: 'images', resize: [4, 4] }, check: counts(3) },
      { name: 'in batches, shuffled', options: { folder: 'images', resize: 4, crop: 4, batch: 2, shuffle: true }, check: counts(2) },
    ],
    fails: [
      { name: 'no folder', options: { folder: 'queries.jsonl' }, says: /queries\.jsonl/ },
      { name: 'a crop larger than an image', options: { folder: 'images', crop: 9 }, says: /are to be cut from it/ },
    ],
    rejects: [{ name: 'one side too many', options: { folder: 'images', resize: [1, 2, 3] }, says: /resize/ }],
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
