import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';

/** A range of a file. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

const PIECE = 2 ** 20;

/**
 * The sha256 of ranges of a file that is being written, and of the file as a whole: as long as ranges are finished in their order, both come out of one
 * reading. `ranges`: all that the file will hold, by offset.
 */
export class GrowingHash {
  readonly #descriptor: number;
  readonly #ranges: readonly Range[];
  readonly #piece = new Uint8Array(PIECE);
  readonly #finished = new Set<number>();
  readonly #places: ReadonlyMap<number, number>;
  /** Over everything up to the end of the ranges before `#next`. */
  #whole: Hash = createHash('sha256');
  #next = 0;
  #end = 0;

  constructor(descriptor: number, ranges: readonly Range[]) {
    this.#descriptor = descriptor;
    this.#ranges = ranges;
    this.#places = new Map(ranges.map(({ offset }, i) => [offset, i]));
  }

  /** Says that a range has its bytes, and gives their hash. With `expected`, a range with another hash does not count as finished. */
  add({ offset, length }: Range, expected?: string): string {
    const own = createHash('sha256');
    const place = this.#places.get(offset);
    if (place === undefined || place !== this.#next) {
      this.#feed(offset, offset + length, [own]);
      const sum = own.digest('hex');
      if (place !== undefined && (expected ?? sum) === sum) this.#finished.add(place);
      return sum;
    }
    const before = this.#whole.copy();
    this.#feed(this.#end, offset, [this.#whole]);
    this.#feed(offset, offset + length, [this.#whole, own]);
    const sum = own.digest('hex');
    if ((expected ?? sum) !== sum) this.#whole = before;
    else {
      this.#step();
      while (this.#finished.has(this.#next)) this.#catchUp();
    }
    return sum;
  }

  /** The hash of the whole file. */
  digest(): string {
    while (this.#next < this.#ranges.length) this.#catchUp();
    return this.#whole.digest('hex');
  }

  #catchUp(): void {
    const { offset, length } = this.#ranges[this.#next]!; // whoever calls this has looked
    this.#feed(this.#end, offset + length, [this.#whole]);
    this.#step();
  }

  #step(): void {
    const { offset, length } = this.#ranges[this.#next++]!; // the same
    this.#end = offset + length;
  }

  #feed(from: number, to: number, hashes: readonly Hash[]): void {
    for (let at = from; at < to; ) {
      const got = readSync(this.#descriptor, this.#piece, 0, Math.min(PIECE, to - at), at);
      if (got === 0) break; // the file is shorter than somebody said: no hash will fit
      const bytes = this.#piece.subarray(0, got);
      for (const hash of hashes) hash.update(bytes);
      at += got;
    }
  }
}
