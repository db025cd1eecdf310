import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderFiles } from './files.ts';
import { tokensOf } from './stream.ts';
import { openTokenizer } from './tokenizer.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const file = join(shared, 'data/wikitext2/valid.txt');
const models = [join(homedir(), '.cache/onnxpress-fixtures/smollm2-135m'), join(shared, 'models/all-minilm-l6-v2')].filter((folder) => existsSync(join(folder, 'tokenizer.json')));

describe.skipIf(!shared || models.length === 0)('real texts in pieces (needs ONNXPRESS_SHARED)', () => {
  test.each(models)('WikiText-2 has the same tokens in pieces as at once: %s', async (folder) => {
    const tokenizer = await openTokenizer(folderFiles(folder));
    const text = readFileSync(file, 'utf8');
    const pieces: (readonly number[])[] = [];
    for await (const ids of tokensOf(tokenizer, [text.slice(0, 700_001), text.slice(700_001)])) pieces.push(ids);
    expect(pieces.length).toBeGreaterThan(20);
    expect(pieces.flat()).toEqual(tokenizer.idsOf(text));
  });
});
