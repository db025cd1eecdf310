import { ASYMMETRIC, blockScale, blockZero, ceilDiv, FINE, GIVEN, hasInfinity, HALF_SCALES, kindOf, loadZero, lowestCode, NON_FINITE, scaleAt, storeZero, TOO_LARGE } from './grid';
import { bytesUnsigned, f32At, INFINITY_BITS, largest, magnitude, quantized, ROUND_BITS, smallest, storeFirst } from './simd';

/**
 * Quantizes a [rows, k] matrix whose blocks run along its rows into the layout of MatMulNBits: codes [rows, blocks, block * bits / 8], scales
 * [rows, blocks], zero points packed per row. `scratch` holds one block. With GIVEN the scales and
 * zero points are read instead. Returns NON_FINITE where a value is NaN or infinity, TOO_LARGE where a scale is beyond float16, else FINE.
 */
export function blocksOfRows(w: usize, rows: u32, k: u32, block: u32, bits: u32, mode: u32, codes: usize, scales: usize, zeros: usize, scratch: usize): u32 {
  const blocks = ceilDiv(k, block), zeroBytes = ceilDiv(blocks * bits, 8), codeBytes = block * bits >> 3;
  for (let r: u32 = 0; r < rows; r++) {
    for (let b: u32 = 0; b < blocks; b++, codes += codeBytes) {
      const size = min(block, k - b * block);
      let p = w + ((<usize>r * k + b * block) << 2);
      if (size < block) {
        memory.fill(scratch, 0, <usize>block << 2); memory.copy(scratch, p, <usize>size << 2);
        p = scratch;
      }
      const zero = zeros + <usize>r * zeroBytes, scale = scaleAt(scales, r, blocks, b);
      const bad = bits == 4 ? encodeBlock(p, block, 4, mode, codes, scale, zero, b) : bits == 8 ? encodeBlock(p, block, 8, mode, codes, scale, zero, b) : encodeBlock(p, block, 2, mode, codes, scale, zero, b);
      if (bad) return bad;
    }
  }
  return FINE;
}

@inline function encodeBlock(p: usize, block: u32, bits: u32, mode: u32, codes: usize, scaleTo: usize, zeros: usize, index: u32): u32 {
  let low0 = f32x4.splat(0), low1 = low0, high0 = low0, high1 = low0, most = i32x4.splat(0);
  const end = f32At(p, block);
  for (let q = p; q < end; q += 32) {
    const a = v128.load(q), b = v128.load(q, 16);
    low0 = f32x4.pmin(low0, a); high0 = f32x4.pmax(high0, a); low1 = f32x4.pmin(low1, b); high1 = f32x4.pmax(high1, b);
    most = i32x4.max_s(most, i32x4.max_s(magnitude(a), magnitude(b)));
  }
  if (v128.any_true(i32x4.gt_s(most, i32x4.splat(INFINITY_BITS - 1)))) return NON_FINITE;
  let s: f32, zero: i32;
  if (mode & GIVEN) {
    s = load<f32>(scaleTo);
    zero = kindOf(mode) == ASYMMETRIC ? loadZero(zeros, index, bits) : 1 << (bits - 1);
  } else {
    const least = smallest(f32x4.pmin(low0, low1));
    s = blockScale(least, largest(f32x4.pmax(high0, high1)), mode, bits);
    if (mode & HALF_SCALES && hasInfinity(f32x4.splat(s))) return TOO_LARGE;
    zero = blockZero(least, s, mode, bits);
    store<f32>(scaleTo, s);
    if (kindOf(mode) == ASYMMETRIC) storeZero(zeros, index, bits, zero);
  }
  const scale = f32x4.splat(s), low = f32x4.splat(<f32>(lowestCode(mode) - zero)), high = f32x4.splat(<f32>((1 << bits) - 1 - zero)), base = i32x4.splat(ROUND_BITS - zero);
  for (; p < end; p += 64, codes += 2 * bits) {
    const bytes = bytesUnsigned(quantized(v128.load(p), scale, low, high, base), quantized(v128.load(p, 16), scale, low, high, base), quantized(v128.load(p, 32), scale, low, high, base), quantized(v128.load(p, 48), scale, low, high, base));
    if (bits == 8) v128.store(codes, bytes);
    else if (bits == 4) v128.store64_lane(codes, nibbles(bytes), 0);
    else v128.store32_lane(codes, quarters(bytes), 0);
  }
  return FINE;
}

/** Sixteen codes below 16 as eight bytes, the first of two in the low bits. */
@inline export function nibbles(bytes: v128): v128 {
  const pairs = v128.and(v128.or(bytes, i16x8.shr_u(bytes, 4)), i16x8.splat(0xff));
  return i8x16.narrow_i16x8_u(pairs, pairs);
}

/** Sixteen codes below 4 as four bytes, the first of four in the low bits. */
@inline export function quarters(bytes: v128): v128 {
  const pairs = v128.and(v128.or(bytes, i16x8.shr_u(bytes, 6)), i16x8.splat(0x0f));
  const fours = v128.and(v128.or(pairs, i32x4.shr_u(pairs, 12)), i32x4.splat(0xff)), words = i16x8.narrow_i32x4_u(fours, fours);
  return i8x16.narrow_i16x8_u(words, words);
}

/** Sixteen codes from `bits * 2` bytes, one byte for each. */
@inline export function unpack16(p: usize, bits: u32): v128 {
  if (bits == 8) return v128.load(p);
  if (bits == 4) return spread(v128.load64_zero(p), 4, 0x0f);
  return spread(spread(v128.load32_zero(p), 4, 0x0f), 2, 0x03);
}

/** Each of the first eight bytes as two: its low `shift` bits, then the rest. */
@inline function spread(bytes: v128, shift: i32, mask: i32): v128 {
  const wide = i16x8.extend_low_i8x16_u(bytes);
  return v128.and(v128.or(wide, i16x8.shl(wide, 8 - shift)), i16x8.splat(<i16>(mask | (mask << 8))));
}

/** (code - zero point) * scale of the blocks of [rows, k]. Without zero points (0) they are 2^(bits - 1). */
export function blocksDecode(codes: usize, scales: usize, zeros: usize, rows: u32, k: u32, block: u32, bits: u32, out: usize): void {
  const blocks = ceilDiv(k, block), zeroBytes = ceilDiv(blocks * bits, 8), codeBytes = block * bits >> 3;
  for (let r: u32 = 0; r < rows; r++) {
    for (let b: u32 = 0; b < blocks; b++, codes += codeBytes) {
      const scale = v128.load32_splat(scaleAt(scales, r, blocks, b)), size = min(block, k - b * block);
      const zero = i16x8.splat(<i16>(zeros ? loadZero(zeros + <usize>r * zeroBytes, b, bits) : <u32>1 << (bits - 1)));
      let p = codes;
      for (let i: u32 = 0; i < size; i += 16, p += 2 * bits) {
        const bytes = unpack16(p, bits), first = i16x8.sub(i16x8.extend_low_i8x16_u(bytes), zero), second = i16x8.sub(i16x8.extend_high_i8x16_u(bytes), zero);
        const left = size - i;
        out = storeUpTo4(out, value(i32x4.extend_low_i16x8_s(first), scale), left);
        if (left > 4) out = storeUpTo4(out, value(i32x4.extend_high_i16x8_s(first), scale), left - 4);
        if (left > 8) out = storeUpTo4(out, value(i32x4.extend_low_i16x8_s(second), scale), left - 8);
        if (left > 12) out = storeUpTo4(out, value(i32x4.extend_high_i16x8_s(second), scale), left - 12);
      }
    }
  }
}

@inline function value(code: v128, scale: v128): v128 { return f32x4.mul(f32x4.convert_i32x4_s(code), scale); }

@inline function storeUpTo4(out: usize, v: v128, count: u32): usize {
  if (count >= 4) { v128.store(out, v); return out + 16; }
  storeFirst(out, v, count << 2);
  return out + (<usize>count << 2);
}
