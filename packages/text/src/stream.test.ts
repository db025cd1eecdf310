import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tokensOf } from './stream.ts';

/** A token for each match, numbered by what it is; ids of one text only. */
function splitter(pattern: RegExp, prefix = ''): { idsOf(text: string): readonly number[]; lengths: number[] } {
  const known = new Map<string, number>();
  const lengths: number[] = [];
  return {
    lengths,
    idsOf(text) {
      lengths.push(text.length);
      return Array.from((text === '' ? '' : prefix + text).matchAll(pattern), ([token]) => known.get(token) ?? known.set(token, known.size).get(token)!);
    },
  };
}

const gpt2 = / ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const llama3 = /[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;
const words = /[^\s]+/gu;
const marked = /▁?[^▁\s]+|\s|▁/gu;

async function streamed(tokenizer: { idsOf(text: string): readonly number[] }, parts: Iterable<string>): Promise<{ ids: number[]; pieces: number }> {
  const all: (readonly number[])[] = [];
  for await (const ids of tokensOf(tokenizer, parts)) all.push(ids);
  return { ids: all.flat(), pieces: all.length };
}

const bits = ['a', 'Wing', ' flow', ' 12', '345', '.', '!?', '\n', '\n\n', ' \n', '\n ', '  ', '\t', 'é', '日本', '😀'];
const longTexts = fc.array(fc.constantFrom(...bits), { minLength: 20, maxLength: 60 }).map((some) => Array.from({ length: 500 }, (_, at) => some[(at * 7 + (at % 11)) % some.length]! + some[at % some.length]!).join('')).map((text) => text.repeat(Math.ceil(100_000 / text.length)));

test.each([['of GPT-2', gpt2, ''], ['of Llama 3', llama3, ''], ['of words', words, ''], ['that mark the beginning of a text', marked, '▁']] as const)('pieces have the tokens of the whole, by tokenizers %s', async (_, pattern, prefix) => {
  await fc.assert(fc.asyncProperty(longTexts, fc.integer({ min: 1, max: 99_999 }), async (text, at) => {
    const tokenizer = splitter(pattern, prefix);
    const { ids } = await streamed(tokenizer, [text.slice(0, at), text.slice(at)]);
    expect(ids).toEqual(tokenizer.idsOf(text));
  }), { numRuns: 25 });
});

test('no more than a piece is tokenized at once where lines end', async () => {
  const line = 'The wing of the flow, and more.\n';
  for (const pattern of [gpt2, llama3, words]) {
    const tokenizer = splitter(pattern);
    const { pieces } = await streamed(tokenizer, [line.repeat(10_000)]);
    expect(pieces).toBeGreaterThan(8);
    expect(Math.max(...tokenizer.lengths)).toBeLessThan(2 ** 16);
  }
});

test('a text without line ends is cut at spaces, and one without any is one piece', async () => {
  for (const [text, few] of [['wing '.repeat(30_000), false], ['wing'.repeat(30_000), true]] as const) {
    const tokenizer = splitter(gpt2);
    const { ids, pieces } = await streamed(tokenizer, [text]);
    expect(ids).toEqual(tokenizer.idsOf(text));
    expect(pieces === 1).toBe(few);
  }
});

test('a text of nothing has no tokens', async () => {
  expect(await streamed(splitter(words), [''])).toEqual({ ids: [], pieces: 0 });
});
