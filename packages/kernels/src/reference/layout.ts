export function transpose(w: ArrayLike<number>, rows: number, columns: number): number[] {
  return Array.from({ length: rows * columns }, (_, i) => w[(i % rows) * columns + Math.floor(i / rows)]!);
}

export function scaleRows(w: Float32Array, columns: number, factors: Float32Array): Float32Array {
  return w.map((x, i) => x * factors[Math.floor(i / columns)]!);
}

export function scaleColumns(w: Float32Array, columns: number, factors: Float32Array): Float32Array {
  return w.map((x, i) => x * factors[i % columns]!);
}
