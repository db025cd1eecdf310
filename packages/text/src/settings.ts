import { integerAt, isObject, objectAt, stringAt, type Json } from './json.ts';
import { type Side } from './truncate.ts';

/** The files a tokenizer is read from, in the order they are hashed. Only the first is required. */
export const tokenizerFileNames = ['tokenizer.json', 'tokenizer_config.json', 'config.json', 'sentence_bert_config.json', 'special_tokens_map.json'] as const;

/** What was found of them, parsed. */
export type TokenizerJson = Readonly<Partial<Record<(typeof tokenizerFileNames)[number], Json>>>;

/** What the model itself says about the texts it reads. */
export interface Settings {
  /** Tokens, special ones included, that the model was made for. */
  readonly maxLength: number;
  /** Tokens that it has positions for, if config.json says so: it cannot run on more. */
  readonly positions: number | undefined;
  /** The position of the first token: 0, or for the RoBERTa family what follows the padding's. */
  readonly firstPosition: number;
  /** Texts are lower-cased before they are tokenized (sentence-transformers' `do_lower_case`). */
  readonly lowerCase: boolean;
  readonly truncationSide: Side;
  readonly paddingSide: Side;
  readonly padding: { readonly id: number; readonly type: number };
}

/** For models that nowhere say how long their texts may be: BERT's length, which most encoders have. */
const usualLength = 512;

/** transformers writes 1e30 for "unknown"; no model reads a million tokens at once. */
const saneLength = 1_000_000;

/** Their position embeddings start behind the padding's, so the first `pad_token_id + 1` of them are not for tokens. */
const countsFromPadding: ReadonlySet<string> = new Set([
  'camembert', 'data2vec-text', 'esm', 'ibert', 'layoutlmv3', 'longformer', 'luke', 'markuplm', 'mluke', 'mpnet',
  'roberta', 'roberta-prelayernorm', 'xlm-roberta', 'xlm-roberta-xl', 'xmod',
]);

/** Collects the settings; `idOf` looks a token up in the vocabulary. */
export function settingsOf(files: TokenizerJson, idOf: (token: string) => number | undefined): Settings {
  const config = files['config.json'];
  const tokenizerConfig = files['tokenizer_config.json'];
  const firstPosition = countsFromPadding.has(stringAt(config, 'model_type') ?? '') ? (integerAt(config, 'pad_token_id') ?? 1) + 1 : 0;
  const embeddings = length(config, 'max_position_embeddings') ?? length(config, 'n_positions');
  const positions = embeddings === undefined ? undefined : Math.max(1, embeddings - firstPosition);
  const stated = length(files['sentence_bert_config.json'], 'max_seq_length');
  return {
    maxLength: Math.min(stated ?? positions ?? length(tokenizerConfig, 'model_max_length') ?? usualLength, positions ?? Infinity),
    positions,
    firstPosition,
    lowerCase: files['sentence_bert_config.json']?.['do_lower_case'] === true,
    truncationSide: side(stringAt(tokenizerConfig, 'truncation_side')),
    paddingSide: side(stringAt(tokenizerConfig, 'padding_side') ?? stringAt(objectAt(files['tokenizer.json'], 'padding'), 'direction')),
    padding: { id: paddingId(files, idOf), type: integerAt(objectAt(files['tokenizer.json'], 'padding'), 'pad_type_id') ?? 0 },
  };
}

function length(json: Json | undefined, key: string): number | undefined {
  const value = integerAt(json, key);
  return value !== undefined && value >= 1 && value <= saneLength ? value : undefined;
}

function side(value: string | undefined): Side {
  return value?.toLowerCase() === 'left' ? 'left' : 'right';
}

/** A model without a padding token pads with 0: padding is masked, so any token of the vocabulary will do. */
function paddingId(files: TokenizerJson, idOf: (token: string) => number | undefined): number {
  const token = tokenAt(files['tokenizer_config.json'], 'pad_token') ?? tokenAt(files['special_tokens_map.json'], 'pad_token');
  const named = token === undefined ? undefined : idOf(token);
  const id = named ?? integerAt(objectAt(files['tokenizer.json'], 'padding'), 'pad_id') ?? integerAt(files['config.json'], 'pad_token_id');
  return id !== undefined && id >= 0 ? id : 0;
}

/** A special token, written as its text or as `{ content }`. */
export function tokenAt(json: Json | undefined, key: string): string | undefined {
  const value = json?.[key];
  return isObject(value) ? stringAt(value, 'content') : stringAt(json, key);
}
