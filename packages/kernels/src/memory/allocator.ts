/** Every block starts at a multiple of this: a cache line, four vectors. */
export const ALIGNMENT = 64;

interface Gap {
  start: number;
  end: number;
}

/**
 * Hands out ranges of a memory, first fit, lowest address first, and merges what comes back. It never touches the memory itself.
 * Allocation and release are linear in the number of gaps, which is small: kernels allocate few large blocks and release all of them.
 */
export class Allocator {
  readonly #gaps: Gap[];
  readonly #sizes = new Map<number, number>();
  readonly #grow: (bytes: number) => number;
  #end: number;
  #used = 0;
  #peak = 0;

  /** Manages [start, end). `grow` adds at least so many bytes after the end and says how many it added; 0 where it cannot. */
  constructor(start: number, end: number, grow: (bytes: number) => number = () => 0) {
    this.#gaps = end > start ? [{ start, end }] : [];
    this.#end = end;
    this.#grow = grow;
  }

  /** Bytes handed out now. */
  get used(): number {
    return this.#used;
  }

  /** The most bytes that were handed out at once since the last resetPeak. */
  get peak(): number {
    return this.#peak;
  }

  resetPeak(): void {
    this.#peak = this.#used;
  }

  /** The offset of a free range of this size, or undefined where there is none. Its contents are whatever was there before. */
  allocate(bytes: number): number | undefined {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const gap = this.#gaps.find((g) => g.end - g.start >= size) ?? this.#extended(size);
    if (gap === undefined) return undefined;
    const { start } = gap;
    gap.start += size;
    if (gap.start === gap.end) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    this.#sizes.set(start, size);
    this.#used += size;
    this.#peak = Math.max(this.#peak, this.#used);
    return start;
  }

  /** Gives a range back. Throws where nothing was handed out at this offset. */
  release(start: number): void {
    const size = this.#sizes.get(start);
    if (size === undefined) throw new RangeError(`Nothing was allocated at ${start}: it was released twice, or is the inside of a block.`);
    this.#sizes.delete(start);
    this.#used -= size;
    this.#add(start, start + size);
  }

  #extended(size: number): Gap | undefined {
    const last = this.#gaps.at(-1);
    const tail = last !== undefined && last.end === this.#end ? last.end - last.start : 0;
    const added = this.#grow(size - tail);
    if (added === 0) return undefined;
    this.#add(this.#end, this.#end + added);
    this.#end += added;
    return this.#gaps.at(-1);
  }

  #add(start: number, end: number): void {
    const next = this.#gaps.findIndex((g) => g.start >= end);
    const at = next < 0 ? this.#gaps.length : next;
    this.#gaps.splice(at, 0, { start, end });
    this.#merge(at);
    if (at > 0) this.#merge(at - 1);
  }

  /** Joins a gap with the one after it where they touch. */
  #merge(at: number): void {
    const gap = this.#gaps[at]!;
    const after = this.#gaps[at + 1];
    if (after === undefined || gap.end !== after.start) return;
    gap.end = after.end;
    this.#gaps.splice(at + 1, 1);
  }
}
