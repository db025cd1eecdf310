import { f32At, INFINITY_BITS, largestInteger, magnitude, storeFirst } from './simd';

// Codes of 4 bits for blocks divided by their largest magnitude, as onnxruntime's MatMulBnb4 has them: thresholds, products with the reciprocal, and the
// code of the even index in the high bits.

const NF4: u32 = 1;

/** Where a quotient lies among 16 values, as NF4 orders them: the thresholds between neighbours, compared with `>`. */
const NF4_THRESHOLDS = memory.data<f32>([
  -0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544, -0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767,
  0.1202552504837513, 0.2035212516784668, 0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011,
]);
const NF4_VALUES = memory.data<f32>([
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
  0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
]);
/** By code; the upper eight are the negatives. */
const FP4_VALUES = memory.data<f32>([0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25, -0, -0.005208333333, -0.66666667, -1, -0.33333333, -0.5, -0.16666667, -0.25]);

// NF4 by table. A quotient, as a multiple of 2^-15 (y), lies in one of 32 steps, and a step holds at most one threshold: the code is the number of
// thresholds before the step, and one more where y is above the step's. Where y equals it, the quotient itself decides, which is rare.
/** Adding it to a quotient within [-1, 1] leaves the quotient's y in the low bits. */
const TO_Y: f32 = 384.0;
const TO_Y_BITS: i32 = 0x43c00000;

@inline function yOf(quotient: v128): v128 { return i32x4.sub(f32x4.add(quotient, f32x4.splat(TO_Y)), i32x4.splat(TO_Y_BITS)); }

/** Three rows of 32 bytes: codes, and the low and the high byte of the thresholds' y. */
function nf4Tables(tables: usize): void {
  for (let step: i32 = -16; step < 16; step++) {
    let code: i32 = 0, y = step < 15 ? (step + 1) << 11 : (step << 11) - 1;
    for (let i: u32 = 0; i < 15; i++) {
      const threshold = i32x4.extract_lane(yOf(v128.load32_splat(f32At(NF4_THRESHOLDS, i))), 0);
      if (threshold >> 11 < step) code++; else if (threshold >> 11 == step) y = threshold;
    }
    if (step == 15) code--; // its y is one that every quotient in the last step exceeds
    const at = tables + ((step + 32) & 31);
    store<u8>(at, <u8>code); store<u8>(at, <u8>y, 32); store<u8>(at, <u8>(y >> 8), 64);
  }
}

@inline function looked(table: usize, step: v128, negative: v128): v128 {
  return v128.or(i8x16.swizzle(v128.load(table), step), i8x16.swizzle(v128.load(table, 16), negative));
}

@inline function ranks4(x: v128): v128 {
  let rank = i32x4.splat(0);
  for (let i: u32 = 0; i < 15; i++) rank = i32x4.sub(rank, f32x4.gt(x, v128.load32_splat(f32At(NF4_THRESHOLDS, i))));
  return rank;
}

function nf4Exactly(a: v128, b: v128, c: v128, d: v128): v128 { return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(ranks4(a), ranks4(b)), i16x8.narrow_i32x4_u(ranks4(c), ranks4(d))); }

@inline function nf4Codes(p: usize, inverse: v128, tables: usize): v128 {
  const a = f32x4.mul(v128.load(p), inverse), b = f32x4.mul(v128.load(p, 16), inverse), c = f32x4.mul(v128.load(p, 32), inverse), d = f32x4.mul(v128.load(p, 48), inverse);
  const y0 = i16x8.narrow_i32x4_s(yOf(a), yOf(b)), y1 = i16x8.narrow_i32x4_s(yOf(c), yOf(d));
  const step = i8x16.narrow_i16x8_s(i16x8.shr_s(y0, 11), i16x8.shr_s(y1, 11)), negative = i8x16.sub(step, i8x16.splat(-16));
  const lows = looked(tables + 32, step, negative), highs = looked(tables + 64, step, negative);
  const t0 = v128.shuffle<i8>(lows, highs, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), t1 = v128.shuffle<i8>(lows, highs, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  if (v128.any_true(v128.or(i16x8.eq(y0, t0), i16x8.eq(y1, t1)))) return nf4Exactly(a, b, c, d);
  return i8x16.sub(looked(tables, step, negative), i8x16.narrow_i16x8_s(i16x8.gt_s(y0, t0), i16x8.gt_s(y1, t1)));
}

@inline function fp4Ranks(x: v128): v128 {
  const value = magnitude(x), low = i32x4.add(i32x4.add(f32x4.gt(value, f32x4.splat(0.00260417)), f32x4.gt(value, f32x4.splat(0.0859375))), i32x4.add(f32x4.gt(value, f32x4.splat(0.20833333)), f32x4.gt(value, f32x4.splat(0.29166667))));
  const high = i32x4.add(i32x4.add(f32x4.gt(value, f32x4.splat(0.4166667)), f32x4.gt(value, f32x4.splat(0.583333))), f32x4.gt(value, f32x4.splat(0.8333333)));
  return i32x4.sub(v128.and(f32x4.lt(x, f32x4.splat(0)), i32x4.splat(8)), i32x4.add(low, high));
}

/** Ranks by magnitude become codes; the sign is bit 3 of both. */
@inline function fp4Codes(p: usize, inverse: v128): v128 {
  const ranks = i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(fp4Ranks(f32x4.mul(v128.load(p), inverse)), fp4Ranks(f32x4.mul(v128.load(p, 16), inverse))),
    i16x8.narrow_i32x4_s(fp4Ranks(f32x4.mul(v128.load(p, 32), inverse)), fp4Ranks(f32x4.mul(v128.load(p, 48), inverse))));
  return i8x16.swizzle(i8x16(0, 1, 6, 7, 4, 5, 2, 3, 8, 9, 14, 15, 12, 13, 10, 11), ranks);
}

@inline function highFirst(codes: v128): v128 {
  const pairs = v128.and(v128.or(i16x8.shl(codes, 4), i16x8.shr_u(codes, 8)), i16x8.splat(0xff));
  return i8x16.narrow_i16x8_u(pairs, pairs);
}

/**
 * Encodes blocks of a flat array as NF4 (kind 1) or FP4 (kind 0). `scratch` holds 96 bytes and 64 more. The last block may be shorter; a byte that it leaves half
 * empty gets the code of 0. Returns the first block that holds NaN or infinity, or -1; blocks before it are done.
 */
export function codebookEncode(w: usize, count: u32, block: u32, kind: u32, codes: usize, magnitudes: usize, scratch: usize): i32 {
  if (kind == NF4) { nf4Tables(scratch); return encodeBlocks(w, count, block, true, codes, magnitudes, scratch); }
  return encodeBlocks(w, count, block, false, codes, magnitudes, scratch);
}

@inline function encodeBlocks(w: usize, count: u32, block: u32, nf4: bool, codes: usize, magnitudes: usize, scratch: usize): i32 {
  const tail = scratch + 96;
  for (let b: u32 = 0, start: u32 = 0; start < count; b++, start += block, magnitudes += 4) {
    const size = min(block, count - start), end = f32At(w, size), whole = f32At(w, size & ~15);
    let most4 = i32x4.splat(0);
    for (let p = w; p < whole; p += 64) most4 = i32x4.max_s(i32x4.max_s(most4, i32x4.max_s(magnitude(v128.load(p)), magnitude(v128.load(p, 16)))), i32x4.max_s(magnitude(v128.load(p, 32)), magnitude(v128.load(p, 48))));
    for (let p = whole; p < end; p += 4) most4 = i32x4.max_s(most4, magnitude(v128.load32_splat(p)));
    const most = largestInteger(most4);
    if (most >= INFINITY_BITS) return b;
    store<i32>(magnitudes, most);
    // The reciprocal of a subnormal may be infinite, and 0 times that NaN.
    const inverse = f32x4.splat(most ? min<f32>(1 / reinterpret<f32>(most), f32.MAX_VALUE) : 0);
    for (; w < whole; w += 64, codes += 8) v128.store64_lane(codes, highFirst(nf4 ? nf4Codes(w, inverse, scratch) : fp4Codes(w, inverse)), 0);
    if (w < end) {
      memory.fill(tail, 0, 64); memory.copy(tail, w, end - w);
      storeFirst(codes, highFirst(nf4 ? nf4Codes(tail, inverse, scratch) : fp4Codes(tail, inverse)), ((size & 15) + 1) >> 1);
    }
    w = end;
  }
  return -1;
}

/** Values of the codes of blocks of a flat array. */
export function codebookDecode(codes: usize, count: u32, block: u32, kind: u32, magnitudes: usize, out: usize): void {
  const values = kind == NF4 ? NF4_VALUES : FP4_VALUES;
  for (let i: u32 = 0; i < count; i++, out += 4) {
    const code = (<u32>load<u8>(codes + (i >> 1)) >> (i & 1 ? 0 : 4)) & 15;
    store<f32>(out, load<f32>(f32At(values, code)) * load<f32>(f32At(magnitudes, i / block)));
  }
}
