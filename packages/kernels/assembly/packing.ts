import { nibbles, quarters, unpack16 } from './blocks';
import { storeFirst } from './simd';

/** Packs the low 4 bits of each byte, the even index in the low bits. */
export function packNibbles(bytes: usize, count: u32, out: usize): void {
  const full = count & ~15, mask = i8x16.splat(0x0f);
  for (let i: u32 = 0; i < full; i += 16, bytes += 16, out += 8) v128.store64_lane(out, nibbles(v128.and(v128.load(bytes), mask)), 0);
  packLast(bytes, count & 15, 4, out);
}

/** Packs the low 2 bits of each byte, the first of four in the lowest bits. */
export function packQuarters(bytes: usize, count: u32, out: usize): void {
  const full = count & ~15, mask = i8x16.splat(0x03);
  for (let i: u32 = 0; i < full; i += 16, bytes += 16, out += 4) v128.store32_lane(out, quarters(v128.and(v128.load(bytes), mask)), 0);
  packLast(bytes, count & 15, 2, out);
}

/** Bits beyond the last code are 0. */
@inline function packLast(bytes: usize, count: u32, bits: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const shift = (i * bits) & 7, p = out + (i * bits >> 3), code = <u32>load<u8>(bytes + i) & ((1 << bits) - 1);
    store<u8>(p, shift ? load<u8>(p) | (code << shift) : code);
  }
}

/** One byte for each code of 2 or 4 bits; with `signed`, the top bit of a code is its sign. */
export function unpackCodes(packed: usize, count: u32, bits: u32, signed: bool, out: usize): void {
  const full = count & ~15, sign = i8x16.splat(<i8>(signed ? <u32>1 << (bits - 1) : 0));
  for (let i: u32 = 0; i < full; i += 16, packed += 2 * bits, out += 16) v128.store(out, extended(unpack16(packed, bits), sign));
  storeFirst(out, extended(unpack16(packed, bits), sign), count & 15);
}

@inline function extended(codes: v128, sign: v128): v128 { return i8x16.sub(v128.xor(codes, sign), sign); }
