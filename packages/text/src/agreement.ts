import { requirePositive } from './error.ts';

/**
 * The share of their first `k` documents that two rankings have in common, in any order: recall@k of one as judged by the other.
 * Rankings shorter than `k` are compared over the length of the longer one; two empty rankings agree.
 */
export function overlap(a: readonly string[], b: readonly string[], k: number): number {
  requirePositive('The cutoff of overlap', k);
  const first = new Set(a.slice(0, k));
  const second = b.slice(0, k);
  const length = Math.max(first.size, second.length);
  return length === 0 ? 1 : second.filter((id) => first.has(id)).length / length;
}

/**
 * Kendall's tau (1938) over the documents that both rankings hold: 1 for the same order, -1 for the opposite one.
 * It says nothing of documents that only one of them holds, so look at `overlap` beside it.
 * Undefined if they share fewer than two documents, which leaves no pair to compare. O(n log n).
 */
export function kendallTau(a: readonly string[], b: readonly string[]): number | undefined {
  const places = new Map(b.map((id, place) => [id, place]));
  const shared = a.flatMap((id) => places.get(id) ?? []);
  if (shared.length < 2) return undefined;
  const pairs = (shared.length * (shared.length - 1)) / 2;
  return 1 - (2 * countInversions(shared)) / pairs;
}

/** How many pairs stand in descending order, counted while merge-sorting a copy. */
function countInversions(places: readonly number[]): number {
  let from = [...places];
  let into = new Array<number>(from.length);
  let inversions = 0;
  for (let width = 1; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) inversions += merge(from, into, start, width);
    [from, into] = [into, from];
  }
  return inversions;
}

/** Merges two sorted runs of `width` at `start`, and counts the pairs that it puts right. */
function merge(from: readonly number[], into: number[], start: number, width: number): number {
  const middle = Math.min(start + width, from.length);
  const end = Math.min(start + 2 * width, from.length);
  let inversions = 0;
  let [left, right] = [start, middle];
  for (let at = start; at < end; at++) {
    if (left < middle && (right >= end || from[left]! <= from[right]!)) {
      into[at] = from[left++]!;
    } else {
      inversions += middle - left;
      into[at] = from[right++]!;
    }
  }
  return inversions;
}
