// Shared by all kernels. Conventions of this module:
// - sizes count elements, pointers are bytes, matrices are row-major;
// - a kernel may read up to 64 bytes beyond its operands (the allocator leaves that room), and never writes there;
// - nothing is kept in globals and no data segment is written: every worker runs its own instance on the same memory.
// - a function that `index.ts` exports says its parameters on one line: scripts/build-wasm.mjs reads them there.

/** Adding 1.5 * 2^23 to a float32 below 2^22 rounds it to an integer, half to even, and leaves that integer in the low bits. */
export const ROUND: f32 = 12582912.0;
export const ROUND_BITS: i32 = 0x4b400000;
export const MAGNITUDE: i32 = 0x7fffffff;
export const INFINITY_BITS: i32 = 0x7f800000;

@inline export function f32At(base: usize, index: u32): usize { return base + (<usize>index << 2); }

@inline export function magnitude(v: v128): v128 { return v128.and(v, i32x4.splat(MAGNITUDE)); }

@inline export function smallest(v: v128): f32 {
  const pairs = f32x4.pmin(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmin(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

@inline export function largest(v: v128): f32 {
  const pairs = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

@inline export function largestInteger(v: v128): i32 {
  const pairs = i32x4.max_s(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return i32x4.extract_lane(i32x4.max_s(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2)), 0);
}

/** Stores the first `bytes` bytes of a vector, fewer than 16. */
export function storeFirst(to: usize, v: v128, bytes: u32): void {
  if (bytes & 8) { v128.store64_lane(to, v, 0); v = v128.shuffle<i64>(v, v, 1, 0); to += 8; }
  if (bytes & 4) { v128.store32_lane(to, v, 0); v = v128.shuffle<i32>(v, v, 1, 2, 3, 0); to += 4; }
  if (bytes & 2) { v128.store16_lane(to, v, 0); v = i32x4.shr_u(v, 16); to += 2; }
  if (bytes & 1) v128.store8_lane(to, v, 0);
}

/** One row of the transposed matrix of four rows of four 32-bit lanes. */
@inline export function transposed4(a: v128, b: v128, c: v128, d: v128, row: i32): v128 {
  if (row < 2) {
    const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    return row == 0 ? v128.shuffle<i64>(ab, cd, 0, 2) : v128.shuffle<i64>(ab, cd, 1, 3);
  }
  const ab = v128.shuffle<i32>(a, b, 2, 6, 3, 7), cd = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  return row == 2 ? v128.shuffle<i64>(ab, cd, 0, 2) : v128.shuffle<i64>(ab, cd, 1, 3);
}

/** x / scale within [low, high], rounded half to even, as integers plus what `base` is less than ROUND_BITS (the zero point). Division, not a product with the reciprocal: ONNX divides. */
@inline export function quantized(x: v128, scale: v128, low: v128, high: v128, base: v128): v128 {
  const bounded = f32x4.pmin(f32x4.pmax(f32x4.div(x, scale), low), high);
  return i32x4.sub(f32x4.add(bounded, f32x4.splat(ROUND)), base);
}

/** Sixteen integers of four vectors as bytes, saturated to int8. */
@inline export function bytesSigned(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** Sixteen integers of four vectors as bytes, saturated to uint8. */
@inline export function bytesUnsigned(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}
