/**
 * The first `depth` of the numbers 0 … count - 1 in the order of `compare` (negative: the first argument comes earlier).
 * Keeps no more than `depth` of them: O(count · log depth). `compare` must be a total order without ties.
 */
export function best(count: number, depth: number, compare: (a: number, b: number) => number): number[] {
  const size = Math.min(count, depth);
  // A heap with the last of the kept at its root, so that a newcomer is compared with that one only.
  const kept = Array.from({ length: size }, (_, index) => index);
  for (let at = Math.floor(size / 2) - 1; at >= 0; at--) sink(kept, at, compare);
  for (let index = size; index < count; index++) {
    if (compare(index, kept[0]!) >= 0) continue;
    kept[0] = index;
    sink(kept, 0, compare);
  }
  return kept.sort(compare);
}

function sink(heap: number[], from: number, compare: (a: number, b: number) => number): void {
  let at = from;
  for (let child = lastChild(heap, at, compare); child !== undefined; child = lastChild(heap, at, compare)) {
    if (compare(heap[at]!, heap[child]!) >= 0) return;
    [heap[at], heap[child]] = [heap[child]!, heap[at]!];
    at = child;
  }
}

/** Of an entry's two children the one that comes later; undefined for a leaf. */
function lastChild(heap: readonly number[], at: number, compare: (a: number, b: number) => number): number | undefined {
  const [left, right] = [2 * at + 1, 2 * at + 2];
  if (left >= heap.length) return undefined;
  return right < heap.length && compare(heap[right]!, heap[left]!) > 0 ? right : left;
}
