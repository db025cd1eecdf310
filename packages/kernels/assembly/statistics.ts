import { f32At, INFINITY_BITS, largest, largestInteger, magnitude, MAGNITUDE, smallest } from './simd';

const NAN_BITS: u32 = 0x7fc00000;

/** Smallest, largest and largest magnitude of each row. NaN in a row makes all three NaN. */
export function rangesOfRows(w: usize, rows: u32, columns: u32, minima: usize, maxima: usize, magnitudes: usize): void {
  for (let r: u32 = 0; r < rows; r++) {
    let p = f32At(w, 0) + (<usize>r * columns << 2);
    const end = f32At(p, columns);
    let low0 = v128.load32_splat(p), low1 = low0, low2 = low0, low3 = low0, high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    let bits0 = magnitude(low0), bits1 = bits0;
    for (; p + 64 <= end; p += 64) {
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
      low0 = f32x4.pmin(low0, a); high0 = f32x4.pmax(high0, a); low1 = f32x4.pmin(low1, b); high1 = f32x4.pmax(high1, b);
      low2 = f32x4.pmin(low2, c); high2 = f32x4.pmax(high2, c); low3 = f32x4.pmin(low3, d); high3 = f32x4.pmax(high3, d);
      bits0 = i32x4.max_s(bits0, i32x4.max_s(magnitude(a), magnitude(b)));
      bits1 = i32x4.max_s(bits1, i32x4.max_s(magnitude(c), magnitude(d)));
    }
    for (; p < end; p += 4) {
      const a = v128.load32_splat(p);
      low0 = f32x4.pmin(low0, a); high0 = f32x4.pmax(high0, a); bits0 = i32x4.max_s(bits0, magnitude(a));
    }
    const bits = largestInteger(i32x4.max_s(bits0, bits1));
    if (bits > INFINITY_BITS) {
      store<u32>(f32At(minima, r), NAN_BITS); store<u32>(f32At(maxima, r), NAN_BITS); store<u32>(f32At(magnitudes, r), NAN_BITS);
      continue;
    }
    store<f32>(f32At(minima, r), smallest(f32x4.pmin(f32x4.pmin(low0, low1), f32x4.pmin(low2, low3))));
    store<f32>(f32At(maxima, r), largest(f32x4.pmax(f32x4.pmax(high0, high1), f32x4.pmax(high2, high3))));
    store<i32>(f32At(magnitudes, r), bits);
  }
}

/** The same of each column; folds into what minima, maxima and magnitudes hold, or starts anew from the first row. */
export function rangesOfColumns(w: usize, rows: u32, columns: u32, start: bool, minima: usize, maxima: usize, magnitudes: usize): void {
  const stride = <usize>columns << 2;
  if (start) {
    memory.copy(minima, w, stride); memory.copy(maxima, w, stride);
    for (let c: usize = 0; c < stride; c += 4) store<i32>(magnitudes + c, load<i32>(w + c) & MAGNITUDE);
  }
  for (let r: u32 = 0; r < rows; r += 8) {
    const top = w + stride * r, panel = min<u32>(8, rows - r);
    let c: usize = 0;
    for (; c + 16 <= stride; c += 16) {
      let low = v128.load(minima + c), high = v128.load(maxima + c), bits = v128.load(magnitudes + c), p = top + c;
      for (let i: u32 = 0; i < panel; i++, p += stride) {
        const x = v128.load(p);
        low = f32x4.pmin(low, x); high = f32x4.pmax(high, x); bits = i32x4.max_s(bits, magnitude(x));
      }
      v128.store(minima + c, low); v128.store(maxima + c, high); v128.store(magnitudes + c, bits);
    }
    for (; c < stride; c += 4) {
      let low = load<f32>(minima + c), high = load<f32>(maxima + c), bits = load<i32>(magnitudes + c), p = top + c;
      for (let i: u32 = 0; i < panel; i++, p += stride) {
        const x = load<f32>(p);
        low = x < low ? x : low; high = high < x ? x : high; bits = max(bits, load<i32>(p) & MAGNITUDE);
      }
      store<f32>(minima + c, low); store<f32>(maxima + c, high); store<i32>(magnitudes + c, bits);
    }
  }
  for (let c: usize = 0; c < stride; c += 4) {
    if (load<i32>(magnitudes + c) <= INFINITY_BITS) continue;
    store<u32>(minima + c, NAN_BITS); store<u32>(maxima + c, NAN_BITS); store<u32>(magnitudes + c, NAN_BITS);
  }
}

/** The index of the first NaN or infinity, or -1. */
export function firstNonFinite(w: usize, count: u32): i32 {
  const end = f32At(w, count), limit = i32x4.splat(INFINITY_BITS - 1);
  let p = w;
  for (; p + 64 <= end; p += 64) {
    const ab = i32x4.max_s(magnitude(v128.load(p)), magnitude(v128.load(p, 16)));
    const cd = i32x4.max_s(magnitude(v128.load(p, 32)), magnitude(v128.load(p, 48)));
    if (v128.any_true(i32x4.gt_s(i32x4.max_s(ab, cd), limit))) break;
  }
  for (; p < end; p += 4) if ((load<i32>(p) & MAGNITUDE) >= INFINITY_BITS) return <i32>((p - w) >> 2);
  return -1;
}

/** Adds to `counts` how many values fall into each of `bins` equal steps from `from`; what lies outside counts at the ends. `scratch` holds 4 * bins counters of zero, and does again afterwards. */
export function histogram(w: usize, count: u32, absolute: bool, from: f32, binsPerUnit: f32, bins: u32, counts: usize, scratch: usize): void {
  const keep = i32x4.splat(absolute ? MAGNITUDE : -1), origin = f32x4.splat(from), perUnit = f32x4.splat(binsPerUnit), last = i32x4.splat(bins - 1), zero = i32x4.splat(0);
  const table1 = f32At(scratch, bins), table2 = f32At(table1, bins), table3 = f32At(table2, bins), end = f32At(w, count & ~3);
  for (let p = w; p < end; p += 16) {
    const x = bin(v128.load(p), keep, origin, perUnit, last, zero);
    // Four tables: neighbours often fall into one bin, and an increment must not wait for the one before.
    increment(f32At(scratch, i32x4.extract_lane(x, 0))); increment(f32At(table1, i32x4.extract_lane(x, 1)));
    increment(f32At(table2, i32x4.extract_lane(x, 2))); increment(f32At(table3, i32x4.extract_lane(x, 3)));
  }
  for (let i: u32 = 0; i < (count & 3); i++) increment(f32At(scratch, i32x4.extract_lane(bin(v128.load32_splat(f32At(end, i)), keep, origin, perUnit, last, zero), 0)));
  for (let i: u32 = 0; i < bins; i++) {
    const o = f32At(0, i);
    store<u32>(counts + o, load<u32>(counts + o) + load<u32>(scratch + o) + load<u32>(table1 + o) + load<u32>(table2 + o) + load<u32>(table3 + o));
  }
  memory.fill(scratch, 0, <usize>bins << 4);
}

@inline function bin(x: v128, keep: v128, origin: v128, perUnit: v128, last: v128, zero: v128): v128 {
  const step = f32x4.mul(f32x4.sub(v128.and(x, keep), origin), perUnit);
  return i32x4.max_s(i32x4.min_s(i32x4.trunc_sat_f32x4_s(step), last), zero);
}

@inline function increment(p: usize): void { store<u32>(p, load<u32>(p) + 1); }
