import { tokenizerOf, type Context, type Model, type Session } from '@onnxpress/core';
import { batchesOf, batchOf, normalize, pool, type Batch, type ModelInput, type Pooling, type TextInput, type Tokenizer } from '@onnxpress/text';
import { floatsOf } from './floats.ts';
import { outputOf } from './output.ts';
import { feedsOf, inputsOf } from './text-feeds.ts';

/** How texts become vectors. */
export interface EncoderOptions {
  readonly pooling: Pooling;
  readonly normalize: boolean;
  /** Texts in a batch, at most. */
  readonly batch: number;
  /** Tokens per text; the model's own by default. */
  readonly maxLength?: number | undefined;
  /** Name of the output that is pooled. */
  readonly output?: string | undefined;
}

/** One vector a text: [count, width], in the order of the texts. */
export interface Vectors {
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** Vector `index`, not copied. */
export const vectorAt = ({ data, width }: Vectors, index: number): Float32Array => data.subarray(index * width, (index + 1) * width);

/** Texts whose tokens are held at once. They are sorted by length among themselves, so this is also part of what makes a batch. */
const windowSize = 16_384;

/** A model that turns texts into vectors. `dispose` frees it. */
export class Encoder {
  readonly #model: Model;
  readonly #session: Session;
  readonly #tokenizer: Tokenizer;
  readonly #inputs: readonly ModelInput[];
  readonly #options: EncoderOptions;
  readonly #output: string;
  readonly #signal: AbortSignal;

  private constructor(model: Model, session: Session, tokenizer: Tokenizer, options: EncoderOptions, signal: AbortSignal) {
    this.#model = model;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#inputs = inputsOf(model, session);
    this.#options = options;
    this.#output = outputOf(model, session, options.output);
    this.#signal = signal;
  }

  /** Loads the model, and the tokenizer that travels with it. */
  static async open(model: Model, options: EncoderOptions, ctx: Context): Promise<Encoder> {
    const tokenizer = await tokenizerOf(model, options.maxLength);
    const session = await ctx.runtime.load(model, { ...ctx.settings });
    try {
      return new Encoder(model, session, tokenizer, options, ctx.signal);
    } catch (cause) {
      await session.dispose();
      throw cause;
    }
  }

  /**
   * One vector a text. Texts are put into batches by length, short ones first, equal ones in their order, so a batch depends on the texts and options
   * alone: with kernels that take one scale for a whole batch the vectors depend on it too. `onDone` is called with the number of texts after each batch.
   */
  async embed(texts: AsyncIterable<TextInput> | Iterable<TextInput>, onDone: (texts: number) => void = () => {}): Promise<Vectors> {
    const parts: Vectors[] = [];
    for await (const window of windows(texts, windowSize)) {
      const part = new Rows(window.length);
      for await (const batch of batchesOf(this.#tokenizer, this.#inputs, window, { size: this.#options.batch, signal: this.#signal })) {
        const vectors = await this.#run(batch);
        batch.indices.forEach((index, row) => part.set(index, vectorAt(vectors, row)));
        onDone(batch.rows);
      }
      parts.push(part.vectors());
    }
    return concatenated(parts);
  }

  /** Whether texts of several lengths may share a batch: a model without a mask would take padding for text. */
  get mixesLengths(): boolean {
    return this.#session.inputs.includes('attention_mask');
  }

  /** The vectors of these texts in one batch, in their order. Texts of several lengths need a model that `mixesLengths`. */
  async embedTogether(texts: readonly TextInput[]): Promise<Vectors> {
    this.#signal.throwIfAborted();
    return this.#run(batchOf(this.#tokenizer, this.#inputs, texts));
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }

  async #run(batch: Batch): Promise<Vectors> {
    const outputs = await this.#session.run(feedsOf(this.#model, batch), [this.#output]);
    const given = outputs[this.#output]!; // it was asked for
    const pooled = pool({ data: floatsOf(this.#output, given), dims: given.dims }, batch.mask, this.#options.pooling);
    const width = pooled.length / batch.rows;
    return { count: batch.rows, width, data: this.#options.normalize ? normalize(pooled, width) : pooled };
  }
}

/** Vectors that arrive in any order; the first one tells the width. */
class Rows {
  readonly #count: number;
  #width = 0;
  #data = new Float32Array();

  constructor(count: number) {
    this.#count = count;
  }

  set(row: number, vector: Float32Array): void {
    if (this.#width === 0) {
      this.#width = vector.length;
      this.#data = new Float32Array(this.#count * vector.length);
    }
    this.#data.set(vector, row * this.#width);
  }

  vectors(): Vectors {
    return { count: this.#count, width: this.#width, data: this.#data };
  }
}

async function* windows<T>(all: AsyncIterable<T> | Iterable<T>, size: number): AsyncGenerator<readonly T[], void, undefined> {
  let window: T[] = [];
  for await (const one of all) {
    window.push(one);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

function concatenated(parts: readonly Vectors[]): Vectors {
  if (parts.length === 1) return parts[0]!;
  const width = parts[0]?.width ?? 0;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const data = new Float32Array(count * width);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { count, width, data };
}
