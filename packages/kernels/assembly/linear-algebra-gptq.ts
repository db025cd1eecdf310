import { gridScale, gridZero, lowestCode } from './grid';
import { f32At, ROUND, storeFirst, transposed4 } from './simd';

// The inner loop of GPTQ (Frantar et al., arXiv 2210.17323) on W [in, out]: a row is an input channel, columns do not know each other. Within a block
// each row gathers what the rows before it owe ("left-looking"), so it is read once and written once.

/** Columns that are worked on together: their errors of a whole block stay in the first-level cache. */
const TILE: u32 = 32;

/** Errors of one row lie this many elements apart: a power of two would put the rows of a tile into the same cache sets. */
@inline function errorStride(columns: u32): u32 { return ((columns + TILE - 1) & ~(TILE - 1)) + 16; }

/** Bytes of scratch that `gptqBlock` wants: the errors of the block, from its start on, [rows, gptqErrorStride], then the transposed factor and one tile. */
export function gptqScratch(rows: u32, columns: u32): u32 { return ((rows * errorStride(columns) + ((rows + 3) & ~3) * ((rows + 3) & ~3) + TILE) << 2) + 64; }
export function gptqErrorStride(columns: u32): u32 { return errorStride(columns); }

/**
 * Quantizes rows [first, first + rows) of W [in, out] in the columns [from, to), one after the other, each time moving the error to the later rows of the
 * block; the errors stay in `scratch` for the update of the rows behind the block.
 *
 * - `upper`: R [in, in] with H^-1 = R^T R.
 * - `groups` [in]: the group of each row, uint32. `scales` [groups, out] float32 and `zeros` [groups, out] uint8 are read; where `size` is not 0, groups
 *   are `size` neighbouring rows and both are written when the first row of a group is reached, from the rows as they are by then.
 * - `codes` [in, out] uint8, and W becomes what the codes stand for. `losses` [out] float64 grows by half the squared error of each row.
 */
export function gptqBlock(w: usize, inputs: u32, outputs: u32, first: u32, rows: u32, from: u32, to: u32, upper: usize, groups: usize, size: u32, scales: usize, zeros: usize, bits: u32, mode: u32, codes: usize, losses: usize, scratch: usize): void {
  const stride = <usize>errorStride(to - from) << 2, factor = scratch + stride * rows, wide = (rows + 3) & ~3, tile = factor + (<usize>wide * wide << 2);
  transposeFactor(f32At(upper, first) + (<usize>first * inputs << 2), <usize>inputs << 2, rows, factor, <usize>wide << 2);
  const step = <usize>outputs << 2;
  for (let column = from; column < to;) {
    const columns = to - column >= TILE ? TILE : min<u32>(4, to - column);
    const top = w + ((<usize>first * outputs + column) << 2), errors = scratch + (<usize>(column - from) << 2);
    let settled: u32 = 0; // the coming rows have already lost what the rows before this one owe
    for (let row: u32 = 0; row < rows; row++) {
      const group = load<u32>(f32At(groups, first + row)), own = top + step * row, r = factor + (<usize>row * wide << 2);
      if (size && (first + row) % size == 0) {
        // Its range is that of the rows as they are by now. (Those behind the block, if any, owe nothing yet.)
        for (let j = row; row && j < min(row + size, rows); j++) {
          gathered(top + step * j, columns, errors, stride, factor + (<usize>j * wide << 2), row, tile);
          keepFirst(top + step * j, tile, columns);
        }
        settled = row;
        setGroup(own, step, min(size, inputs - first - row), columns, bits, mode, scales + ((<usize>group * outputs + column) << 2), zeros + <usize>group * outputs + column);
      }
      gathered(own, columns, errors + stride * settled, stride, f32At(r, settled), row - settled, tile);
      quantizeRow(tile, columns, load<f32>(f32At(r, row)), scales + ((<usize>group * outputs + column) << 2), zeros + <usize>group * outputs + column, bits, mode, own, errors + stride * row, codes + <usize>(first + row) * outputs + column, losses + (<usize>column << 3));
    }
    column += columns;
  }
}

function transposeFactor(upper: usize, step: usize, rows: u32, to: usize, stepTo: usize): void {
  let i: u32 = 0;
  for (; i + 4 <= rows; i += 4) for (let j: u32 = i; j < rows; j += 4) {
    const p = upper + step * i + (<usize>j << 2), q = to + stepTo * j + (<usize>i << 2);
    const x = v128.load(p), y = v128.load(p + step), z = v128.load(p + step * 2), t = v128.load(p + step * 3);
    v128.store(q, transposed4(x, y, z, t, 0)); v128.store(q + stepTo, transposed4(x, y, z, t, 1)); v128.store(q + stepTo * 2, transposed4(x, y, z, t, 2)); v128.store(q + stepTo * 3, transposed4(x, y, z, t, 3));
  }
  for (; i < rows; i++) for (let j: u32 = i; j < rows; j++) store<f32>(to + stepTo * j + (<usize>i << 2), load<f32>(upper + step * i + (<usize>j << 2)));
}

@inline function less(x: v128, factor: v128, error: v128): v128 { return f32x4.sub(x, f32x4.mul(factor, error)); }

/** tile = the row less `count` factors times the rows of errors. */
function gathered(p: usize, columns: u32, errors: usize, stride: usize, factors: usize, count: u32, tile: usize): void {
  const end = f32At(factors, count);
  if (columns < TILE) {
    let a = v128.load(p);
    for (; factors < end; factors += 4, errors += stride) a = less(a, v128.load32_splat(factors), v128.load(errors));
    v128.store(tile, a);
    return;
  }
  let a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48), e = v128.load(p, 64), f = v128.load(p, 80), g = v128.load(p, 96), h = v128.load(p, 112);
  for (; factors < end; factors += 4, errors += stride) {
    const x = v128.load32_splat(factors);
    a = less(a, x, v128.load(errors)); b = less(b, x, v128.load(errors, 16)); c = less(c, x, v128.load(errors, 32)); d = less(d, x, v128.load(errors, 48));
    e = less(e, x, v128.load(errors, 64)); f = less(f, x, v128.load(errors, 80)); g = less(g, x, v128.load(errors, 96)); h = less(h, x, v128.load(errors, 112));
  }
  v128.store(tile, a); v128.store(tile, b, 16); v128.store(tile, c, 32); v128.store(tile, d, 48); v128.store(tile, e, 64); v128.store(tile, f, 80); v128.store(tile, g, 96); v128.store(tile, h, 112);
}

@inline function keepFirst(p: usize, from: usize, columns: u32): void {
  if (columns < 4) storeFirst(p, v128.load(from), columns << 2);
  else for (let c: u32 = 0; c < columns; c += 4) v128.store(f32At(p, c), v128.load(f32At(from, c)));
}

/** Scales [groups, out] and zero points of groups of `size` neighbouring rows of W [in, out], for the columns [from, to). */
export function groupGrids(w: usize, inputs: u32, outputs: u32, size: u32, from: u32, to: u32, bits: u32, mode: u32, scales: usize, zeros: usize): void {
  for (let row: u32 = 0, group: u32 = 0; row < inputs; row += size, group++) for (let column = from; column < to;) {
    const columns = to - column >= TILE ? TILE : min<u32>(4, to - column), at = <usize>group * outputs + column;
    setGroup(w + ((<usize>row * outputs + column) << 2), <usize>outputs << 2, min(size, inputs - row), columns, bits, mode, scales + (at << 2), zeros + at);
    column += columns;
  }
}

function setGroup(p: usize, step: usize, rows: u32, columns: u32, bits: u32, mode: u32, scales: usize, zeros: usize): void {
  for (let c: u32 = 0; c < columns; c += 4) {
    let low = f32x4.splat(0), high = low, q = f32At(p, c);
    for (let i: u32 = 0; i < rows; i++, q += step) { const x = v128.load(q); low = f32x4.pmin(low, x); high = f32x4.pmax(high, x); }
    const scale = gridScale(low, high, mode, bits), zero = i32x4.trunc_sat_f32x4_s(gridZero(low, scale, mode, bits));
    const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(zero, zero), i16x8.splat(0));
    if (columns < 4) { storeFirst(scales, scale, columns << 2); storeFirst(zeros, bytes, columns); } else { v128.store(f32At(scales, c), scale); v128.store32_lane(zeros + c, bytes, 0); }
  }
}

function quantizeRow(tile: usize, columns: u32, pivot: f32, scales: usize, zeros: usize, bits: u32, mode: u32, w: usize, errors: usize, codes: usize, losses: usize): void {
  const reciprocal = f32x4.splat(1.0 / pivot), round = f32x4.splat(ROUND), half = f64x2.splat(0.5);
  for (let c: u32 = 0; c < columns; c += 4) {
    const x = v128.load(f32At(tile, c)), scale = v128.load(f32At(scales, c)), zero = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(zeros + c)));
    const low = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(lowestCode(mode)), zero)), high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat((1 << bits) - 1), zero));
    const steps = f32x4.sub(f32x4.add(f32x4.pmin(f32x4.pmax(f32x4.div(x, scale), low), high), round), round), value = f32x4.mul(steps, scale);
    const code = i32x4.add(i32x4.trunc_sat_f32x4_s(steps), zero), bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(code, code), i16x8.splat(0));
    const error = f32x4.mul(f32x4.sub(x, value), reciprocal);
    v128.store(f32At(errors, c), error);
    const e0 = f64x2.promote_low_f32x4(error), e1 = f64x2.promote_low_f32x4(v128.shuffle<i64>(error, error, 1, 0)), p = losses + (<usize>c << 3);
    if (columns >= 4) {
      v128.store(f32At(w, c), value); v128.store32_lane(codes + c, bytes, 0);
      v128.store(p, f64x2.add(v128.load(p), f64x2.mul(half, f64x2.mul(e0, e0)))); v128.store(p, f64x2.add(v128.load(p, 16), f64x2.mul(half, f64x2.mul(e1, e1))), 16);
    } else {
      storeFirst(w, value, columns << 2); storeFirst(codes, bytes, columns);
      store<f64>(p, load<f64>(p) + 0.5 * f64x2.extract_lane(e0, 0) * f64x2.extract_lane(e0, 0));
      if (columns > 1) store<f64>(p, load<f64>(p, 8) + 0.5 * f64x2.extract_lane(e0, 1) * f64x2.extract_lane(e0, 1), 8);
      if (columns > 2) store<f64>(p, load<f64>(p, 16) + 0.5 * f64x2.extract_lane(e1, 0) * f64x2.extract_lane(e1, 0), 16);
    }
  }
}
