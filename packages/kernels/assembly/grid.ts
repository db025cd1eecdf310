import { half4, single4 } from './casts';
import { f32At, INFINITY_BITS, magnitude } from './simd';

/** Codes of a block: stored unsigned; the zero point is what stands for 0. These are the two lowest bits of a mode. */
export const SYMMETRIC: u32 = 0, ASYMMETRIC: u32 = 1, FULL_RANGE: u32 = 2;
/** Added to a mode: scales are rounded to float16 before anything is made of them. */
export const HALF_SCALES: u32 = 4;
/** Added to a mode: scales, and zero points of asymmetric codes, are there already. */
export const GIVEN: u32 = 8;
/** What kernels that make codes return. */
export const FINE: u32 = 0, NON_FINITE: u32 = 1, TOO_LARGE: u32 = 2;

@inline export function kindOf(mode: u32): u32 { return mode & 3; }

/** The nearest float16; what would become 0 is the smallest one, so that a block of tiny values keeps a grid. */
@inline export function halfScale(scale: v128): v128 {
  const pattern = half4(scale), none = i32x4.eq(v128.and(pattern, i32x4.splat(0x7fff)), i32x4.splat(0));
  return single4(v128.or(pattern, v128.and(none, i32x4.splat(1))));
}

@inline export function hasInfinity(scale: v128): bool { return v128.any_true(i32x4.gt_s(magnitude(scale), i32x4.splat(INFINITY_BITS - 1))); }

/** Scales of four blocks from their smallest and largest values, zero included. What would be 0 is 1. */
@inline export function gridScale(low: v128, high: v128, mode: u32, bits: u32): v128 {
  const levels: i32 = 1 << bits;
  let scale: v128;
  if (kindOf(mode) == ASYMMETRIC) {
    // In float64: the range of a block may exceed float32.
    const steps = f64x2.splat(<f64>(levels - 1)), low2 = v128.shuffle<i64>(low, low, 1, 0), high2 = v128.shuffle<i64>(high, high, 1, 0);
    const first = f64x2.div(f64x2.sub(f64x2.promote_low_f32x4(high), f64x2.promote_low_f32x4(low)), steps);
    const second = f64x2.div(f64x2.sub(f64x2.promote_low_f32x4(high2), f64x2.promote_low_f32x4(low2)), steps);
    scale = v128.shuffle<i64>(f32x4.demote_f64x2_zero(first), f32x4.demote_f64x2_zero(second), 0, 2);
  } else {
    const below = f32x4.neg(low), negative = f32x4.ge(below, high);
    if (kindOf(mode) == SYMMETRIC) scale = f32x4.div(v128.bitselect(below, high, negative), f32x4.splat(<f32>((levels >> 1) - 1)));
    else scale = f32x4.div(f32x4.neg(v128.bitselect(low, high, negative)), f32x4.splat(<f32>(levels >> 1)));
  }
  scale = v128.bitselect(f32x4.splat(1), scale, f32x4.eq(scale, f32x4.splat(0)));
  return mode & HALF_SCALES ? halfScale(scale) : scale;
}

/** Zero points of four blocks, as float32 integers. */
@inline export function gridZero(low: v128, scale: v128, mode: u32, bits: u32): v128 {
  if (kindOf(mode) != ASYMMETRIC) return f32x4.splat(<f32>(1 << (bits - 1)));
  return f32x4.pmin(f32x4.nearest(f32x4.div(f32x4.neg(low), scale)), f32x4.splat(<f32>((1 << bits) - 1)));
}

/** The same of one block. */
@inline export function blockScale(low: f32, high: f32, mode: u32, bits: u32): f32 {
  const levels: i32 = 1 << bits, negative = -low >= high;
  let scale: f32;
  if (kindOf(mode) == ASYMMETRIC) scale = <f32>((<f64>high - <f64>low) / <f64>(levels - 1));
  else if (kindOf(mode) == SYMMETRIC) scale = (negative ? -low : high) / <f32>((levels >> 1) - 1);
  else scale = -(negative ? low : high) / <f32>(levels >> 1);
  if (scale == 0) return 1;
  return mode & HALF_SCALES ? f32x4.extract_lane(halfScale(f32x4.splat(scale)), 0) : scale;
}

@inline export function blockZero(low: f32, scale: f32, mode: u32, bits: u32): i32 {
  if (kindOf(mode) != ASYMMETRIC) return 1 << (bits - 1);
  const zero = nearest<f32>(-low / scale), most = <f32>((1 << bits) - 1);
  return <i32>(zero > most ? most : zero);
}

/** The smallest code that a mode uses. */
@inline export function lowestCode(mode: u32): i32 { return kindOf(mode) == SYMMETRIC ? 1 : 0; }

/** Puts the zero point of one block into the row of packed zero points, low bits first. The first of each byte clears it. */
@inline export function storeZero(row: usize, block: u32, bits: u32, zero: u32): void {
  const shift = (block * bits) & 7, p = row + (block * bits >> 3);
  store<u8>(p, shift ? load<u8>(p) | (zero << shift) : zero);
}

@inline export function loadZero(row: usize, block: u32, bits: u32): u32 {
  return (<u32>load<u8>(row + (block * bits >> 3)) >> ((block * bits) & 7)) & ((1 << bits) - 1);
}

@inline export function ceilDiv(a: u32, b: u32): u32 { return (a + b - 1) / b; }
@inline export function scaleAt(scales: usize, row: u32, blocks: u32, block: u32): usize { return f32At(scales + (<usize>row * blocks << 2), block); }
