import { expOfNegative as exp } from './exponential.ts';

/** Logits of one text: [positions, vocabulary], row by row. */
export interface Logits {
  readonly data: Float32Array;
  readonly vocabulary: number;
}

/** What two models say about the tokens that follow. */
export interface Predictions {
  readonly count: number;
  /** Mean negative log-likelihood of the tokens that did follow, in nats. */
  readonly original: number;
  readonly result: number;
  /** Mean over positions of KL(original || result), in nats, over the whole vocabulary. */
  readonly kl: number;
  /** Share of positions where both find the same token likeliest; the first of equals counts. */
  readonly top1: number;
}

/** Compares what two models say at the positions from `from` on, except the last, where nothing follows. `ids[i + 1]` follows position i. Sums in float64. */
export function comparePredictions(original: Logits, result: Logits, ids: ArrayLike<number | bigint>, from = 0): Predictions {
  const { vocabulary } = original;
  const [a, b] = [original.data, result.data];
  let [lossA, lossB, kl, same] = [0, 0, 0, 0];
  for (let position = from; position < ids.length - 1; position++) {
    const start = position * vocabulary;
    const [peakA, peakB] = [peakOf(a, start, vocabulary), peakOf(b, start, vocabulary)];
    const [maxA, maxB] = [a[peakA]!, b[peakB]!];
    let [sumA, sumB, apart] = [0, 0, 0];
    for (let at = start; at < start + vocabulary; at++) {
      const [x, y] = [a[at]!, b[at]!];
      const weight = exp(x - maxA);
      sumA += weight;
      if (weight > 0 && x !== y) apart += weight * (x - y);
      sumB += exp(y - maxB);
    }
    const [logA, logB] = [maxA + Math.log(sumA), maxB + Math.log(sumB)];
    const next = start + Number(ids[position + 1]!);
    lossA += logA - a[next]!;
    lossB += logB - b[next]!;
    kl += apart / sumA - (logA - logB);
    if (peakA === peakB) same++;
  }
  const count = Math.max(0, ids.length - 1 - from);
  // Rounding may leave a divergence of nothing a hair below it.
  return { count, original: lossA / count, result: lossB / count, kl: Math.max(0, kl / count), top1: same / count };
}

function peakOf(data: Float32Array, start: number, count: number): number {
  let place = start;
  let max = data[start]!;
  for (let at = start + 1; at < start + count; at++) {
    if (data[at]! > max) {
      max = data[at]!;
      place = at;
    }
  }
  return place;
}
