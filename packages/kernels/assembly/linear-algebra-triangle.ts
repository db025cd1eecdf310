import { f32At, transposed4 } from './simd';

/**
 * Factors the lower triangle of A [n, n] in place, A = L L^T, and writes L^-1 with zeros above its diagonal to `inverse` [n, n]. Storage is float32; sums
 * are float64. `scratch` holds n float64. Returns 0, or the number of the first row whose pivot is not positive, from 1.
 */
export function choleskyInverse(n: u32, a: usize, strideA: u32, inverse: usize, strideInverse: u32, scratch: usize): u32 {
  for (let j: u32 = 0; j < n; j++) {
    const row = a + (<usize>j * strideA << 2);
    for (let i: u32 = 0; i < j; i++) {
      const other = a + (<usize>i * strideA << 2);
      store<f32>(f32At(row, i), <f32>((<f64>load<f32>(f32At(row, i)) - dot(row, other, i)) / <f64>load<f32>(f32At(other, i))));
    }
    const pivot = <f64>load<f32>(f32At(row, j)) - dot(row, row, j);
    if (!(pivot > 0 && pivot < Infinity)) return j + 1;
    store<f32>(f32At(row, j), <f32>Math.sqrt(pivot));
  }
  for (let i: u32 = 0; i < n; i++) {
    const row = a + (<usize>i * strideA << 2), to = inverse + (<usize>i * strideInverse << 2), reciprocal = 1.0 / <f64>load<f32>(f32At(row, i));
    memory.fill(scratch, 0, <usize>i << 3);
    for (let j: u32 = 0; j < i; j++) addScaled(scratch, inverse + (<usize>j * strideInverse << 2), j + 1, <f64>load<f32>(f32At(row, j)));
    memory.fill(to, 0, <usize>n << 2);
    for (let j: u32 = 0; j < i; j++) store<f32>(f32At(to, j), <f32>(-reciprocal * load<f64>(scratch + (<usize>j << 3))));
    store<f32>(f32At(to, i), <f32>reciprocal);
  }
  return 0;
}

@inline function lowPair(v: v128): v128 { return f64x2.promote_low_f32x4(v); }
@inline function highPair(v: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 0)); }

function dot(p: usize, q: usize, count: u32): f64 {
  let even = f64x2.splat(0), odd = even;
  const full = f32At(p, count & ~3);
  for (; p < full; p += 16, q += 16) {
    const x = v128.load(p), y = v128.load(q);
    even = f64x2.add(even, f64x2.mul(lowPair(x), lowPair(y))); odd = f64x2.add(odd, f64x2.mul(highPair(x), highPair(y)));
  }
  even = f64x2.add(even, odd);
  let sum = f64x2.extract_lane(even, 0) + f64x2.extract_lane(even, 1);
  for (let i: u32 = 0; i < (count & 3); i++) sum += <f64>load<f32>(f32At(p, i)) * <f64>load<f32>(f32At(q, i));
  return sum;
}

/** sums += factor * row, where the sums are float64. */
@inline function addScaled(sums: usize, row: usize, count: u32, factor: f64): void {
  const both = f64x2.splat(factor), full = f32At(row, count & ~3);
  for (; row < full; row += 16, sums += 32) {
    const x = v128.load(row);
    v128.store(sums, f64x2.add(v128.load(sums), f64x2.mul(both, lowPair(x)))); v128.store(sums, f64x2.add(v128.load(sums, 16), f64x2.mul(both, highPair(x))), 16);
  }
  for (let i: u32 = 0; i < (count & 3); i++, row += 4, sums += 8) store<f64>(sums, load<f64>(sums) + factor * <f64>load<f32>(row));
}

/** Copies one triangle of A [n, n] over the other: the lower one, or where `upper` is set the upper one. Only rows [from, to) of the source, for sharing work. */
export function mirror(a: usize, n: u32, upper: u32, from: u32, to: u32): void {
  const step = <usize>n << 2;
  for (let i = from; i < to; i += 32) {
    const rows = min(i + 32, to);
    const first: u32 = upper ? i : 0, last = upper ? n : rows;
    for (let j = first; j < last; j += 32) mirrorTile(a, step, i, rows, j, min(j + 32, last), upper);
  }
}

function mirrorTile(a: usize, step: usize, i0: u32, i1: u32, j0: u32, j1: u32, upper: u32): void {
  const whole = upper ? j0 >= i1 : j1 <= i0; // no element of the diagonal
  if (!whole || i1 - i0 < 32 || j1 - j0 < 32) {
    for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) if (upper ? j > i : j < i) store<f32>(a + step * j + (i << 2), load<f32>(a + step * i + (j << 2)));
    return;
  }
  for (let i = i0; i < i1; i += 4) for (let j = j0; j < j1; j += 4) {
    const p = a + step * i + (j << 2), q = a + step * j + (i << 2);
    const x = v128.load(p), y = v128.load(p + step), z = v128.load(p + step * 2), t = v128.load(p + step * 3);
    v128.store(q, transposed4(x, y, z, t, 0)); v128.store(q + step, transposed4(x, y, z, t, 1)); v128.store(q + step * 2, transposed4(x, y, z, t, 2)); v128.store(q + step * 3, transposed4(x, y, z, t, 3));
  }
}

/** Reverses `count` values in place: of a square matrix, that turns both axes. */
export function reverse(a: usize, count: u32): void {
  let low = a, high = f32At(a, count);
  for (; low + 32 <= high; low += 16) {
    high -= 16;
    const x = v128.load(low), y = v128.load(high);
    v128.store(low, v128.shuffle<i32>(y, y, 3, 2, 1, 0)); v128.store(high, v128.shuffle<i32>(x, x, 3, 2, 1, 0));
  }
  for (; low + 8 <= high; low += 4) {
    high -= 4;
    const x = load<f32>(low);
    store<f32>(low, load<f32>(high)); store<f32>(high, x);
  }
}
