import { INFINITY_BITS, magnitude, storeFirst } from './simd';

// Round to nearest, ties to even. NaN becomes the format's positive quiet NaN. Decoding keeps every bit of a NaN.

@inline function isNaN4(bits: v128): v128 { return i32x4.gt_s(bits, i32x4.splat(INFINITY_BITS)); }

/** Four float32 as float16 patterns in 32-bit lanes. */
@inline export function half4(v: v128): v128 {
  const bits = magnitude(v);
  // 0.5 has the last digit of the subnormal halves: the addition rounds there, and the sum's low bits are the pattern.
  const small = i32x4.sub(f32x4.add(bits, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const even = v128.and(i32x4.shr_u(bits, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(bits, i32x4.splat(0xc8000fff)), even), 13);
  const number = v128.bitselect(small, i32x4.min_s(normal, i32x4.splat(0x7c00)), i32x4.lt_s(bits, i32x4.splat(0x38800000)));
  const signed = v128.or(number, i32x4.shr_u(v128.xor(v, bits), 16));
  return v128.bitselect(i32x4.splat(0x7e00), signed, isNaN4(bits));
}

/** Two vectors of patterns up to 65535 in 32-bit lanes as eight 16-bit lanes. */
@inline function low16(a: v128, b: v128): v128 { return i16x8.narrow_i32x4_u(a, b); }

export function toFloat16(w: usize, count: u32, out: usize): void {
  const full = count & ~7;
  for (let i: u32 = 0; i < full; i += 8, w += 32, out += 16) v128.store(out, low16(half4(v128.load(w)), half4(v128.load(w, 16))));
  storeFirst(out, low16(half4(v128.load(w)), half4(v128.load(w, 16))), (count & 7) << 1);
}

/** Four float16 patterns in 32-bit lanes as float32. */
@inline export function single4(h: v128): v128 {
  const bits = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13), sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  // Exact: the pattern, read as a tiny float32, times 2^112. Subnormals come out right by themselves.
  const number = f32x4.mul(bits, i32x4.splat(0x77800000));
  const special = v128.and(i32x4.gt_s(bits, i32x4.splat(0x0f7fffff)), v128.or(bits, i32x4.splat(INFINITY_BITS)));
  return v128.or(v128.or(number, special), sign);
}

export function fromFloat16(h: usize, count: u32, out: usize): void {
  const full = count & ~7;
  for (let i: u32 = 0; i < full; i += 8, h += 16, out += 32) {
    const x = v128.load(h);
    v128.store(out, single4(i32x4.extend_low_i16x8_u(x))); v128.store(out, single4(i32x4.extend_high_i16x8_u(x)), 16);
  }
  const x = v128.load(h);
  storeEight(out, single4(i32x4.extend_low_i16x8_u(x)), single4(i32x4.extend_high_i16x8_u(x)), count & 7);
}

@inline function storeEight(out: usize, a: v128, b: v128, count: u32): void {
  if (count & 4) { v128.store(out, a); storeFirst(out + 16, b, (count & 3) << 2); } else storeFirst(out, a, count << 2);
}

@inline function brain4(v: v128): v128 {
  const even = v128.and(i32x4.shr_u(v, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(v, i32x4.splat(0x7fff)), even), 16);
  return v128.bitselect(i32x4.splat(0x7fc0), rounded, isNaN4(magnitude(v)));
}

export function toBfloat16(w: usize, count: u32, out: usize): void {
  const full = count & ~7;
  for (let i: u32 = 0; i < full; i += 8, w += 32, out += 16) v128.store(out, low16(brain4(v128.load(w)), brain4(v128.load(w, 16))));
  storeFirst(out, low16(brain4(v128.load(w)), brain4(v128.load(w, 16))), (count & 7) << 1);
}

export function fromBfloat16(h: usize, count: u32, out: usize): void {
  const full = count & ~7, zero = i16x8.splat(0);
  for (let i: u32 = 0; i < full; i += 8, h += 16, out += 32) {
    const x = v128.load(h);
    v128.store(out, v128.shuffle<i16>(zero, x, 0, 8, 1, 9, 2, 10, 3, 11)); v128.store(out, v128.shuffle<i16>(zero, x, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
  const x = v128.load(h);
  storeEight(out, v128.shuffle<i16>(zero, x, 0, 8, 1, 9, 2, 10, 3, 11), v128.shuffle<i16>(zero, x, 4, 12, 5, 13, 6, 14, 7, 15), count & 7);
}

/**
 * Four float32 as 8-bit patterns in 32-bit lanes, saturating. `dropped`: how many digits of the fraction go; `rebias`: the difference of
 * the exponents' biases; `tiny`: the power of two whose last digit is that of the format's subnormals; `top`, `nan`: the largest number, NaN.
 */
@inline function eighth4(v: v128, dropped: i32, rebias: i32, tiny: f32, top: i32, nan: i32): v128 {
  const bits = magnitude(v);
  const small = i32x4.sub(f32x4.add(bits, f32x4.splat(tiny)), i32x4.splat(reinterpret<i32>(tiny)));
  const even = v128.and(i32x4.shr_u(bits, dropped), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(bits, i32x4.splat((1 << (dropped - 1)) - 1 - (rebias << 23))), even), dropped);
  const number = v128.bitselect(small, i32x4.min_s(normal, i32x4.splat(top)), i32x4.lt_s(bits, i32x4.splat((rebias + 1) << 23)));
  const signed = v128.or(number, i32x4.shr_u(v128.xor(v, bits), 24));
  return v128.bitselect(i32x4.splat(nan), signed, isNaN4(bits));
}

@inline function e4m3(v: v128): v128 { return eighth4(v, 20, 120, 16384.0, 0x7e, 0x7f); }
@inline function e5m2(v: v128): v128 { return eighth4(v, 21, 112, 128.0, 0x7b, 0x7e); }
@inline function low8(a: v128, b: v128, c: v128, d: v128): v128 { return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)); }

export function toFloat8E4M3FN(w: usize, count: u32, out: usize): void {
  const full = count & ~15;
  for (let i: u32 = 0; i < full; i += 16, w += 64, out += 16) v128.store(out, low8(e4m3(v128.load(w)), e4m3(v128.load(w, 16)), e4m3(v128.load(w, 32)), e4m3(v128.load(w, 48))));
  storeFirst(out, low8(e4m3(v128.load(w)), e4m3(v128.load(w, 16)), e4m3(v128.load(w, 32)), e4m3(v128.load(w, 48))), count & 15);
}

export function toFloat8E5M2(w: usize, count: u32, out: usize): void {
  const full = count & ~15;
  for (let i: u32 = 0; i < full; i += 16, w += 64, out += 16) v128.store(out, low8(e5m2(v128.load(w)), e5m2(v128.load(w, 16)), e5m2(v128.load(w, 32)), e5m2(v128.load(w, 48))));
  storeFirst(out, low8(e5m2(v128.load(w)), e5m2(v128.load(w, 16)), e5m2(v128.load(w, 32)), e5m2(v128.load(w, 48))), count & 15);
}

/** Four 8-bit patterns at `p` as float32; `factor` is 2^rebias, and what is above `last` is not a number times it but `special`, with the fraction kept. */
@inline function wide4(p: usize, dropped: i32, rebias: i32, last: i32, special: i32): v128 {
  const codes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p)));
  const pattern = v128.and(codes, i32x4.splat(0x7f)), bits = i32x4.shl(pattern, dropped);
  const number = f32x4.mul(bits, i32x4.splat((rebias + 127) << 23));
  const exception = v128.and(i32x4.gt_s(pattern, i32x4.splat(last)), v128.or(bits, i32x4.splat(special)));
  return v128.or(v128.or(number, exception), i32x4.shl(v128.xor(codes, pattern), 24));
}

export function fromFloat8E4M3FN(codes: usize, count: u32, out: usize): void {
  const full = count & ~3;
  for (let i: u32 = 0; i < full; i += 4, codes += 4, out += 16) v128.store(out, wide4(codes, 20, 120, 0x7e, 0x7fc00000));
  storeFirst(out, wide4(codes, 20, 120, 0x7e, 0x7fc00000), (count & 3) << 2);
}

export function fromFloat8E5M2(codes: usize, count: u32, out: usize): void {
  const full = count & ~3;
  for (let i: u32 = 0; i < full; i += 4, codes += 4, out += 16) v128.store(out, wide4(codes, 21, 112, 0x7b, INFINITY_BITS));
  storeFirst(out, wide4(codes, 21, 112, 0x7b, INFINITY_BITS), (count & 3) << 2);
}
