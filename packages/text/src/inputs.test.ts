import { expect, test } from 'vitest';
import { batchesOf, batchOf, type Batch } from './batches.ts';
import { memoryFiles } from './files.ts';
import { type ModelInput } from './inputs.ts';
import { openTokenizer, type Tokenizer } from './tokenizer.ts';

function words(): Promise<Tokenizer> {
  const json = { pre_tokenizer: { type: 'WhitespaceSplit' }, model: { type: 'WordLevel', vocab: { a: 0, b: 1 }, unk_token: 'a' } };
  return openTokenizer(memoryFiles(new Map([['tokenizer.json', new TextEncoder().encode(JSON.stringify(json))]]), 'tiny'));
}

const input = (name: string, dtype: string, dims: readonly (number | string | null)[]): ModelInput => ({ name, type: { kind: 'tensor', dtype, dims } });
const cache = (dims: (number | string | null)[], dtype = 'float32', name = 'past_key_values.0.key'): ModelInput => input(name, dtype, dims);

async function batch(...others: ModelInput[]): Promise<Batch['feeds']> {
  return batchOf(await words(), ['input_ids', 'attention_mask', ...others], ['a b a', 'b']).feeds;
}

test.each<[string, (number | string | null)[], number[]]>([
  ['of optimum', ['batch_size', 3, 'past_sequence_length', 64], [2, 3, 0, 64]],
  ['of the dynamo exporter', ['s0', 3, 's5', 64], [2, 3, 0, 64]],
  ['without names', [null, 3, null, 64], [2, 3, 0, 64]],
  ['of GPT-2 as one tensor', [2, 'batch', 12, 'past_seq_len', 64], [2, 2, 12, 0, 64]],
  ['of one row', [1, 3, 'past_sequence_length', 64], [1, 3, 0, 64]],
  ['of a fixed size', ['batch', 16, 3], [2, 16, 3]],
])('a cache %s is as empty as it can be, with as many rows as the batch', async (_, dims, expected) => {
  const { 'past_key_values.0.key': given } = await batch(cache(dims));
  expect(given).toEqual({ dtype: 'float32', dims: expected, data: new Float32Array(expected.reduce((a, b) => a * b)) });
});

test('a cache of halves is one', async () => {
  expect((await batch(cache(['batch', 3, 'past', 64], 'float16')))['past_key_values.0.key']).toEqual({ dtype: 'float16', dims: [2, 3, 0, 64], data: new Uint16Array() });
});

test('switches of decoders say that nothing is remembered and all is wanted', async () => {
  const { use_cache_branch, num_logits_to_keep, cache_position } = await batch(input('use_cache_branch', 'bool', [1]), input('num_logits_to_keep', 'int64', []), input('cache_position', 'int64', ['n']));
  expect(use_cache_branch).toEqual({ dtype: 'bool', dims: [1], data: Uint8Array.of(0) });
  expect(num_logits_to_keep).toEqual({ dtype: 'int64', dims: [], data: BigInt64Array.of(0n) });
  expect(cache_position).toEqual({ dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 1n, 2n) });
});

test('token ids are int32 where the model says so', async () => {
  const { feeds } = batchOf(await words(), [input('input_ids', 'int32', ['batch', 'n'])], ['a b']);
  expect(feeds['input_ids']).toEqual({ dtype: 'int32', dims: [1, 2], data: Int32Array.of(0, 1) });
});

test.each<[string, ModelInput, RegExp]>([
  ['a cache by its name alone', { name: 'past_key_values.0.key' }, /cache "past_key_values\.0\.key", whose shape is not declared/],
  ['a cache of texts', cache(['batch', 1], 'string'), /whose type string is none/],
  ['a cache of unknown heads', cache(['batch', 'heads', 'past', 64]), /nobody says how large its dimension heads is/],
  ['something else', input('pixel_values', 'float32', ['batch', 3]), /"pixel_values", which is not made from texts/],
])('%s is refused', async (_, given, says) => {
  await expect(batch(given)).rejects.toThrow(says);
});

test('what is not made from texts is refused at the call', async () => {
  const tokenizer = await words();
  expect(() => batchesOf(tokenizer, ['input_ids', 'pixel_values'], [])).toThrow('"pixel_values"');
});
