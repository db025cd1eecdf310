import type { Context, Model } from '@onnxpress/core';
import type { Collection } from '../data/collection.ts';
import { batchConsistency } from './consistency.ts';
import { Encoder, type EncoderOptions, type Vectors } from './encoder.ts';

/** What a model makes of a collection. */
export interface Embedded {
  readonly queries: Vectors;
  readonly documents: Vectors;
  /** See `batchConsistency`; undefined for a model whose batches hold texts of one length only. */
  readonly batchConsistency: number | undefined;
}

/** Embeds a collection. `onDone` is called as texts are done, with their number and what they are. */
export async function embedCollection(
  model: Model, collection: Collection, options: EncoderOptions, ctx: Context, onDone: (texts: number, what: string) => void,
): Promise<Embedded> {
  const encoder = await Encoder.open(model, options, ctx);
  try {
    const documents = await encoder.embed(collection.documents, (texts) => onDone(texts, 'documents'));
    const queries = await encoder.embed(collection.queries, (texts) => onDone(texts, 'queries'));
    const long = collection.documents.reduce((longest, text) => (text.length > longest.length ? text : longest));
    return { queries, documents, batchConsistency: encoder.mixesLengths ? await batchConsistency(encoder, collection.queries, long) : undefined };
  } finally {
    await encoder.dispose();
  }
}

const known = new WeakMap<Model, { readonly key: string; readonly value: unknown }>();

/** What was last computed for this model under this key, or `compute`: the candidates of a matrix share one original. Kept in memory as long as the model. */
export async function oncePerModel<T>(model: Model, key: string, compute: () => Promise<T>): Promise<T> {
  const earlier = known.get(model);
  if (earlier?.key === key) return earlier.value as T; // the key names the computation, so its type is T
  const value = await compute();
  known.set(model, { key, value });
  return value;
}
