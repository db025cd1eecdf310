/** Steps on each side of zero. */
export const BINS = 2048;

/** Larger ones are marks of masks and the like (-3.4e38, -inf), not numbers of the model. */
export const SENTINEL = 1e30;

/**
 * How often numbers fall into steps of one width, without knowing their range beforehand: the width is a power of two, and doubles by merging pairs of steps
 * when a larger number comes. Steps begin at zero on both sides, so what is counted does not depend on the order of the numbers. Memory is O(bins).
 * Exact zeros, which any grid holds exactly, are counted apart; infinities and magnitudes from `SENTINEL` on are left out.
 */
export class Histogram {
  /** Step i is [(i - bins) * width, (i + 1 - bins) * width). */
  readonly counts: Float64Array;
  readonly bins: number;
  zeros = 0;
  /** Of finite numbers, zero included where it came. */
  min = Infinity;
  max = -Infinity;
  #width = 0;

  constructor(bins: number = BINS) {
    this.bins = bins;
    this.counts = new Float64Array(2 * bins);
  }

  /** 0 as long as nothing but zeros came. */
  get width(): number {
    return this.#width;
  }

  /** Numbers counted, zeros included. */
  get total(): number {
    return this.zeros + this.counts.reduce((sum, c) => sum + c, 0);
  }

  /** Adds rows of numbers; those of weight 0 are left out. Gives the least and the largest that was added, [Infinity, -Infinity] for none. */
  add(x: Float32Array, columns: number = x.length, weights?: Uint8Array): readonly [min: number, max: number] {
    let [min, max] = [Infinity, -Infinity];
    const rows = columns > 0 ? x.length / columns : 0;
    for (let row = 0; row < rows; row++) {
      if (weights?.[row] === 0) continue;
      for (let i = row * columns, end = i + columns; i < end; i++) {
        const v = x[i]!;
        if (v < min && v > -SENTINEL) min = v;
        if (v > max && v < SENTINEL) max = v;
      }
    }
    if (min > max) return [min, max];
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    this.#reach(Math.max(-min, max));
    const { counts, bins } = this;
    const inverse = this.#width > 0 ? 1 / this.#width : 0; // a power of two, so products with it are exact
    for (let row = 0; row < rows; row++) {
      if (weights?.[row] === 0) continue;
      for (let i = row * columns, end = i + columns; i < end; i++) {
        const v = x[i]!;
        if (v === 0) this.zeros++;
        else if (v < SENTINEL && v > -SENTINEL) counts[Math.floor(v * inverse) + bins]!++;
      }
    }
    return [min, max];
  }

  /** Widens the steps until the magnitude lies inside. */
  #reach(magnitude: number): void {
    if (magnitude === 0) return;
    if (this.#width === 0) this.#width = widthFor(magnitude, this.bins);
    while (magnitude >= this.bins * this.#width) {
      const { counts, bins } = this;
      const merged = new Float64Array(2 * bins);
      for (let i = 0; i < 2 * bins; i++) merged[Math.floor((i - bins) / 2) + bins]! += counts[i]!;
      counts.set(merged);
      this.#width *= 2;
    }
  }
}

/** The least power of two of which `bins` steps reach beyond the magnitude. */
function widthFor(magnitude: number, bins: number): number {
  let width = 2 ** Math.floor(Math.log2(magnitude / bins));
  while (magnitude >= bins * width) width *= 2;
  while (magnitude < (bins * width) / 2) width /= 2;
  return width;
}
