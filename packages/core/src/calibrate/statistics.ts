import { Gram } from '@onnxpress/kernels';
import type { Collector } from './activation.ts';

/** What is known of the inputs of a layer: K columns over the tokens that count. */
export interface InputStatistics {
  /** Rows that counted. */
  readonly rows: number;
  /** K: how many columns. */
  readonly columns: number;
  /** X^T X / rows, [K, K], symmetric. */
  readonly gram: Float32Array;
  /** Mean |x| of each column: AWQ's importance. */
  readonly meanMagnitude: Float64Array;
  /** max |x| of each column: SmoothQuant's. */
  readonly maxMagnitude: Float32Array;
}

/** One pass of statistics for everything that weighs a layer's inputs: second moments, mean and largest magnitudes. Float64 sums; memory 4 K² bytes. */
export function inputStatistics(signal?: AbortSignal): Collector<InputStatistics> {
  let gram: Gram | undefined;
  let magnitudes = new MagnitudeSums(0);
  return {
    async add({ data, rows, columns, weights }) {
      if (!gram) {
        gram = new Gram(columns);
        magnitudes = new MagnitudeSums(columns);
      }
      magnitudes.add(data, rows, weights);
      await gram.add(data, rows, { weights, signal });
    },
    async done() {
      if (!gram) throw new Error('Nothing was observed.');
      const matrix = await gram.matrix({ signal });
      const scale = 1 / Math.max(1, gram.rows);
      for (let i = 0; i < matrix.length; i++) matrix[i]! *= scale;
      return { rows: gram.rows, columns: gram.columns, gram: matrix, meanMagnitude: magnitudes.sums.map((sum) => sum * scale), maxMagnitude: magnitudes.largest };
    },
  };
}

/** The largest |x| of each column over the tokens that count. */
export function maxMagnitudes(): Collector<Float32Array> {
  let magnitudes: MagnitudeSums | undefined;
  return {
    add({ data, rows, columns, weights }) {
      (magnitudes ??= new MagnitudeSums(columns)).add(data, rows, weights);
    },
    done: () => magnitudes?.largest ?? new Float32Array(),
  };
}

/** Some rows of the activation, as they are: every n-th token, so that all samples have a share. At most `limit` rows. */
export interface InputRows {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns]. */
  readonly data: Float32Array;
}

/** Keeps rows spread evenly over all tokens. Where there are more than fit, every second one goes, again and again: the same rows for the same data. */
export function inputRows(limit: number): Collector<InputRows> {
  let kept: Float32Array[] = [];
  let stride = 1;
  let seen = 0;
  return {
    add({ data, rows, columns, weights }) {
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        if (seen++ % stride === 0) kept.push(data.slice(row * columns, (row + 1) * columns));
        if (kept.length <= limit) continue;
        kept = kept.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    },
    done() {
      const columns = kept[0]?.length ?? 0;
      const data = new Float32Array(kept.length * columns);
      kept.forEach((row, i) => data.set(row, i * columns));
      return { rows: kept.length, columns, data };
    },
  };
}

/** Several collectors of one value as one. */
export function together<A, B>(a: Collector<A>, b: Collector<B>): Collector<readonly [A, B]> {
  return {
    async add(activation) {
      await a.add(activation);
      await b.add(activation);
    },
    done: async () => [await a.done(), await b.done()],
  };
}

class MagnitudeSums {
  readonly sums: Float64Array;
  readonly largest: Float32Array;

  constructor(columns: number) {
    this.sums = new Float64Array(columns);
    this.largest = new Float32Array(columns);
  }

  add(x: Float32Array, rows: number, weights: Uint8Array | undefined): void {
    const { sums, largest } = this;
    const columns = sums.length;
    for (let row = 0; row < rows; row++) {
      if (weights?.[row] === 0) continue;
      for (let j = 0, i = row * columns; j < columns; j++, i++) {
        const magnitude = Math.abs(x[i]!);
        sums[j]! += magnitude;
        if (magnitude > largest[j]!) largest[j] = magnitude;
      }
    }
  }
}
