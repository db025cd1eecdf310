import type { Collector } from '@onnxpress/core';

/** Mean x² of each column over the rows that count, in float64. */
export function meanSquares(): Collector<Float64Array> {
  let sums = new Float64Array(0);
  let count = 0;
  return {
    add({ data, rows, columns, weights }) {
      if (sums.length === 0) sums = new Float64Array(columns);
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        count++;
        for (let j = 0, i = row * columns; j < columns; j++, i++) sums[j]! += data[i]! * data[i]!;
      }
    },
    done: () => sums.map((sum) => sum / Math.max(1, count)),
  };
}
