import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { batchesOf } from './batches.ts';
import { folderFiles } from './files.ts';
import { openTokenizer } from './tokenizer.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const hasPython = shared !== '' && spawnSync('python3', ['-c', 'import tokenizers']).status === 0;

/** Encodes with the library that the models were trained with; prints ids and types of each text or pair. */
const oracle = `
import json, sys
from tokenizers import Tokenizer
job = json.load(sys.stdin)
tokenizer = Tokenizer.from_file(job["file"])
tokenizer.no_padding()
tokenizer.enable_truncation(job["maxLength"], direction=job["side"])
print(json.dumps([[e.ids, e.type_ids] for e in tokenizer.encode_batch([t if isinstance(t, str) else tuple(t) for t in job["texts"]])]))
`;

type Texts = readonly (string | readonly [string, string])[];

function pythonEncodes(model: string, texts: Texts, maxLength: number): [number[], number[]][] {
  const input = JSON.stringify({ file: join(shared, 'models', model, 'tokenizer.json'), texts, maxLength, side: 'right' });
  const { status, stdout, stderr } = spawnSync('python3', ['-c', oracle], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(stderr);
  // The oracle above prints just this.
  return JSON.parse(stdout) as [number[], number[]][];
}

function lines(file: string): { _id: string; title?: string; text: string }[] {
  const text = readFileSync(join(shared, 'data/cranfield', file), 'utf8');
  // The layout of BEIR's corpus and queries.
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { _id: string; title?: string; text: string });
}

function documents(): string[] {
  return lines('corpus.jsonl').map(({ title, text }) => (title ? `${title} ${text}` : text));
}

/** What is not in Cranfield: scripts, emoji, control characters, special tokens in the text, very long words, nothing at all. */
const odd = [
  '', ' ', '\t\n', 'Ünïcödé naïve façade ﬁne', '東京タワー and 서울', 'emoji 👩‍👩‍👧 🇩🇪 ok', 'zero\u200bwidth\u00adsoft\u0000nul', 'the [SEP] token [MASK]ed <|endoftext|>',
  `${'a'.repeat(101)} end`, "don't can't I'll 1234567 3.14", 'ΣΊΣΥΦΟΣ İstanbul ǅ', '  two  spaces  ', 'line\r\nbreaks\n\n\ttabs', 'नमस्ते ไทย עברית',
];

describe.skipIf(!shared)('real tokenizers (needs ONNXPRESS_SHARED)', () => {
  test.each([['all-minilm-l6-v2', 256], ['retriever-small', 512], ['smollm2-135m', 8192]])('%s has its own maximum length, %i', async (model, maxLength) => {
    expect((await openTokenizer(folderFiles(join(shared, 'models', model)))).maxLength).toBe(maxLength);
  });

  test('Cranfield by all-minilm-l6-v2 is padded to the longest of a batch, not to the 128 of tokenizer.json', async () => {
    const tokenizer = await openTokenizer(folderFiles(join(shared, 'models/all-minilm-l6-v2')));
    const lengths: number[] = [];
    for await (const { length, rows } of batchesOf(tokenizer, ['input_ids', 'attention_mask', 'token_type_ids'], documents())) {
      lengths.push(length);
      expect(rows * length).toBeLessThanOrEqual(8192);
    }
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengths[0]).toBeLessThan(128);
    expect(lengths.at(-1)).toBe(256);
  });
});

describe.skipIf(!hasPython)('token ids are those of the Rust tokenizers (needs ONNXPRESS_SHARED and Python)', () => {
  const models = ['all-minilm-l6-v2', 'retriever-small', 'smollm2-135m'];

  test.each(models.flatMap((model) => [256, 32].map((maxLength): [string, number] => [model, maxLength])))('%s, %i tokens: Cranfield and odd texts', async (model, maxLength) => {
    const texts = [...documents(), ...lines('queries.jsonl').map(({ text }) => text), ...odd];
    const tokenizer = await openTokenizer(folderFiles(join(shared, 'models', model)), { maxLength });
    const expected = pythonEncodes(model, texts, maxLength);
    texts.forEach((text, index) => {
      const { ids, types } = tokenizer.encode(text);
      expect([[...ids], [...types]], text).toEqual(expected[index]);
    });
  });

  test.each(models.flatMap((model) => [256, 33].map((maxLength): [string, number] => [model, maxLength])))('%s, %i tokens: pairs', async (model, maxLength) => {
    const all = documents();
    const queries = lines('queries.jsonl').map(({ text }) => text);
    const pairs: [string, string][] = [
      ...queries.map((query, index): [string, string] => [query, all[index]!]),
      ...all.slice(0, 100).map((one, index): [string, string] => [one, all[index + 100]!]),
      ...all.slice(0, 20).map((one): [string, string] => [one, 'flow']),
      ['wing', ''], ['', 'flow'], ['', ''],
    ];
    const tokenizer = await openTokenizer(folderFiles(join(shared, 'models', model)), { maxLength });
    const expected = pythonEncodes(model, pairs, maxLength);
    pairs.forEach(([text, pair], index) => {
      const { ids, types } = tokenizer.encode(text, pair);
      expect([[...ids], [...types]], text).toEqual(expected[index]);
    });
  });
});
