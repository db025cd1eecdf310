import { TextError } from './error.ts';
import { isObject, listAt, objectAt, stringAt, type Json } from './json.ts';
import { tokenAt } from './settings.ts';

/** What is used of the tokenizer library: normalizer, pre-tokenizer and model. Special tokens, truncation and padding are ours. */
export interface Vocabulary {
  /** Token ids of one text, without special tokens. */
  idsOf(text: string): readonly number[];
  /** The id of a token, if the vocabulary has it. */
  idOf(token: string): number | undefined;
}

interface Library {
  encode(text: string): { readonly ids: readonly (number | undefined)[] };
  token_to_id(token: string): number | undefined;
}

/**
 * Opens a tokenizer.json with @huggingface/tokenizers, imported only now: whoever imports this package does not pay for it.
 * What it does not understand is a TextError (`unsupported-tokenizer`).
 */
export async function openVocabulary(tokenizerJson: Json, tokenizerConfig: Json | undefined, place: string): Promise<Vocabulary> {
  const library = await openLibrary(tokenizerJson, tokenizerConfig, place);
  const lowers = lowersCase(tokenizerJson['normalizer']);
  return {
    // A BPE model without an unknown token drops what it does not know.
    // Tokenizers lower-case character by character; JavaScript by word, with another sigma at the end of it.
    idsOf: (text) => library.encode(lowers ? text.replaceAll('Σ', 'σ') : text).ids.filter((id) => id !== undefined),
    idOf: (token) => library.token_to_id(token),
  };
}

async function openLibrary(tokenizerJson: Json, tokenizerConfig: Json | undefined, place: string): Promise<Library> {
  const absent = { normalizer: null, pre_tokenizer: null, added_tokens: [] };
  const unknown = stringAt(objectAt(tokenizerJson, 'model'), 'unk_token') ?? tokenAt(tokenizerConfig, 'unk_token');
  const library: { Tokenizer: new (json: object, config: object) => Library } = await import('@huggingface/tokenizers');
  try {
    return new library.Tokenizer(
      { ...absent, ...tokenizerJson, post_processor: null, decoder: null },
      // Nothing else of tokenizer_config.json: it repeats steps that tokenizer.json already has in `normalizer`.
      { unk_token: unknown, eos_token: tokenAt(tokenizerConfig, 'eos_token') },
    );
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TextError('unsupported-tokenizer', `tokenizer.json in ${place} is not understood: ${reason}. Export it as a "fast" tokenizer with a recent transformers.`, { cause });
  }
}

function lowersCase(normalizer: unknown): boolean {
  if (!isObject(normalizer)) return false;
  if (normalizer['type'] === 'Sequence') return listAt(normalizer, 'normalizers').some(lowersCase);
  return normalizer['type'] === 'Lowercase' || (normalizer['type'] === 'BertNormalizer' && normalizer['lowercase'] === true);
}
