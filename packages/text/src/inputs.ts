import { emptyCache, isCache } from './caches.ts';
import { TextError } from './error.ts';
import { type Encoding } from './template.ts';
import { type Tokenizer } from './tokenizer.ts';

/** Numbers for one input of a model. float16 is held as its bits, bool as 0 and 1. */
export type Feed =
  | { readonly dtype: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: 'float16'; readonly dims: readonly number[]; readonly data: Uint16Array }
  | { readonly dtype: 'bool'; readonly dims: readonly number[]; readonly data: Uint8Array };

/** An input of a model; the inputs of a graph are such. Inputs whose shape matters, such as caches, need their type. */
export interface ModelInput {
  readonly name: string;
  readonly type?: InputType | undefined;
}

export interface InputType {
  readonly kind: string;
  readonly dtype?: string | undefined;
  /** A string is a symbolic dimension, null an unknown one. */
  readonly dims?: readonly (number | string | null)[] | undefined;
}

/** A name says enough for all that is made of token ids. */
export type InputLike = string | ModelInput;

/** One text in its row of a batch. */
export interface Row {
  readonly encoding: Encoding;
  /** Where the first token is: behind the padding, if that is on the left. */
  readonly start: number;
  has(at: number): boolean;
}

/** The inputs that are made from texts: [rows, length] each. */
const makers: Readonly<Record<string, (row: Row, tokenizer: Tokenizer) => (at: number) => number>> = {
  input_ids: (row, { padding }) => (at) => row.encoding.ids[at - row.start] ?? padding.id,
  attention_mask: (row) => (at) => (row.has(at) ? 1 : 0),
  token_type_ids: (row, { padding }) => (at) => row.encoding.types[at - row.start] ?? padding.type,
  // Padding takes the position before the first token's: that is where the RoBERTa family keeps the padding's.
  position_ids: (row, { firstPosition }) => (at) => (row.has(at) ? firstPosition + at - row.start : Math.max(0, firstPosition - 1)),
};

/** What decoders exported for generation ask for besides: the answer is the same for every text that is read from its beginning. */
const settings: Readonly<Record<string, (length: number) => { readonly dtype: 'bool' | 'int64'; readonly dims: readonly number[]; readonly values: readonly number[] }>> = {
  use_cache_branch: () => ({ dtype: 'bool', dims: [1], values: [0] }),
  // 0 keeps them all: a slice from -0 on.
  num_logits_to_keep: () => ({ dtype: 'int64', dims: [], values: [0] }),
  logits_to_keep: () => ({ dtype: 'int64', dims: [], values: [0] }),
  cache_position: (length) => ({ dtype: 'int64', dims: [length], values: Array.from({ length }, (_, at) => at) }),
};

/** Names of the model inputs that are made of token ids, each [texts, tokens]. */
export const textInputNames: readonly string[] = Object.keys(makers);

/** Normal form; throws `unknown-input` unless every one of them can be made from texts. */
export function requireInputs(inputs: readonly InputLike[]): readonly ModelInput[] {
  const all = inputs.map((input) => (typeof input === 'string' ? { name: input } : input));
  const unknown = all.filter(({ name }) => !Object.hasOwn(makers, name) && !Object.hasOwn(settings, name) && !isCache(name));
  if (unknown.length > 0) {
    throw new TextError('unknown-input',
      `The model asks for ${unknown.map(({ name }) => `"${name}"`).join(', ')}, which is not made from texts (${textInputNames.join(', ')} and the caches of decoders are). Export the model without it, or feed it tensors.`);
  }
  if (!all.some(({ name }) => name === 'input_ids')) {
    throw new TextError('unknown-input', `The model has no input "input_ids" (it has ${all.map(({ name }) => name).join(', ') || 'none'}), so it reads no texts. Feed it tensors.`);
  }
  return all;
}

/** What all inputs get for these rows, padded to `length`. A declared int32 is honoured. */
export function feedsFor(inputs: readonly ModelInput[], rows: readonly Row[], length: number, tokenizer: Tokenizer): Readonly<Record<string, Feed>> {
  return Object.fromEntries(inputs.map((input): [string, Feed] => [input.name, feedFor(input, rows, length, tokenizer)]));
}

function feedFor({ name, type }: ModelInput, rows: readonly Row[], length: number, tokenizer: Tokenizer): Feed {
  const maker = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (maker !== undefined) {
    const values = rows.map((row) => maker(row, tokenizer));
    return whole(type?.dtype, [rows.length, length], (at) => values[Math.floor(at / length)]!(at % length));
  }
  const setting = Object.hasOwn(settings, name) ? settings[name]!(length) : undefined;
  if (setting === undefined) return emptyCache({ name, type }, rows.length);
  // A declared rank counts: exporters write such a number as [] or as [1].
  const dims = setting.values.length === 1 && type?.dims !== undefined ? type.dims.map(() => 1) : setting.dims;
  if (setting.dtype === 'bool') return { dtype: 'bool', dims, data: Uint8Array.from(setting.values) };
  return whole(type?.dtype, dims, (at) => setting.values[at]!);
}

function whole(dtype: string | undefined, dims: readonly number[], valueAt: (at: number) => number): Feed {
  const count = dims.reduce((a, b) => a * b, 1);
  if (dtype === 'int32') return { dtype, dims, data: Int32Array.from({ length: count }, (_, at) => valueAt(at)) };
  const data = new BigInt64Array(count);
  for (let at = 0; at < count; at++) data[at] = BigInt(valueAt(at));
  return { dtype: 'int64', dims, data };
}
