import type { Notes } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import type { Range, Reader } from '../wire/reader.ts';

/*
 * What a file says about tensors and types beyond the model in memory. Both are immutable and shared by the copies of a
 * model, so this knowledge hangs on the objects themselves and is gone when a pass puts another one in their place.
 */

/** Name, documentation, metadata and unknown fields of a TensorProto. An initializer's name is its value's. */
export interface TensorNotes {
  readonly name: string;
  readonly notes: Notes | undefined;
}

const tensors = new WeakMap<Tensor, TensorNotes>();
const types = new WeakMap<ValueType, Uint8Array>();
const outside = new WeakSet<Tensor>();

export const keepTensorNotes = (tensor: Tensor, notes: TensorNotes): unknown => tensors.set(tensor, notes);
export const tensorNotes = (tensor: Tensor): TensorNotes | undefined => tensors.get(tensor);

/** `message` is the whole TypeProto: denotations and unknown fields have no other place. */
export const keepTypeBytes = (type: ValueType, message: Uint8Array): unknown => types.set(type, message);
export const typeBytes = (type: ValueType): Uint8Array | undefined => types.get(type);

/** Marks a tensor whose bytes came from a file beside the model. */
export const markExternal = (tensor: Tensor): unknown => outside.add(tensor);
export const wasExternal = (tensor: Tensor): boolean => outside.has(tensor);

/** Gathers what a message says beside its own fields. */
export class Kept {
  #notes: Notes | undefined;
  #unknown: Uint8Array[] | undefined;

  docString(reader: Reader): void {
    const text = reader.string();
    if (text !== '') (this.#notes ??= {}).docString = text;
  }

  metadata(key: string, value: string): void {
    ((this.#notes ??= {}).metadata ??= new Map()).set(key, value);
  }

  unknown(reader: Reader): void {
    (this.#unknown ??= []).push(reader.raw());
  }

  /** A field that the reader has gone into already. */
  unknownAt({ source }: Reader, { start, end }: Range): void {
    const bytes = new Uint8Array(end - start);
    source.read(bytes, start);
    (this.#unknown ??= []).push(bytes);
  }

  /** Everything gathered, or undefined when there was nothing. */
  notes(): Notes | undefined {
    const extra = this.extra();
    if (extra) (this.#notes ??= {}).extra = extra;
    return this.#notes;
  }

  /** The unknown fields alone. */
  extra(): Uint8Array | undefined {
    return this.#unknown && Buffer.concat(this.#unknown);
  }
}
