import type { Collector } from '@onnxpress/core';

/** Some rows of an activation, with the range of the batch that each came from. */
export interface BatchRows {
  readonly columns: number;
  /** [rows, columns]. */
  readonly data: Float32Array;
  /** For each row the range of all numbers of its batch, padding included, as DynamicQuantizeLinear sees it; zero lies inside. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

interface Row {
  readonly values: Float32Array;
  readonly low: number;
  readonly high: number;
}

/** Keeps rows of tokens, spread evenly over all, at most `limit`: where there are more, every second one goes, again and again. */
export function batchRows(limit: number): Collector<BatchRows> {
  let kept: Row[] = [];
  let stride = 1;
  let seen = 0;
  return {
    add({ data, rows, columns, weights }) {
      let [low, high] = [0, 0];
      for (let i = 0; i < data.length; i++) {
        if (data[i]! < low) low = data[i]!;
        if (data[i]! > high) high = data[i]!;
      }
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        if (seen++ % stride === 0) kept.push({ values: data.slice(row * columns, (row + 1) * columns), low, high });
        if (kept.length <= limit) continue;
        kept = kept.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    },
    done() {
      const columns = kept[0]?.values.length ?? 0;
      const data = new Float32Array(kept.length * columns);
      kept.forEach(({ values }, i) => data.set(values, i * columns));
      return { columns, data, low: Float32Array.from(kept, (r) => r.low), high: Float32Array.from(kept, (r) => r.high) };
    },
  };
}
