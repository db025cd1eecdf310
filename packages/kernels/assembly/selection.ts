import { f32At, magnitude, MAGNITUDE, transposed4 } from './simd';

// Magnitudes of float32 order like their bits, read as integers: NaN above infinity above all numbers.

@inline function increment(p: usize): void { store<u32>(p, load<u32>(p) + 1); }

/** Adds to 32768 counters how many magnitudes have each value of their upper 15 bits. `scratch`: as many counters of zero, and zero again afterwards. */
export function countUpper(w: usize, count: u32, counts: usize, scratch: usize): void {
  const even = count & ~1;
  for (let i: u32 = 0; i < even; i += 2, w += 8) {
    const pair = load<u64>(w);
    increment(counts + <usize>((pair >> 14) & 0x1fffc)); increment(scratch + <usize>((pair >> 46) & 0x1fffc));
  }
  if (count & 1) increment(counts + ((load<u32>(w) >> 14) & 0x1fffc));
  for (let i: usize = 0; i < 131072; i += 16) { v128.store(counts + i, i32x4.add(v128.load(counts + i), v128.load(scratch + i))); v128.store(scratch + i, i32x4.splat(0)); }
}

/** Adds to 65536 counters how many magnitudes with these upper 15 bits have each value of their lower 16. */
export function countLower(w: usize, count: u32, upper: u32, counts: usize): void {
  const end = f32At(w, count), wanted = i32x4.splat(upper);
  for (; w + 16 <= end; w += 16) {
    if (v128.any_true(i32x4.eq(i32x4.shr_u(magnitude(v128.load(w)), 16), wanted))) for (let i: usize = 0; i < 16; i += 4) countOne(w + i, upper, counts);
  }
  for (; w < end; w += 4) countOne(w, upper, counts);
}

@inline function countOne(p: usize, upper: u32, counts: usize): void {
  const bits = load<u32>(p) & MAGNITUDE;
  if (bits >> 16 == upper) increment(f32At(counts, bits & 0xffff));
}

/**
 * Copies magnitudes of at least `low` and at most `high` (as bits) to `found`, while there is room for `room` of them, and gives how many magnitudes are
 * below `low` in `tally`, then how many were found. Gives false where there was no room.
 */
export function collectBetween(w: usize, count: u32, low: i32, high: i32, found: usize, room: u32, tally: usize): bool {
  const end = f32At(w, count), last = f32At(found, room), lows = i32x4.splat(low), highs = i32x4.splat(high);
  let below = i32x4.splat(0), to = found, smaller: u32 = 0;
  for (; w + 64 <= end; w += 64) {
    const a = magnitude(v128.load(w)), b = magnitude(v128.load(w, 16)), c = magnitude(v128.load(w, 32)), d = magnitude(v128.load(w, 48));
    const la = i32x4.gt_s(lows, a), lb = i32x4.gt_s(lows, b), lc = i32x4.gt_s(lows, c), ld = i32x4.gt_s(lows, d);
    below = i32x4.add(below, i32x4.add(i32x4.add(la, lb), i32x4.add(lc, ld)));
    const outside = v128.and(v128.and(v128.or(la, i32x4.gt_s(a, highs)), v128.or(lb, i32x4.gt_s(b, highs))), v128.and(v128.or(lc, i32x4.gt_s(c, highs)), v128.or(ld, i32x4.gt_s(d, highs))));
    if (i32x4.all_true(outside)) continue;
    if (to + 64 > last) return false;
    if (within(a, lows, highs)) to = collectFour(w, low, high, to);
    if (within(b, lows, highs)) to = collectFour(w + 16, low, high, to);
    if (within(c, lows, highs)) to = collectFour(w + 32, low, high, to);
    if (within(d, lows, highs)) to = collectFour(w + 48, low, high, to);
  }
  for (; w < end; w += 4) {
    if (to + 4 > last) return false;
    to = collectOne(w, low, high, to);
    if (<i32>(load<u32>(w) & MAGNITUDE) < low) smaller++;
  }
  smaller -= i32x4.extract_lane(below, 0) + i32x4.extract_lane(below, 1) + i32x4.extract_lane(below, 2) + i32x4.extract_lane(below, 3);
  store<u32>(tally, smaller); store<u32>(tally, <u32>((to - found) >> 2), 4);
  return true;
}

/** How many magnitudes are at least `low` and at most `high` (as bits). */
export function countBetween(w: usize, count: u32, low: i32, high: i32): u32 {
  const end = f32At(w, count), under = i32x4.splat(low - 1), over = i32x4.splat(high + 1);
  let inside = i32x4.splat(0);
  for (; w + 16 <= end; w += 16) {
    const bits = magnitude(v128.load(w));
    inside = i32x4.sub(inside, v128.and(i32x4.gt_s(bits, under), i32x4.gt_s(over, bits)));
  }
  let found: u32 = i32x4.extract_lane(inside, 0) + i32x4.extract_lane(inside, 1) + i32x4.extract_lane(inside, 2) + i32x4.extract_lane(inside, 3);
  for (; w < end; w += 4) { const bits = load<i32>(w) & MAGNITUDE; found += <u32>(bits >= low && bits <= high); }
  return found;
}

/** The index of the first magnitude that is at least `low` and at most `high` (as bits), or -1. */
export function firstBetween(w: usize, count: u32, low: i32, high: i32): i32 {
  const end = f32At(w, count), lows = i32x4.splat(low), highs = i32x4.splat(high);
  let p = w;
  while (p + 16 <= end && !within(magnitude(v128.load(p)), lows, highs)) p += 16;
  for (; p < end; p += 4) { const bits = load<i32>(p) & MAGNITUDE; if (bits >= low && bits <= high) return <i32>((p - w) >> 2); }
  return -1;
}

@inline function within(v: v128, lows: v128, highs: v128): bool { return !i32x4.all_true(v128.or(i32x4.gt_s(lows, v), i32x4.gt_s(v, highs))); }

@inline function collectFour(p: usize, low: i32, high: i32, to: usize): usize { return collectOne(p + 12, low, high, collectOne(p + 8, low, high, collectOne(p + 4, low, high, collectOne(p, low, high, to)))); }

/** Writes beyond what it keeps: there must be room for one more. */
@inline function collectOne(p: usize, low: i32, high: i32, to: usize): usize {
  const bits = <i32>(load<u32>(p) & MAGNITUDE);
  store<i32>(to, bits);
  return to + (<usize>(bits >= low && bits <= high) << 2);
}

/** Zeros what has a magnitude below the threshold (as bits), and the first `ties` values of exactly that magnitude. Gives how many of the ties it used. */
export function maskBelow(w: usize, count: u32, threshold: i32, ties: u32, out: usize): u32 {
  const end = f32At(w, count), limit = i32x4.splat(threshold), under = i32x4.splat(threshold - 1);
  let left = ties;
  for (; left && w < end; w += 4, out += 4) {
    const x = load<i32>(w), bits = x & MAGNITUDE, tie = bits == threshold;
    store<i32>(out, bits < threshold || tie ? 0 : x);
    if (tie) left--;
    // While no tie is near, four at a time.
    while (w + 20 <= end && !v128.any_true(i32x4.eq(magnitude(v128.load(w + 4)), limit))) {
      const v = v128.load(w + 4);
      v128.store(out + 4, v128.and(v, i32x4.gt_s(magnitude(v), under)));
      w += 16; out += 16;
    }
  }
  for (; w + 32 <= end; w += 32, out += 32) {
    const a = v128.load(w), b = v128.load(w, 16);
    v128.store(out, v128.and(a, i32x4.gt_s(magnitude(a), under))); v128.store(out, v128.and(b, i32x4.gt_s(magnitude(b), under)), 16);
  }
  for (; w < end; w += 4, out += 4) { const x = load<i32>(w); store<i32>(out, (x & MAGNITUDE) < threshold ? 0 : x); }
  return ties - left;
}

/** In each group of `m` neighbours of a row, keeps the `n` of largest magnitude and zeros the rest; of equal ones the first stay. The last group of a row may be shorter. */
export function keepInRows(w: usize, rows: u32, columns: u32, n: u32, m: u32, out: usize): void {
  if (m == 4 && columns % 4 == 0) return keepOfFour(w, rows * columns, n, out);
  for (let r: u32 = 0; r < rows; r++) for (let c: u32 = 0; c < columns; c += m) {
    const size = min(m, columns - c), p = w + ((<usize>r * columns + c) << 2), o = out + ((<usize>r * columns + c) << 2);
    keepInGroup(p, size, n, o, 4);
  }
}

@inline function rankOf(p: usize, index: u32, size: u32, stride: usize): u32 {
  const own = load<u32>(p + stride * index) & MAGNITUDE;
  let larger: u32 = 0;
  for (let j: u32 = 0; j < size; j++) {
    const other = load<u32>(p + stride * j) & MAGNITUDE;
    larger += <u32>(j < index ? other >= own : other > own);
  }
  return larger;
}

/** `out` differs from `p`, because ranks look at the whole group. */
@inline function keepInGroup(p: usize, size: u32, n: u32, out: usize, stride: usize): void {
  for (let i: u32 = 0; i < size; i++) store<u32>(out + stride * i, rankOf(p, i, size, stride) < n ? load<u32>(p + stride * i) : 0);
}

/** Which of the four (all ones) are among the `keep` largest; the comparisons that several of them need are made once by the optimizer. */
@inline function keptOfFour(a: v128, b: v128, c: v128, d: v128, which: i32, keep: v128): v128 {
  const ab = i32x4.gt_s(b, a), ac = i32x4.gt_s(c, a), ad = i32x4.gt_s(d, a), bc = i32x4.gt_s(c, b), bd = i32x4.gt_s(d, b), cd = i32x4.gt_s(d, c);
  // A rank counts what goes before. A comparison is -1 where the later one is larger: minus one for each such behind, and one less for each such in front.
  if (which == 0) return i32x4.gt_s(i32x4.add(keep, i32x4.add(ab, i32x4.add(ac, ad))), i32x4.splat(0));
  if (which == 1) return i32x4.gt_s(i32x4.add(keep, i32x4.add(bc, bd)), i32x4.add(i32x4.splat(1), ab));
  if (which == 2) return i32x4.gt_s(i32x4.add(keep, cd), i32x4.add(i32x4.splat(2), i32x4.add(ac, bc)));
  return i32x4.gt_s(keep, i32x4.add(i32x4.splat(3), i32x4.add(ad, i32x4.add(bd, cd))));
}

function keepOfFour(w: usize, count: u32, n: u32, out: usize): void {
  const end = f32At(w, count), keep = i32x4.splat(<i32>n);
  for (; w + 64 <= end; w += 64, out += 64) {
    const x = v128.load(w), y = v128.load(w, 16), z = v128.load(w, 32), t = v128.load(w, 48);
    // Four groups at once: lane g of a, b, c, d holds the elements 0 to 3 of group g.
    const a = magnitude(transposed4(x, y, z, t, 0)), b = magnitude(transposed4(x, y, z, t, 1)), c = magnitude(transposed4(x, y, z, t, 2)), d = magnitude(transposed4(x, y, z, t, 3));
    const ka = keptOfFour(a, b, c, d, 0, keep), kb = keptOfFour(a, b, c, d, 1, keep), kc = keptOfFour(a, b, c, d, 2, keep), kd = keptOfFour(a, b, c, d, 3, keep);
    v128.store(out, v128.and(x, transposed4(ka, kb, kc, kd, 0))); v128.store(out, v128.and(y, transposed4(ka, kb, kc, kd, 1)), 16);
    v128.store(out, v128.and(z, transposed4(ka, kb, kc, kd, 2)), 32); v128.store(out, v128.and(t, transposed4(ka, kb, kc, kd, 3)), 48);
  }
  for (; w < end; w += 16, out += 16) keepInGroup(w, 4, n, out, 4);
}

/** The same with groups that run down the columns. */
export function keepInColumns(w: usize, rows: u32, columns: u32, n: u32, m: u32, out: usize): void {
  const stride = <usize>columns << 2, keep = i32x4.splat(<i32>n);
  for (let r: u32 = 0; r < rows; r += m) {
    const size = min(m, rows - r), top = w + stride * r, to = out + stride * r;
    let c: usize = 0;
    if (size == 4) for (; c + 16 <= stride; c += 16) {
      const p = top + c, o = to + c, x = v128.load(p), y = v128.load(p + stride), z = v128.load(p + stride * 2), t = v128.load(p + stride * 3);
      const a = magnitude(x), b = magnitude(y), e = magnitude(z), f = magnitude(t);
      v128.store(o, v128.and(x, keptOfFour(a, b, e, f, 0, keep))); v128.store(o + stride, v128.and(y, keptOfFour(a, b, e, f, 1, keep)));
      v128.store(o + stride * 2, v128.and(z, keptOfFour(a, b, e, f, 2, keep))); v128.store(o + stride * 3, v128.and(t, keptOfFour(a, b, e, f, 3, keep)));
    }
    for (; c + 16 <= stride; c += 16) for (let i: u32 = 0; i < size; i++) {
      const x = v128.load(top + c + stride * i), own = magnitude(x);
      let before = i32x4.splat(0); // minus the rank
      for (let j: u32 = 0; j < i; j++) before = i32x4.add(before, i32x4.ge_s(magnitude(v128.load(top + c + stride * j)), own));
      for (let j = i + 1; j < size; j++) before = i32x4.add(before, i32x4.gt_s(magnitude(v128.load(top + c + stride * j)), own));
      v128.store(to + c + stride * i, v128.and(x, i32x4.gt_s(i32x4.add(keep, before), i32x4.splat(0))));
    }
    for (; c < stride; c += 4) keepInGroup(top + c, size, n, to + c, stride);
  }
}
