/** The k-th smallest magnitude, k from 1, by sorting. */
export function kthMagnitude(w: Float32Array, k: number): { magnitude: number; below: number; equal: number } {
  const sorted = w.map(Math.abs).sort();
  const magnitude = sorted[k - 1]!;
  return { magnitude, below: sorted.findIndex((x) => Object.is(x, magnitude)), equal: sorted.filter((x) => Object.is(x, magnitude)).length };
}

export function maskBelow(w: Float32Array, threshold: number, ties: number): Float32Array {
  let left = ties;
  return w.map((x) => {
    if (Math.abs(x) < threshold) return 0;
    return Math.abs(x) === threshold && left-- > 0 ? 0 : x;
  });
}

/** The n largest magnitudes of a group, of equal ones the first. */
export function keepLargest(group: readonly number[], n: number): number[] {
  const kept = group.map((_, i) => i).sort((i, j) => Math.abs(group[j]!) - Math.abs(group[i]!) || i - j).slice(0, n);
  return group.map((x, i) => (kept.includes(i) ? x : 0));
}

/** keepLargest of consecutive groups of m. */
export function keepNofM(line: readonly number[], n: number, m: number): number[] {
  return Array.from({ length: Math.ceil(line.length / m) }, (_, g) => keepLargest(line.slice(g * m, (g + 1) * m), n)).flat();
}
