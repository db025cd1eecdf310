import type { Model, Value } from '@onnxpress/onnx';
import { batchesOf, openTokenizer, windowsOf, type Batch, type TextInput, type Tokenizer } from '@onnxpress/text';
import type { Dataset, Text } from '../plugin/kinds.ts';
import { fitFeeds } from '../run/fit-feeds.ts';
import type { Feeds } from '../services/tokens.ts';

/** Inputs for one run of a model, and which of their tokens are real. */
export interface Sample {
  readonly feeds: Feeds;
  /** Where padding is known. */
  readonly padding?: Padding | undefined;
}

export interface Padding {
  readonly rows: number;
  readonly length: number;
  /** [rows, length]: 1 for a token, 0 for padding. */
  readonly mask: Uint8Array;
}

/** Tokens of a batch, padding included: small enough for the activations of a wide layer, large enough for matrix products. */
const BATCH_TOKENS = 2048;

/** A collection may hold millions of documents: so many of them, from the first on, are enough for any statistics kept here. */
const COLLECTION_TEXTS = 512;

/** The kinds of data that a model can be calibrated on. */
export const CALIBRATION_KINDS = ['texts', 'retrieval', 'tensors'] as const;

type TextData = Extract<Dataset, { readonly kind: 'texts' | 'retrieval' }>;

/** A data set as a model eats it: texts by the model's own tokenizer, in batches of about one length, each padded to its own longest; tensors as they are. */
export async function* samplesOf(model: Model, data: TextData | Extract<Dataset, { readonly kind: 'tensors' }>, signal?: AbortSignal): AsyncGenerator<Sample, void, undefined> {
  if (data.kind === 'tensors') {
    const names = required(model).map(({ name }) => name);
    for await (const given of data.feeds()) {
      const feeds = fitFeeds(given, names);
      yield { feeds, padding: maskIn(feeds) };
    }
    return;
  }
  const tokenizer = await tokenizerOf(model, data.kind === 'texts' ? data.maxLength : undefined);
  const inputs = required(model);
  for await (const { feeds, mask, rows, length } of batches(data)) yield { feeds, padding: { rows, length, mask } };

  function batches(data: TextData): AsyncIterable<Batch> {
    if (data.kind === 'texts' && data.windows) return windowsOf(tokenizer, inputs, data.windows.text(), { ...data.windows, rows: Math.max(1, Math.floor(BATCH_TOKENS / data.windows.tokens)), signal });
    const texts = data.kind === 'retrieval' ? plain(data.corpus(), COLLECTION_TEXTS) : plain(data.texts(), Infinity);
    return batchesOf(tokenizer, inputs, texts, { tokens: BATCH_TOKENS, signal });
  }
}

const required = (model: Model): readonly Value[] => model.graph.inputs.filter((v) => !v.default);

/** The tokenizer that travels with a model. Tokens per text are the model's own, unless said otherwise. */
export async function tokenizerOf(model: Model, maxLength: number | undefined): Promise<Tokenizer> {
  const place = model.origin === undefined ? "the model's files" : `the files beside ${model.origin}`;
  return openTokenizer({ place, read: async (name) => model.files.get(name)?.bytes() }, { maxLength });
}

async function* plain(texts: AsyncIterable<Text>, limit: number): AsyncGenerator<TextInput, void, undefined> {
  let left = limit;
  for await (const { title, text } of texts) {
    if (left-- <= 0) return;
    yield title ? `${title} ${text}` : text;
  }
}

/** The padding that written-down inputs tell of. */
function maskIn(feeds: Feeds): Padding | undefined {
  const given = feeds['attention_mask'];
  const [rows, length] = given?.dims ?? [];
  if (!given || rows === undefined || length === undefined || given.dims.length !== 2) return undefined;
  return { rows, length, mask: Uint8Array.from(given.data as ArrayLike<number | bigint>, (one) => (Number(one) === 0 ? 0 : 1)) }; // masks are numbers
}
