/** Smallest value, largest value, largest magnitude; NaN where there is NaN. */
export function rangeOf(values: readonly number[]): { readonly min: number; readonly max: number; readonly absMax: number } {
  return { min: Math.min(...values), max: Math.max(...values), absMax: Math.max(...values.map(Math.abs)) };
}

/** The rows of a row-major matrix, or its columns. */
export function groupsOf(w: Float32Array, rows: number, columns: number, per: 'row' | 'column'): number[][] {
  if (per === 'row') return Array.from({ length: rows }, (_, r) => [...w.subarray(r * columns, (r + 1) * columns)]);
  return Array.from({ length: columns }, (_, c) => Array.from({ length: rows }, (_, r) => w[r * columns + c]!));
}

export function histogram(w: Float32Array, bins: number, from: number, to: number, absolute: boolean): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  const perUnit = Math.fround(bins / (Math.fround(to) - Math.fround(from)));
  for (const value of w) {
    const step = Math.fround(Math.fround((absolute ? Math.abs(value) : value) - Math.fround(from)) * perUnit);
    counts[Math.min(Math.max(Math.trunc(step), 0), bins - 1)]!++;
  }
  return counts;
}
