import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchesOf, batchOf, type BatchOptions, type PlacedBatch, type TextInput } from './batches.ts';
import { memoryFiles } from './files.ts';
import { openTokenizer, type Tokenizer } from './tokenizer.ts';

/** One token per word: `w3` is token 3. Nothing is added; padding is token 0. */
function words(config: object = {}): Promise<Tokenizer> {
  const vocab = Object.fromEntries(Array.from({ length: 10 }, (_, id) => [`w${id}`, id]));
  const json = { 'tokenizer.json': { pre_tokenizer: { type: 'WhitespaceSplit' }, model: { type: 'WordLevel', vocab, unk_token: 'w9' } }, 'tokenizer_config.json': config, 'config.json': config };
  return openTokenizer(memoryFiles(new Map(Object.entries(json).map(([name, value]) => [name, new TextEncoder().encode(JSON.stringify(value))])), 'tiny'));
}

const bert = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];

function rowsOf(data: ArrayLike<number | bigint>, length: number): number[][] {
  return Array.from({ length: data.length / length }, (_, row) => Array.from(data).slice(row * length, (row + 1) * length).map(Number));
}

async function all(texts: readonly TextInput[], options?: BatchOptions, inputs = bert): Promise<PlacedBatch[]> {
  const batches: PlacedBatch[] = [];
  for await (const batch of batchesOf(await words(), inputs, texts, options)) batches.push(batch);
  return batches;
}

test('shorter texts are padded to the longest of the batch', async () => {
  const { feeds, rows, length, mask } = batchOf(await words(), bert, ['w1 w2 w3', 'w4']);
  expect([rows, length]).toEqual([2, 3]);
  expect(feeds['input_ids']).toEqual({ dtype: 'int64', dims: [2, 3], data: BigInt64Array.of(1n, 2n, 3n, 4n, 0n, 0n) });
  expect(rowsOf(feeds['attention_mask']!.data, 3)).toEqual([[1, 1, 1], [1, 0, 0]]);
  expect(rowsOf(feeds['token_type_ids']!.data, 3)).toEqual([[0, 0, 0], [0, 0, 0]]);
  expect(rowsOf(feeds['position_ids']!.data, 3)).toEqual([[0, 1, 2], [0, 0, 0]]);
  expect(rowsOf(mask, 3)).toEqual([[1, 1, 1], [1, 0, 0]]);
});

test('a tokenizer that pads on the left puts the padding first, and positions begin at the first token', async () => {
  const { feeds, mask } = batchOf(await words({ padding_side: 'left', pad_token: 'w7' }), bert, ['w1 w2 w3', 'w4']);
  expect(rowsOf(feeds['input_ids']!.data, 3)).toEqual([[1, 2, 3], [7, 7, 4]]);
  expect(rowsOf(feeds['position_ids']!.data, 3)).toEqual([[0, 1, 2], [0, 0, 0]]);
  expect(rowsOf(mask, 3)).toEqual([[1, 1, 1], [0, 0, 1]]);
});

test('RoBERTa counts positions from behind its padding', async () => {
  const { feeds } = batchOf(await words({ model_type: 'roberta', pad_token_id: 1 }), bert, ['w1 w2 w3', 'w4']);
  expect(rowsOf(feeds['position_ids']!.data, 3)).toEqual([[2, 3, 4], [2, 1, 1]]);
});

test('pairs carry token types', async () => {
  const { feeds } = batchOf(await words(), bert, [['w1', 'w2 w3'], ['w4', 'w5']]);
  expect(rowsOf(feeds['input_ids']!.data, 3)).toEqual([[1, 2, 3], [4, 5, 0]]);
  expect(rowsOf(feeds['token_type_ids']!.data, 3)).toEqual([[0, 1, 1], [0, 1, 0]]);
});

test('only the inputs that the model has are fed', async () => {
  expect(Object.keys(batchOf(await words(), ['attention_mask', 'input_ids'], ['w1']).feeds)).toEqual(['attention_mask', 'input_ids']);
});

test('a text without tokens reads as one padding token that is not masked', async () => {
  const { feeds, mask } = batchOf(await words(), bert, ['', 'w1 w2']);
  expect(rowsOf(feeds['input_ids']!.data, 2)).toEqual([[0, 0], [1, 2]]);
  expect(rowsOf(mask, 2)).toEqual([[1, 0], [1, 1]]);
});

test('texts are batched by length, and the indices say where they came from', async () => {
  const batches = await all(['w1 w1 w1', 'w2', 'w3 w3', 'w4', 'w5 w5 w5'], { size: 2 });
  expect(batches.map(({ indices }) => indices)).toEqual([[1, 3], [2, 0], [4]]);
});

test('without sorting, texts stay in their order', async () => {
  const batches = await all(['w1 w1 w1', 'w2', 'w3 w3'], { size: 2, sortByLength: false });
  expect(batches.map(({ indices }) => indices)).toEqual([[0, 1], [2]]);
});

test('without sorting, batches come before all texts are read', async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<string> {
    for (;;) yield `w${read++ % 10}`;
  }
  const first = await batchesOf(await words(), bert, endless(), { size: 4, sortByLength: false }).next();
  expect(first.value?.rows).toBe(4);
  expect(read).toBe(5);
});

test('long texts get smaller batches, and a text over the budget gets its own', async () => {
  const batches = await all(['w1', 'w2', 'w3 w3 w3', 'w4 w4 w4', 'w5 w5 w5 w5 w5 w5 w5'], { tokens: 6 });
  expect(batches.map(({ indices }) => indices)).toEqual([[0, 1], [2, 3], [4]]);
});

test('without attention_mask a batch holds texts of one length', async () => {
  const batches = await all(['w1', 'w2 w2', 'w3', 'w4 w4'], {}, ['input_ids']);
  expect(batches.map(({ indices }) => indices)).toEqual([[0, 2], [1, 3]]);
});

test('without attention_mask one batch of several lengths is an error', async () => {
  const tokenizer = await words();
  expect(() => batchOf(tokenizer, ['input_ids'], ['w1', 'w2 w2'])).toThrow(expect.objectContaining({ code: 'needs-mask' }));
});

test('an input that is not made from texts is an error naming it', async () => {
  const tokenizer = await words();
  const error = expect.objectContaining({ code: 'unknown-input', message: expect.stringContaining('"pixel_values"') });
  expect(() => batchesOf(tokenizer, ['input_ids', 'pixel_values'], [])).toThrow(error);
  expect(() => batchOf(tokenizer, ['input_ids', 'constructor'], [])).toThrow(/"constructor"/);
});

test('a model without input_ids reads no texts', async () => {
  const tokenizer = await words();
  expect(() => batchesOf(tokenizer, ['attention_mask'], [])).toThrow(/no input "input_ids" \(it has attention_mask\)/);
});

test('a size of zero is an error', async () => {
  const tokenizer = await words();
  expect(() => batchesOf(tokenizer, bert, [], { size: 0 })).toThrow(/size of a batch is 0/);
});

test('no texts, no batches', async () => {
  expect(await all([])).toEqual([]);
});

test('an aborted signal ends the batches with its reason', async () => {
  const abort = new AbortController();
  const batches = batchesOf(await words(), bert, ['w1', 'w2'], { size: 1, signal: abort.signal });
  await batches.next();
  abort.abort(new Error('enough'));
  await expect(batches.next()).rejects.toThrow('enough');
});

test('every text is in exactly one batch with its own tokens, within the limits', async () => {
  const text = fc.array(fc.nat(8), { maxLength: 12 }).map((ids) => ids.map((id) => `w${id}`).join(' '));
  const options = fc.record({ size: fc.integer({ min: 1, max: 5 }), tokens: fc.integer({ min: 1, max: 40 }), sortByLength: fc.boolean() });
  await fc.assert(fc.asyncProperty(fc.array(text, { maxLength: 20 }), options, async (texts, limits) => {
    const found = new Map<number, string>();
    for (const { indices, rows, length, feeds, mask } of await all(texts, limits)) {
      expect(rows).toBe(indices.length);
      expect(rows).toBeLessThanOrEqual(limits.size);
      expect(rows === 1 || rows * length <= limits.tokens).toBe(true);
      rowsOf(feeds['input_ids']!.data, length).forEach((ids, row) => {
        expect(found.has(indices[row]!)).toBe(false);
        found.set(indices[row]!, ids.filter((_, at) => mask[row * length + at] === 1).map((id) => `w${id}`).join(' '));
      });
    }
    const padding = 'w0'; // how an empty text reads
    expect(texts.map((_, index) => found.get(index))).toEqual(texts.map((one) => one || padding));
  }), { numRuns: 50 });
});
