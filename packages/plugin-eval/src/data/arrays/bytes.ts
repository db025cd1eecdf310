/** Takes bytes from a stream in pieces of the sizes that are asked for. Memory holds what is asked for and a chunk of the stream. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, in memory of their own that begins where they do; fewer where the stream ends. */
  async take(count: number): Promise<Uint8Array> {
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done) return taken.slice(0, filled);
        this.#rest = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
        continue;
      }
      const part = this.#rest.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return taken;
  }

  /** Leaves the rest. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
