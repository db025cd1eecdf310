import type { Collector } from '@onnxpress/core';
import type { Seen } from './calibrator.ts';
import { Histogram, SENTINEL } from './histogram.ts';

export interface SeenSize extends Seen {
  /** Elements of one sample, in the mean. */
  readonly elements: number;
}

/** The size of an activation, and nothing else. */
export function sizes(): Collector<SeenSize> {
  let [elements, samples] = [0, 0];
  return {
    allowsInfinity: true,
    add({ data }) {
      elements += data.length;
      samples++;
    },
    done: () => ({ histogram: new Histogram(0), average: { low: 0, high: 0 }, elements: elements / Math.max(1, samples) }),
  };
}

/** The histogram of an activation, its range per sample, and its size. */
export function histograms(): Collector<SeenSize> {
  const histogram = new Histogram();
  let [low, high, samples, elements] = [0, 0, 0, 0];
  return {
    allowsInfinity: true,
    add({ data, columns, weights }) {
      const [min, max] = histogram.add(data, columns, weights);
      elements += data.length;
      if (min <= max) [low, high, samples] = [low + min, high + max, samples + 1];
    },
    done: () => ({ histogram, average: { low: low / Math.max(1, samples), high: high / Math.max(1, samples) }, elements: elements / Math.max(1, samples) }),
  };
}

/** The mean of each channel along an axis, in float64; padded rows and marks of masks are left out. */
export function channelMeans(axis: number): Collector<Float64Array> {
  let sums = new Float64Array();
  let counts = new Float64Array();
  return {
    allowsInfinity: true,
    add({ data, dims, columns, weights }) {
      const at = axis < 0 ? dims.length + axis : axis;
      const channels = dims[at] ?? 1;
      const inner = dims.slice(at + 1).reduce((a, b) => a * b, 1);
      if (sums.length === 0) [sums, counts] = [new Float64Array(channels), new Float64Array(channels)];
      if (inner === 1) {
        for (let start = 0; start < data.length; start += channels) {
          if (weights?.[Math.floor(start / columns)] === 0) continue;
          for (let c = 0; c < channels; c++) {
            const v = data[start + c]!;
            if (!(Math.abs(v) < SENTINEL)) continue;
            sums[c]! += v;
            counts[c]!++;
          }
        }
        return;
      }
      for (let start = 0, block = 0; start < data.length; start += inner, block++) {
        let [sum, count] = [0, 0];
        for (let i = start; i < start + inner; i++) if (Math.abs(data[i]!) < SENTINEL) [sum, count] = [sum + data[i]!, count + 1];
        sums[block % channels]! += sum;
        counts[block % channels]! += count;
      }
    },
    done: () => sums.map((s, c) => s / Math.max(1, counts[c]!)),
  };
}

/** The sum of squares, over the rows that count; marks of masks are left out. */
export function energy(): Collector<number> {
  let sum = 0;
  return {
    allowsInfinity: true,
    add({ data, rows, columns, weights }) {
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        for (let i = row * columns, end = i + columns; i < end; i++) if (Math.abs(data[i]!) < SENTINEL) sum += data[i]! * data[i]!;
      }
    },
    done: () => sum,
  };
}
