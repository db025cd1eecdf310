import { setImmediate } from 'node:timers/promises';
import { requirePositive, TextError } from './error.ts';
import { feedsFor, requireInputs, type Feed, type InputLike, type ModelInput, type Row } from './inputs.ts';
import { type Encoding } from './template.ts';
import { type Tokenizer } from './tokenizer.ts';

/** A text, or a text and its pair (a query and a document, for rerankers). */
export type TextInput = string | readonly [text: string, pair: string];

/** Texts as a model eats them: `rows` texts, padded to the longest of them. */
export interface Batch {
  /** By input name; those of `textInputNames` are [rows, length]. */
  readonly feeds: Readonly<Record<string, Feed>>;
  readonly rows: number;
  readonly length: number;
  /** [rows, length]: 1 where a token is, 0 where padding is. The attention mask, also for a model that takes none. */
  readonly mask: Uint8Array;
}

/** A batch that knows which texts it holds: row i is text `indices[i]` of those handed in. */
export interface PlacedBatch extends Batch {
  readonly indices: readonly number[];
}

export interface BatchOptions {
  /** Texts in a batch, at most. Default 32. */
  readonly size?: number | undefined;
  /** Tokens in a batch, padding included, at most: long texts get smaller batches. One text alone may have more. Default 8192. */
  readonly tokens?: number | undefined;
  /** Short texts first, so that a batch holds texts of about one length and little padding. Reads all texts before the first batch. Default true. */
  readonly sortByLength?: boolean | undefined;
  /** Ends the batches with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Tokenizing is synchronous; this many texts at a time, so that an interrupt is heard. */
const breath = 64;

/**
 * Feeds for the inputs a model requires, batch by batch, in an order that depends on nothing but the texts and options.
 * A model without `attention_mask` cannot be told what is padding, so its batches hold texts of one length only.
 * `inputs` are names, or the inputs of a graph: the caches of decoders need their types. They are given empty, so that a text is read from its beginning.
 * An input that is not made from texts is a TextError (`unknown-input`) naming it, thrown at the call.
 */
export function batchesOf(
  tokenizer: Tokenizer, inputs: readonly InputLike[], texts: Iterable<TextInput> | AsyncIterable<TextInput>, options: BatchOptions = {},
): AsyncGenerator<PlacedBatch, void, undefined> {
  const wanted = requireInputs(inputs);
  const limits: Limits = { size: options.size ?? 32, tokens: options.tokens ?? 8192, mixed: hasMask(wanted) };
  requirePositive('The size of a batch', limits.size);
  requirePositive('The number of tokens in a batch', limits.tokens);
  const encoded = encodings(tokenizer, texts, options.signal);
  return padded(tokenizer, wanted, grouped(options.sortByLength === false ? encoded : sorted(encoded), limits), options.signal);
}

/** One batch of all the texts given, in their order. Throws as `batchesOf` does, and `needs-mask` for texts of several lengths without `attention_mask`. */
export function batchOf(tokenizer: Tokenizer, inputs: readonly InputLike[], texts: readonly TextInput[]): Batch {
  const wanted = requireInputs(inputs);
  const rows = texts.map((text) => encode(tokenizer, text));
  if (!hasMask(wanted) && new Set(rows.map(({ ids }) => ids.length)).size > 1) {
    throw new TextError('needs-mask', 'The model has no input "attention_mask", so texts of several lengths in one batch would count padding as text. Use batchesOf, which keeps lengths apart.');
  }
  return pad(tokenizer, wanted, rows);
}

interface Placed {
  readonly encoding: Encoding;
  readonly index: number;
}

interface Limits {
  readonly size: number;
  readonly tokens: number;
  /** Texts of several lengths may share a batch. */
  readonly mixed: boolean;
}

const hasMask = (inputs: readonly ModelInput[]): boolean => inputs.some(({ name }) => name === 'attention_mask');

/** A row without any token has nothing to compute a number from, so an empty text reads as one padding token. */
function encode(tokenizer: Tokenizer, text: TextInput): Encoding {
  const encoding = typeof text === 'string' ? tokenizer.encode(text) : tokenizer.encode(text[0], text[1]);
  if (encoding.ids.length > 0) return encoding;
  return { ids: Int32Array.of(tokenizer.padding.id), types: Int32Array.of(tokenizer.padding.type) };
}

async function* encodings(tokenizer: Tokenizer, texts: Iterable<TextInput> | AsyncIterable<TextInput>, signal: AbortSignal | undefined): AsyncGenerator<Placed, void, undefined> {
  let index = 0;
  for await (const text of texts) {
    if (index % breath === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    yield { encoding: encode(tokenizer, text), index };
    index++;
  }
}

async function* sorted(encoded: AsyncIterable<Placed>): AsyncGenerator<Placed, void, undefined> {
  const all: Placed[] = [];
  for await (const one of encoded) all.push(one);
  yield* all.sort((a, b) => a.encoding.ids.length - b.encoding.ids.length || a.index - b.index);
}

async function* grouped(encoded: AsyncIterable<Placed>, limits: Limits): AsyncGenerator<readonly Placed[], void, undefined> {
  let group: Placed[] = [];
  let longest = 0;
  for await (const one of encoded) {
    const length = one.encoding.ids.length;
    const together = Math.max(longest, length);
    const fits = group.length < limits.size && (group.length + 1) * together <= limits.tokens && (limits.mixed || length === longest);
    if (group.length > 0 && !fits) {
      yield group;
      group = [];
    }
    longest = group.length === 0 ? length : together;
    group.push(one);
  }
  if (group.length > 0) yield group;
}

async function* padded(
  tokenizer: Tokenizer, inputs: readonly ModelInput[], groups: AsyncIterable<readonly Placed[]>, signal: AbortSignal | undefined,
): AsyncGenerator<PlacedBatch, void, undefined> {
  for await (const group of groups) {
    signal?.throwIfAborted();
    yield { ...pad(tokenizer, inputs, group.map(({ encoding }) => encoding)), indices: group.map(({ index }) => index) };
  }
}

function pad(tokenizer: Tokenizer, inputs: readonly ModelInput[], encodings: readonly Encoding[]): Batch {
  const length = encodings.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
  const rows = encodings.map((encoding): Row => {
    const start = tokenizer.padding.side === 'left' ? length - encoding.ids.length : 0;
    return { encoding, start, has: (at) => at >= start && at < start + encoding.ids.length };
  });
  const mask = new Uint8Array(rows.length * length);
  rows.forEach(({ start, encoding }, row) => mask.fill(1, row * length + start, row * length + start + encoding.ids.length));
  return { feeds: feedsFor(inputs, rows, length, tokenizer), rows: rows.length, length, mask };
}
