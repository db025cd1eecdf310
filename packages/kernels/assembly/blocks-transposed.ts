import { ASYMMETRIC, ceilDiv, FINE, GIVEN, gridScale, gridZero, HALF_SCALES, hasInfinity, kindOf, loadZero, lowestCode, NON_FINITE, scaleAt, storeZero, TOO_LARGE } from './grid';
import { bytesUnsigned, INFINITY_BITS, magnitude, quantized, ROUND_BITS, transposed4 } from './simd';

// A block runs down a column of the [k, n] matrix. For each block row, a strip of columns is copied next to each other (so that what follows
// hits the first-level cache whatever n is), ranges are taken down the strip, then four columns at a time are quantized and packed.

/** Bytes and columns of a strip, at most; but at least 16 columns, however long the block. */
const STRIP: usize = 32768, WIDEST: u32 = 256;

// The scratch: scales and zero points of the strip's columns, then the strip.
@inline function scalesOf(scratch: usize): usize { return scratch; }
@inline function zerosOf(scratch: usize): usize { return scratch + (WIDEST << 2); }
@inline function stripOf(scratch: usize): usize { return scratch + (WIDEST << 3); }

/** Bytes of scratch that blocksTransposed wants. */
export function blocksTransposedScratch(block: u32): u32 { return (WIDEST << 3) + <u32>max<usize>(STRIP, <usize>block << 6); }

/**
 * Quantizes columns [from, to) of a [k, n] matrix into the [n, k] layout of MatMulNBits: codes [n, blocks, block * bits / 8], scales [n, blocks],
 * zero points packed per row. The outputs begin with column `from`, and the matrix may be a piece of a taller one: it is block `first` and those after
 * it, of `blocks` in all. With GIVEN the scales and zero points are read instead. Returns NON_FINITE where a value is NaN or infinity, TOO_LARGE where a scale
 * is beyond float16, else FINE.
 */
export function blocksTransposed(w: usize, k: u32, n: u32, from: u32, to: u32, block: u32, bits: u32, mode: u32, first: u32, blocks: u32, codes: usize, scales: usize, zeros: usize, scratch: usize): u32 {
  const width = max<u32>(min<u32>(<u32>((STRIP >> 2) / block) & ~15, WIDEST), 16);
  for (let column = from; column < to; column += width) {
    const strip = min(to - column, width), done = column - from;
    let bad: u32;
    if (bits == 4) bad = strips(w, k, n, column, strip, done, block, 4, mode, first, blocks, codes, scales, zeros, scratch);
    else if (bits == 8) bad = strips(w, k, n, column, strip, done, block, 8, mode, first, blocks, codes, scales, zeros, scratch);
    else bad = strips(w, k, n, column, strip, done, block, 2, mode, first, blocks, codes, scales, zeros, scratch);
    if (bad) return bad;
  }
  return FINE;
}

@inline function strips(w: usize, k: u32, n: u32, column: u32, strip: u32, done: u32, block: u32, bits: u32, mode: u32, start: u32, blocks: u32, codes: usize, scales: usize, zeros: usize, scratch: usize): u32 {
  const own = ceilDiv(k, block), zeroBytes = ceilDiv(blocks * bits, 8), row = <usize>((strip + 15) & ~15) << 2, codeBytes = block * bits >> 3, stride = <usize>n << 2;
  for (let i: u32 = 0; i < own; i++) {
    const first = i * block, b = start + i, rows = min(block, k - first);
    // Rows beyond the matrix and columns beyond the strip are zeros, which are within every range.
    memory.fill(stripOf(scratch) + row * rows, 0, row * (block - rows));
    for (let c: usize = 0; c < row; c += 64) {
      const from = w + <usize>first * stride + (<usize>column << 2) + c, to = stripOf(scratch) + c;
      let bad: bool;
      if (c + 64 <= <usize>strip << 2) bad = takeSixteen(from, stride, rows, row, to, scratch + c, mode, bits);
      else {
        for (let r: u32 = 0; r < rows; r++) copyPadded(from + stride * r, strip - <u32>(c >> 2), to + row * r);
        bad = takeSixteen(to, row, rows, row, to, scratch + c, mode, bits);
      }
      if (bad) return NON_FINITE;
    }
    if (mode & GIVEN) takeGrids(scratch, strip, done, b, bits, mode, blocks, scales, zeros);
    else for (let c: u32 = 0; c < strip; c++) {
      const scale = load<f32>(scalesOf(scratch) + (<usize>c << 2));
      if (mode & HALF_SCALES && hasInfinity(f32x4.splat(scale))) return TOO_LARGE;
      store<f32>(scaleAt(scales, done + c, blocks, b), scale);
      if (kindOf(mode) == ASYMMETRIC) storeZero(zeros + <usize>(done + c) * zeroBytes, b, bits, <u32>load<i32>(zerosOf(scratch) + (<usize>c << 2)));
    }
    for (let c: u32 = 0; c < strip; c += 4) encodeFour(scratch, row, c, min<u32>(4, strip - c), block, bits, mode, codes + (<usize>(done + c) * blocks + b) * codeBytes, <usize>blocks * codeBytes);
  }
  return FINE;
}

/** Given scales and zero points of one block of each column. */
function takeGrids(scratch: usize, strip: u32, done: u32, block: u32, bits: u32, mode: u32, blocks: u32, scales: usize, zeros: usize): void {
  const zeroBytes = ceilDiv(blocks * bits, 8);
  for (let c: u32 = 0; c < strip; c++) {
    const at = <usize>c << 2;
    store<f32>(scalesOf(scratch) + at, load<f32>(scaleAt(scales, done + c, blocks, block)));
    store<i32>(zerosOf(scratch) + at, kindOf(mode) == ASYMMETRIC ? loadZero(zeros + <usize>(done + c) * zeroBytes, block, bits) : 1 << (bits - 1));
  }
}

function copyPadded(from: usize, count: u32, to: usize): void {
  for (let i: u32 = 0; i < 16; i++) store<u32>(to + (i << 2), i < count ? load<u32>(from + (i << 2)) : 0);
}

/** Moves sixteen columns of one block into the strip and notes their scales and zero points. Gives true where a value is NaN or infinity. */
@inline function takeSixteen(from: usize, stride: usize, rows: u32, row: usize, to: usize, grids: usize, mode: u32, bits: u32): bool {
  const none = f32x4.splat(0);
  let low0 = none, low1 = none, low2 = none, low3 = none, high0 = none, high1 = none, high2 = none, high3 = none, sum0 = none, sum1 = none, p = from, q = to;
  for (let r: u32 = 0; r < rows; r++, p += stride, q += row) {
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
    low0 = f32x4.pmin(low0, a); high0 = f32x4.pmax(high0, a); low1 = f32x4.pmin(low1, b); high1 = f32x4.pmax(high1, b);
    low2 = f32x4.pmin(low2, c); high2 = f32x4.pmax(high2, c); low3 = f32x4.pmin(low3, d); high3 = f32x4.pmax(high3, d);
    sum0 = f32x4.add(sum0, f32x4.add(a, b)); sum1 = f32x4.add(sum1, f32x4.add(c, d));
    v128.store(q, a); v128.store(q, b, 16); v128.store(q, c, 32); v128.store(q, d, 48);
  }
  noteGrid(grids, low0, high0, mode, bits); noteGrid(grids + 16, low1, high1, mode, bits); noteGrid(grids + 32, low2, high2, mode, bits); noteGrid(grids + 48, low3, high3, mode, bits);
  // A sum of finite values can overflow, so it only raises the suspicion.
  return v128.any_true(i32x4.gt_s(magnitude(f32x4.add(sum0, sum1)), i32x4.splat(INFINITY_BITS - 1))) && hasNonFinite(to, row, rows);
}

@inline function noteGrid(grids: usize, low: v128, high: v128, mode: u32, bits: u32): void {
  const scale = gridScale(low, high, mode, bits);
  v128.store(scalesOf(grids), scale);
  v128.store(zerosOf(grids), i32x4.trunc_sat_f32x4_s(gridZero(low, scale, mode, bits)));
}

function hasNonFinite(p: usize, row: usize, rows: u32): bool {
  let most = i32x4.splat(0);
  for (let r: u32 = 0; r < rows; r++, p += row) for (let c: usize = 0; c < 64; c += 16) most = i32x4.max_s(most, magnitude(v128.load(p + c)));
  return v128.any_true(i32x4.gt_s(most, i32x4.splat(INFINITY_BITS - 1)));
}

/** Codes of four columns of one block. `stride`: from a column's codes to the next column's. */
@inline function encodeFour(scratch: usize, row: usize, column: u32, columns: u32, block: u32, bits: u32, mode: u32, codes: usize, stride: usize): void {
  const at = <usize>column << 2, scale = v128.load(scalesOf(scratch) + at), zero = v128.load(zerosOf(scratch) + at);
  const low = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(lowestCode(mode)), zero)), high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat((1 << bits) - 1), zero));
  const base = i32x4.sub(i32x4.splat(ROUND_BITS), zero), perWord = 32 / bits, step = row * perWord;
  let p = stripOf(scratch) + at, words = block / perWord;
  for (; words >= 4; words -= 4, p += step * 4, codes += 16) {
    const a = word(p, row, bits, scale, low, high, base), b = word(p + step, row, bits, scale, low, high, base), c = word(p + step * 2, row, bits, scale, low, high, base), d = word(p + step * 3, row, bits, scale, low, high, base);
    v128.store(codes, transposed4(a, b, c, d, 0));
    if (columns > 1) v128.store(codes + stride, transposed4(a, b, c, d, 1));
    if (columns > 2) v128.store(codes + stride * 2, transposed4(a, b, c, d, 2));
    if (columns > 3) v128.store(codes + stride * 3, transposed4(a, b, c, d, 3));
  }
  for (; words > 0; words--, p += step, codes += 4) {
    const a = word(p, row, bits, scale, low, high, base);
    v128.store32_lane(codes, a, 0);
    if (columns > 1) v128.store32_lane(codes + stride, a, 1);
    if (columns > 2) v128.store32_lane(codes + stride * 2, a, 2);
    if (columns > 3) v128.store32_lane(codes + stride * 3, a, 3);
  }
}

/** The next 32 / bits codes of four columns: one 32-bit lane for each. */
@inline function word(p: usize, row: usize, bits: u32, scale: v128, low: v128, high: v128, base: v128): v128 {
  let bytes = fourRows(p, row * (8 / bits), scale, low, high, base);
  if (bits == 4) bytes = v128.or(bytes, i16x8.shl(fourRows(p + row, row * 2, scale, low, high, base), 4));
  if (bits == 2) {
    bytes = v128.or(bytes, i16x8.shl(fourRows(p + row, row * 4, scale, low, high, base), 2));
    bytes = v128.or(bytes, i16x8.shl(fourRows(p + row * 2, row * 4, scale, low, high, base), 4));
    bytes = v128.or(bytes, i16x8.shl(fourRows(p + row * 3, row * 4, scale, low, high, base), 6));
  }
  return v128.shuffle<i8>(bytes, bytes, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

@inline function fourRows(p: usize, stride: usize, scale: v128, low: v128, high: v128, base: v128): v128 {
  const a = quantized(v128.load(p), scale, low, high, base), b = quantized(v128.load(p + stride), scale, low, high, base);
  const c = quantized(v128.load(p + stride * 2), scale, low, high, base), d = quantized(v128.load(p + stride * 3), scale, low, high, base);
  return bytesUnsigned(a, b, c, d);
}
