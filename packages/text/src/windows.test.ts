import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryFiles } from './files.ts';
import { type InputLike } from './inputs.ts';
import { openTokenizer, type Tokenizer } from './tokenizer.ts';
import { windowsOf, type WindowBatch, type WindowOptions } from './windows.ts';

/** One token per word, `w3` is token 3, between special tokens that no window must have. */
function words(config: object = {}): Promise<Tokenizer> {
  const vocab = Object.fromEntries(Array.from({ length: 10 }, (_, id) => [`w${id}`, id]));
  const special = { type: 'BertProcessing', cls: ['w8', 8], sep: ['w9', 9] };
  const json = { 'tokenizer.json': { pre_tokenizer: { type: 'WhitespaceSplit' }, post_processor: special, model: { type: 'WordLevel', vocab, unk_token: 'w9' } }, 'config.json': config };
  return openTokenizer(memoryFiles(new Map(Object.entries(json).map(([name, value]) => [name, new TextEncoder().encode(JSON.stringify(value))])), 'tiny'));
}

async function all(text: readonly string[], options: WindowOptions, inputs: readonly InputLike[] = ['input_ids']): Promise<WindowBatch[]> {
  const batches: WindowBatch[] = [];
  for await (const batch of windowsOf(await words(), inputs, text, options)) batches.push(batch);
  return batches;
}

const idsOf = (batches: readonly WindowBatch[]): number[][] => batches.map(({ feeds }) => Array.from(feeds['input_ids']!.data, Number));

test('a text is cut into windows without special tokens, and the rest is dropped', async () => {
  expect(idsOf(await all(['w1 w2 w3\nw4 w5\n'], { tokens: 2 }))).toEqual([[1, 2], [3, 4]]);
});

test('parts of a text follow one another without anything between them', async () => {
  expect(idsOf(await all(['w1 w', '2 w', '3 w4'], { tokens: 2 }))).toEqual([[1, 2], [3, 4]]);
});

test('skip and take count windows', async () => {
  const batches = await all(['w1 w2 w3 w4 w5 w6'], { tokens: 1, skip: 2, take: 3 });
  expect(idsOf(batches)).toEqual([[3], [4], [5]]);
  expect(batches.map(({ first }) => first)).toEqual([2, 3, 4]);
});

test('a batch has several windows where asked for, the last one what is left', async () => {
  const batches = await all(['w1 w2 w3 w4 w5'], { tokens: 1, rows: 2, skip: 0 });
  expect(batches.map(({ rows, first }) => [rows, first])).toEqual([[2, 0], [2, 2], [1, 4]]);
  expect(idsOf(batches)).toEqual([[1, 2], [3, 4], [5]]);
});

test('windows overlap by a stride', async () => {
  expect(idsOf(await all(['w1 w2 w3 w4 w5 w6'], { tokens: 3, stride: 2 }))).toEqual([[1, 2, 3], [3, 4, 5]]);
  await expect(async () => all(['w1'], { tokens: 3, stride: 4 })).rejects.toThrow('Give a stride of at most 3.');
});

test('all that is fed besides says: no padding, one text, from its beginning', async () => {
  const cache: InputLike = { name: 'past_key_values.0.key', type: { kind: 'tensor', dtype: 'float32', dims: ['batch_size', 2, 'past_sequence_length', 4] } };
  const [batch] = await all(['w1 w2 w3 w4'], { tokens: 2, rows: 2 }, ['input_ids', 'attention_mask', 'position_ids', 'token_type_ids', cache]);
  const { input_ids: _, ...others } = batch!.feeds;
  expect(others).toEqual({
    attention_mask: { dtype: 'int64', dims: [2, 2], data: BigInt64Array.of(1n, 1n, 1n, 1n) },
    position_ids: { dtype: 'int64', dims: [2, 2], data: BigInt64Array.of(0n, 1n, 0n, 1n) },
    token_type_ids: { dtype: 'int64', dims: [2, 2], data: new BigInt64Array(4) },
    'past_key_values.0.key': { dtype: 'float32', dims: [2, 2, 0, 4], data: new Float32Array() },
  });
  expect([...batch!.mask]).toEqual([1, 1, 1, 1]);
});

test('a text is read no further than is needed', async () => {
  function* endless(): Generator<string> {
    for (;;) yield 'w1 w2\n';
  }
  const tokenizer = await words();
  const seen: number[] = [];
  for await (const { first } of windowsOf(tokenizer, ['input_ids'], endless(), { tokens: 4, take: 2 })) seen.push(first);
  expect(seen).toEqual([0, 1]);
});

test('a signal ends the windows', async () => {
  const stop = AbortSignal.abort(new Error('enough'));
  await expect(all(['w1 w2'], { tokens: 1, signal: stop })).rejects.toThrow('enough');
});

test('windows that the model has no positions for are refused', async () => {
  const tokenizer = await words({ max_position_embeddings: 64 });
  expect(() => windowsOf(tokenizer, ['input_ids'], ['w1'], { tokens: 65 })).toThrow('Windows of 65 tokens were asked for, but the model has positions for 64 (config.json). Give at most 64.');
});

test('no window is lost or invented, however long the text', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 5 }), async (ids, tokens, skip, take) => {
    const expected = Array.from({ length: Math.floor(ids.length / tokens) }, (_, at) => ids.slice(at * tokens, (at + 1) * tokens)).slice(skip, skip + take);
    expect(idsOf(await all([ids.map((id) => `w${id}`).join(' ')], { tokens, skip, take }))).toEqual(expected);
  }), { numRuns: 100 });
});
