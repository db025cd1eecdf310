import { expect, test } from 'vitest';
import { memoryFiles } from './files.ts';
import { openTokenizer, type Tokenizer, type TokenizerOptions } from './tokenizer.ts';

const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'wing', 'flow', '##s', 'the', 'of', 'a', 'σοσ'];
const [CLS, SEP, WING, FLOW, S, THE] = [2, 3, 4, 5, 6, 7];

const special = (id: string, type: number): object => ({ SpecialToken: { id, type_id: type } });
const sequence = (id: string, type: number): object => ({ Sequence: { id, type_id: type } });

/** A WordPiece tokenizer as an exporter writes it, which truncates to 4 and pads to 16 if it is obeyed. */
const wordPiece = {
  version: '1.0',
  truncation: { max_length: 4, strategy: 'LongestFirst', stride: 0 },
  padding: { strategy: { Fixed: 16 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
  added_tokens: [0, 1, 2, 3].map((id) => ({ id, special: true, content: vocabulary[id], single_word: false, lstrip: false, rstrip: false, normalized: false })),
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
    pair: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0), sequence('B', 1), special('[SEP]', 1)],
    special_tokens: { '[CLS]': { id: '[CLS]', ids: [CLS], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [SEP], tokens: ['[SEP]'] } },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])) },
};

type Files = Readonly<Record<string, unknown>>;

function open(files: Files, options?: TokenizerOptions): Promise<Tokenizer> {
  const bytes = Object.entries(files).map(([name, json]): [string, Uint8Array] => [name, new TextEncoder().encode(typeof json === 'string' ? json : JSON.stringify(json))]);
  return openTokenizer(memoryFiles(new Map(bytes), 'models/tiny'), options);
}

function openWith(others: Files, options?: TokenizerOptions): Promise<Tokenizer> {
  return open({ 'tokenizer.json': wordPiece, ...others }, options);
}

function idsOf(tokenizer: Tokenizer, text: string, pair?: string): number[] {
  return [...tokenizer.encode(text, pair).ids];
}

test('a text becomes word pieces between the special tokens', async () => {
  expect(idsOf(await openWith({}), 'The Wings, FLOW')).toEqual([CLS, THE, WING, S, 1, FLOW, SEP]);
});

test('the truncation and padding of tokenizer.json do not count', async () => {
  expect(idsOf(await openWith({}), 'a wing of the flow')).toHaveLength(7);
});

test('truncation keeps the special tokens', async () => {
  expect(idsOf(await openWith({}, { maxLength: 4 }), 'wing flow the of a')).toEqual([CLS, WING, FLOW, SEP]);
});

test('a tokenizer that truncates on the left keeps the end of a text', async () => {
  const tokenizer = await openWith({ 'tokenizer_config.json': { truncation_side: 'left' } }, { maxLength: 4 });
  expect(idsOf(tokenizer, 'the of wing flow')).toEqual([CLS, WING, FLOW, SEP]);
});

test('a pair has the token types of its template', async () => {
  const { ids, types } = (await openWith({})).encode('wing', 'flow the');
  expect([...ids]).toEqual([CLS, WING, SEP, FLOW, THE, SEP]);
  expect([...types]).toEqual([0, 0, 0, 1, 1, 1]);
});

test('the longer text of a pair gives way first', async () => {
  const tokenizer = await openWith({}, { maxLength: 7 });
  expect(idsOf(tokenizer, 'the', 'wing flow wing flow wing')).toEqual([CLS, THE, SEP, WING, FLOW, WING, SEP]);
});

test('an empty second text still makes a pair', async () => {
  expect(idsOf(await openWith({}), 'wing', '')).toEqual([CLS, WING, SEP, SEP]);
});

test('an empty text is its special tokens', async () => {
  expect(idsOf(await openWith({}), '')).toEqual([CLS, SEP]);
});

test('a RoBERTa post-processor doubles the separator and has one token type', async () => {
  const roberta = { ...wordPiece, post_processor: { type: 'RobertaProcessing', sep: ['[SEP]', SEP], cls: ['[CLS]', CLS] } };
  const { ids, types } = (await open({ 'tokenizer.json': roberta })).encode('wing', 'flow');
  expect([...ids]).toEqual([CLS, WING, SEP, SEP, FLOW, SEP]);
  expect([...types]).toEqual([0, 0, 0, 0, 0, 0]);
});

test('a BERT post-processor gives the second text and its separator the second type', async () => {
  const bert = { ...wordPiece, post_processor: { type: 'BertProcessing', sep: ['[SEP]', SEP], cls: ['[CLS]', CLS] } };
  const { ids, types } = (await open({ 'tokenizer.json': bert })).encode('wing', 'flow');
  expect([...ids]).toEqual([CLS, WING, SEP, FLOW, SEP]);
  expect([...types]).toEqual([0, 0, 0, 1, 1]);
});

test('in a sequence of post-processors the one that adds tokens counts', async () => {
  const nested = { ...wordPiece, post_processor: { type: 'Sequence', processors: [{ type: 'ByteLevel' }, wordPiece.post_processor] } };
  expect(idsOf(await open({ 'tokenizer.json': nested }), 'wing')).toEqual([CLS, WING, SEP]);
});

test('without a post-processor nothing is added', async () => {
  expect(idsOf(await open({ 'tokenizer.json': { ...wordPiece, post_processor: null } }), 'wing flow')).toEqual([WING, FLOW]);
});

test('sentence-transformers can ask for lower case', async () => {
  const cased = { ...wordPiece, normalizer: null };
  expect(idsOf(await open({ 'tokenizer.json': cased }), 'WING')).toEqual([CLS, 1, SEP]);
  expect(idsOf(await open({ 'tokenizer.json': cased, 'sentence_bert_config.json': { do_lower_case: true } }), 'WING')).toEqual([CLS, WING, SEP]);
});

test('a final sigma is lower-cased like any other', async () => {
  expect(idsOf(await openWith({}), 'ΣΟΣ')).toEqual([CLS, 10, SEP]);
});

test.each<[string, Files, number]>([
  ['sentence_bert_config.json comes first', { 'sentence_bert_config.json': { max_seq_length: 256 }, 'config.json': { max_position_embeddings: 512 }, 'tokenizer_config.json': { model_max_length: 400 } }, 256],
  ['then the position embeddings', { 'config.json': { max_position_embeddings: 128 }, 'tokenizer_config.json': { model_max_length: 400 } }, 128],
  ['RoBERTa keeps two positions to itself', { 'config.json': { model_type: 'roberta', pad_token_id: 1, max_position_embeddings: 514 } }, 512],
  ['BERT keeps none', { 'config.json': { model_type: 'bert', pad_token_id: 1, max_position_embeddings: 514 } }, 514],
  ['then tokenizer_config.json', { 'tokenizer_config.json': { model_max_length: 400 } }, 400],
  ['but not its "unknown"', { 'tokenizer_config.json': '{"model_max_length": 1000000000000000019884624838656}' }, 512],
  ['a null is no length', { 'sentence_bert_config.json': { max_seq_length: null }, 'config.json': { max_position_embeddings: -1 } }, 512],
  ['no more than there are positions', { 'sentence_bert_config.json': { max_seq_length: 514 }, 'config.json': { model_type: 'xlm-roberta', pad_token_id: 1, max_position_embeddings: 514 } }, 512],
])('the default length is the model\'s own: %s', async (_, files, length) => {
  expect((await openWith(files)).maxLength).toBe(length);
});

test('the padding token is the one that tokenizer_config.json names', async () => {
  const tokenizer = await openWith({ 'tokenizer_config.json': { pad_token: { content: 'of' }, padding_side: 'left' }, 'config.json': { pad_token_id: 9 } });
  expect(tokenizer.padding).toEqual({ id: 8, type: 0, side: 'left' });
});

test('without any padding token, padding is token 0', async () => {
  expect((await open({ 'tokenizer.json': { ...wordPiece, padding: null } })).padding).toEqual({ id: 0, type: 0, side: 'right' });
});

test('the fingerprint is that of the files', async () => {
  const [one, same, other] = await Promise.all([openWith({}), openWith({}, { maxLength: 9 }), openWith({ 'config.json': {} })]);
  expect(one.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(same.fingerprint).toBe(one.fingerprint);
  expect(other.fingerprint).not.toBe(one.fingerprint);
});

test('a file that the tokenizer does not use is not in its fingerprint', async () => {
  expect((await openWith({ 'README.md': '# tiny' })).fingerprint).toBe((await openWith({})).fingerprint);
});

test.each<[string, Files, TokenizerOptions, string, RegExp]>([
  ['no tokenizer.json', { 'config.json': {} }, {}, 'missing-file', /no tokenizer\.json in models\/tiny.*Put the model's tokenizer\.json/],
  ['a broken file', { 'tokenizer.json': wordPiece, 'config.json': '{"a": ' }, {}, 'broken-file', /config\.json in models\/tiny is not valid JSON: .*Download/],
  ['a list', { 'tokenizer.json': '[]' }, {}, 'broken-file', /tokenizer\.json in models\/tiny is JSON, but not an object/],
  ['a Git LFS pointer', { 'tokenizer.json': 'version https://git-lfs.github.com/spec/v1\n' }, {}, 'broken-file', /Git LFS pointer.*git lfs pull/],
  ['an unknown model', { 'tokenizer.json': { ...wordPiece, model: { type: 'Runes' } } }, {}, 'unsupported-tokenizer', /models\/tiny is not understood: .*Runes/],
  ['an unknown post-processor', { 'tokenizer.json': { ...wordPiece, post_processor: { type: 'Frame' } } }, {}, 'unsupported-tokenizer', /post_processor of type "Frame".*Known are/],
  ['a template with a nameless token', { 'tokenizer.json': { ...wordPiece, post_processor: { ...wordPiece.post_processor, special_tokens: {} } } }, {}, 'unsupported-tokenizer', /"\[CLS\]" without an id/],
  ['two templates', { 'tokenizer.json': { ...wordPiece, post_processor: { type: 'Sequence', processors: [wordPiece.post_processor, wordPiece.post_processor] } } }, {}, 'unsupported-tokenizer', /more than one step/],
  ['no room for text', { 'tokenizer.json': wordPiece }, { maxLength: 2 }, 'bad-length', /adds 2 special tokens\. Give at least 3/],
  ['half a token', { 'tokenizer.json': wordPiece }, { maxLength: 7.5 }, 'bad-length', /length of 7\.5 tokens.*whole number/],
  ['more than there are positions', { 'tokenizer.json': wordPiece, 'config.json': { max_position_embeddings: 64 } }, { maxLength: 65 }, 'bad-length', /positions for 64 .*at most 64/],
])('%s is an error that says what now', async (_, files, options, code, message) => {
  await expect(open(files, options)).rejects.toMatchObject({ name: 'TextError', code, message: expect.stringMatching(message) });
});

test('a length with room for a text but not for a pair is an error for pairs only', async () => {
  const tokenizer = await openWith({}, { maxLength: 3 });
  expect(idsOf(tokenizer, 'wing flow')).toEqual([CLS, WING, SEP]);
  expect(() => tokenizer.encode('wing', 'flow')).toThrow(/no room for a pair.*at least 4/);
});

test('a WordLevel tokenizer reads unknown words as its unknown token', async () => {
  const wordLevel = { ...wordPiece, post_processor: null, model: { type: 'WordLevel', vocab: wordPiece.model.vocab, unk_token: '[UNK]' } };
  expect(idsOf(await open({ 'tokenizer.json': wordLevel }), 'the wings flow')).toEqual([THE, 1, FLOW]);
});
