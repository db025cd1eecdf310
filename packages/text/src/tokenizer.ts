import { createHash } from 'node:crypto';
import { TextError } from './error.ts';
import { type TextFiles } from './files.ts';
import { parseJson, type Json } from './json.ts';
import { openVocabulary } from './library.ts';
import { settingsOf, tokenizerFileNames, type Settings, type TokenizerJson } from './settings.ts';
import { fill, specialCount, templateOf, type Encoding } from './template.ts';
import { keepOfPair, truncate, type Side } from './truncate.ts';

/** Turns texts into token ids, the way the model was trained to read them. */
export interface Tokenizer {
  /** sha256 over the files it was read from: same files, same fingerprint. */
  readonly fingerprint: string;
  /** No encoding is longer, special tokens included. */
  readonly maxLength: number;
  /** The token that fills up the shorter rows of a batch, and the end it is put at. */
  readonly padding: { readonly id: number; readonly type: number; readonly side: Side };
  /** Tokens that the model has positions for, where its files say so. */
  readonly positions: number | undefined;
  /** What `position_ids` count from. */
  readonly firstPosition: number;
  /**
   * One text, or a text and its pair, with special tokens, truncated to `maxLength` (the longer of a pair gives way first; special tokens stay), not padded.
   * Whatever tokenizer.json says about truncation and padding does not count. Without special tokens an empty text has no tokens at all.
   */
  encode(text: string, pair?: string): Encoding;
  /** The token ids of a text by itself: no special tokens, nothing truncated. */
  idsOf(text: string): readonly number[];
}

export interface TokenizerOptions {
  /** Tokens per text, special ones included. Default: the model's own, by sentence_bert_config.json, config.json or tokenizer_config.json; else 512. */
  readonly maxLength?: number | undefined;
}

/**
 * Reads a tokenizer: tokenizer.json, and beside it tokenizer_config.json, config.json, sentence_bert_config.json and special_tokens_map.json where they exist.
 * Throws a TextError: `missing-file`, `broken-file`, `unsupported-tokenizer`, or `bad-length` for a `maxLength` that leaves no room or exceeds the model's positions.
 */
export async function openTokenizer(files: TextFiles, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const { json, fingerprint } = await readAll(files);
  const tokenizerJson = json['tokenizer.json'];
  if (!tokenizerJson) throw missing(files.place);
  const template = templateOf(tokenizerJson['post_processor'], files.place);
  const vocabulary = await openVocabulary(tokenizerJson, json['tokenizer_config.json'], files.place);
  const settings = settingsOf(json, vocabulary.idOf);
  const maxLength = options.maxLength ?? settings.maxLength;
  const room = { single: maxLength - specialCount(template.single), pair: maxLength - specialCount(template.pair) };
  requireLength(maxLength, room.single, settings, files.place);

  const idsOf = (text: string): readonly number[] => vocabulary.idsOf(settings.lowerCase ? text.toLowerCase() : text);
  const { truncationSide } = settings;

  return {
    fingerprint,
    maxLength,
    padding: { ...settings.padding, side: settings.paddingSide },
    positions: settings.positions,
    firstPosition: settings.firstPosition,
    idsOf,
    encode(text, pair) {
      if (pair === undefined) return fill(template.single, [truncate(idsOf(text), room.single, truncationSide)]);
      if (room.pair < 1) throw tooShort(maxLength, room.pair, 'a pair of texts', files.place);
      const [a, b] = [idsOf(text), idsOf(pair)];
      const [keepA, keepB] = keepOfPair([a.length, b.length], room.pair);
      return fill(template.pair, [truncate(a, keepA, truncationSide), truncate(b, keepB, truncationSide)]);
    },
  };
}

async function readAll(files: TextFiles): Promise<{ json: TokenizerJson; fingerprint: string }> {
  const json: Partial<Record<(typeof tokenizerFileNames)[number], Json>> = {};
  const hash = createHash('sha256');
  for (const name of tokenizerFileNames) {
    const bytes = await files.read(name);
    if (!bytes) continue;
    json[name] = parseJson(bytes, name, files.place);
    hash.update(`${name} ${bytes.length}\n`).update(bytes);
  }
  return { json, fingerprint: hash.digest('hex') };
}

function requireLength(maxLength: number, room: number, settings: Settings, place: string): void {
  if (!Number.isSafeInteger(maxLength)) {
    throw new TextError('bad-length', `A length of ${maxLength} tokens was asked for. Give a whole number.`);
  }
  if (room < 1) throw tooShort(maxLength, room, 'a text', place);
  if (settings.positions !== undefined && maxLength > settings.positions) {
    throw new TextError('bad-length',
      `A length of ${maxLength} tokens was asked for, but the model in ${place} has positions for ${settings.positions} (config.json). Give at most ${settings.positions}.`);
  }
}

function tooShort(maxLength: number, room: number, what: string, place: string): TextError {
  return new TextError('bad-length',
    `A length of ${maxLength} tokens leaves no room for ${what}: the tokenizer in ${place} adds ${maxLength - room} special tokens. Give at least ${maxLength - room + 1}.`);
}

function missing(place: string): TextError {
  return new TextError('missing-file',
    `There is no tokenizer.json in ${place}, so texts cannot become tokens. Put the model's tokenizer.json beside it; if the model has only vocab.txt, save it once with transformers' AutoTokenizer(…).save_pretrained.`);
}
