import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openModel, OrtRuntime } from '@onnxpress/core';
import { batchOf, memoryFiles, openTokenizer } from '@onnxpress/text';
import { describe, expect, test } from 'vitest';
import { feedsOf, inputsOf } from './text-feeds.ts';

const file = join(process.env['ONNXPRESS_SHARED'] ?? '', 'models/graphs/llama-optimum.onnx');
const tokenizerJson = { pre_tokenizer: { type: 'WhitespaceSplit' }, model: { type: 'WordLevel', vocab: { a: 0, b: 1, c: 2 }, unk_token: 'a' } };

describe.skipIf(!existsSync(file))('a decoder with caches (needs ONNXPRESS_SHARED)', () => {
  test('reads texts from their beginning, and its caches then hold their tokens', async () => {
    const model = openModel(file);
    const session = await new OrtRuntime().load(model);
    const tokenizer = await openTokenizer(memoryFiles(new Map([['tokenizer.json', new TextEncoder().encode(JSON.stringify(tokenizerJson))]]), 'here'));
    const outputs = await session.run(feedsOf(model, batchOf(tokenizer, inputsOf(model, session), ['a b c', 'c'])));
    await session.dispose();
    expect(outputs['logits']?.dims.slice(0, 2)).toEqual([2, 3]);
    expect(outputs['present.0.key']?.dims.slice(0, 3)).toEqual([2, expect.any(Number), 3]);
  });
});
