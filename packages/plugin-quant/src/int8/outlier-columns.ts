import type { Collector } from '@onnxpress/core';
import type { Columns } from './columns.ts';

export interface OutlierOptions {
  /** |x| from which a number is an outlier. */
  readonly threshold: number;
  /** Part of the tokens that must have an outlier in a column. */
  readonly share: number;
  /** Part of the columns that may be outliers, at least one column. */
  readonly most: number;
}

export interface OutlierColumns {
  readonly columns: Columns;
  /** Columns that would be outliers, but are more than `most` allows. */
  readonly beyond: number;
  /** Tokens that the columns were chosen on. */
  readonly tokens: number;
  /** Of the outliers in tokens that were not chosen on, the part that lies in the columns; 1 where there are none. Undefined where there are no such tokens. */
  readonly coverage: number | undefined;
}

/** One batch of so many is left out of the choice, to see what it covers. */
const EVERY = 4;

/** Whether a batch is one that coverage is measured on: every fourth, or the last where there are fewer. */
const isLater = (sample: number, samples: number): boolean => (samples < EVERY ? samples > 1 && sample === samples - 1 : sample % EVERY === EVERY - 1);

/**
 * Finds the columns of an activation that hold outliers (Dettmers et al., arXiv 2208.07339), over tokens without padding: those with an outlier in a share of the
 * tokens of three batches of four; where they are too many, those in the most tokens. The fourth batch tells what the columns cover.
 */
export function outlierColumns(samples: number, { threshold, share, most }: OutlierOptions): Collector<OutlierColumns> {
  let [chosenOn, later] = [new Float64Array(0), new Float64Array(0)];
  let [tokens, laterTokens] = [0, 0];
  return {
    add({ sample, data, rows, columns, weights }) {
      if (chosenOn.length === 0) [chosenOn, later] = [new Float64Array(columns), new Float64Array(columns)];
      const counts = isLater(sample, samples) ? later : chosenOn;
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        if (counts === later) laterTokens++;
        else tokens++;
        for (let j = 0, at = row * columns; j < columns; j++, at++) if (Math.abs(data[at]!) >= threshold) counts[j]!++;
      }
    },
    done() {
      const found = [...chosenOn.keys()].filter((j) => chosenOn[j]! > 0 && chosenOn[j]! >= share * tokens).sort((a, b) => chosenOn[b]! - chosenOn[a]! || a - b);
      const kept = found.slice(0, Math.max(1, Math.floor(most * chosenOn.length))).sort((a, b) => a - b);
      const all = later.reduce((sum, count) => sum + count, 0);
      const covered = kept.reduce((sum, j) => sum + later[j]!, 0);
      return { columns: kept, beyond: found.length - kept.length, tokens, coverage: laterTokens === 0 ? undefined : all === 0 ? 1 : covered / all };
    },
  };
}
