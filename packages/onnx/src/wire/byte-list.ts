import { OnnxError } from '../error.ts';

/** Bytes that grow at the end. `limit` bounds what a damaged or enormous file can make it hold. */
export class ByteList {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  readonly #limit: number;

  constructor(capacity = 1024, limit: number = 2 ** 31 - 1) {
    this.#bytes = new Uint8Array(Math.min(capacity, limit));
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far, without a copy: valid until the next `grow`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `count` more bytes, counts them as written, and returns the whole storage; they lie before `length`. */
  grow(count: number): Uint8Array<ArrayBuffer> {
    const length = this.#length + count;
    if (length > this.#limit) throw new OnnxError('too-large', `More than ${this.#limit} bytes would have to be held in memory. Store large tensors as raw data or external data.`);
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#limit, Math.max(length, this.#bytes.length * 2)));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length = length;
    return this.#bytes;
  }

  /** Forgets everything from `length` on. */
  shrink(length: number): void {
    this.#length = Math.min(this.#length, length);
  }
}
