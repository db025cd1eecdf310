/** Numbers in [-1, 1) from a seed: a linear congruential generator, the same on every machine. */
export function uniform(length: number, seed: number, scale = 1): Float32Array {
  const out = new Float32Array(length);
  let state = seed | 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    out[i] = (state / 2 ** 31) * scale;
  }
  return out;
}

/** Rows whose neighbouring columns resemble each other, as activations do. */
export function correlated(rows: number, columns: number, seed: number): Float32Array {
  const x = uniform(rows * columns, seed);
  for (let r = 0; r < rows; r++) for (let j = 1; j < columns; j++) x[r * columns + j] = 0.7 * x[r * columns + j - 1]! + 0.7 * x[r * columns + j]!;
  return x;
}
