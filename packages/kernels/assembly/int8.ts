import { bytesSigned, f32At, INFINITY_BITS, largest, largestInteger, magnitude, MAGNITUDE, quantized, ROUND_BITS, smallest, storeFirst } from './simd';

@inline function magnitudeOfRow(p: usize, end: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (; p + 64 <= end; p += 64) {
    a = i32x4.max_s(a, magnitude(v128.load(p))); b = i32x4.max_s(b, magnitude(v128.load(p, 16)));
    c = i32x4.max_s(c, magnitude(v128.load(p, 32))); d = i32x4.max_s(d, magnitude(v128.load(p, 48)));
  }
  let most = largestInteger(i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d)));
  for (; p < end; p += 4) most = max(most, load<i32>(p) & MAGNITUDE);
  return most;
}

@inline function codes16(p: usize, scale: v128, low: v128, high: v128, base: v128): v128 {
  return bytesSigned(quantized(v128.load(p), scale, low, high, base), quantized(v128.load(p, 16), scale, low, high, base), quantized(v128.load(p, 32), scale, low, high, base), quantized(v128.load(p, 48), scale, low, high, base));
}

function encodeRow(p: usize, columns: u32, s: f32, zero: i32, lowest: i32, highest: i32, codes: usize): void {
  const scale = f32x4.splat(s), low = f32x4.splat(<f32>(lowest - zero)), high = f32x4.splat(<f32>(highest - zero)), base = i32x4.splat(ROUND_BITS - zero);
  const end = codes + (columns & ~15);
  for (; codes < end; codes += 16, p += 64) v128.store(codes, codes16(p, scale, low, high, base));
  if (columns & 15) storeFirst(codes, codes16(p, scale, low, high, base), columns & 15);
}

/**
 * Quantizes each row with a scale of its own: codes within [-highest, highest], scale magnitude / highest. Gives the first row that holds NaN or
 * infinity, or -1; rows before it are done.
 */
export function int8Rows(w: usize, rows: u32, columns: u32, highest: i32, codes: usize, scales: usize): i32 {
  for (let r: u32 = 0; r < rows; r++) {
    const p = w + (<usize>r * columns << 2), most = magnitudeOfRow(p, f32At(p, columns));
    if (most >= INFINITY_BITS) return r;
    const quotient = reinterpret<f32>(most) / <f32>highest, s: f32 = quotient == 0 ? 1 : quotient;
    store<f32>(f32At(scales, r), s);
    encodeRow(p, columns, s, 0, -highest, highest, codes + <usize>r * columns);
  }
  return -1;
}

/** Scales of groups from their largest magnitudes, as int8Rows has them. Gives the first group that holds NaN or infinity, or -1. */
export function int8Scales(magnitudes: usize, groups: u32, highest: i32, scales: usize): i32 {
  for (let g: u32 = 0; g < groups; g++) {
    const most = load<i32>(f32At(magnitudes, g));
    if (most >= INFINITY_BITS) return g;
    const quotient = reinterpret<f32>(most) / <f32>highest;
    store<f32>(f32At(scales, g), quotient == 0 ? 1 : quotient);
  }
  return -1;
}

/** The largest of magnitudes, NaN above all, in the place of the first. */
export function largestFirst(magnitudes: usize, count: u32): void {
  let most = load<i32>(magnitudes);
  for (let i: u32 = 1; i < count; i++) most = max(most, load<i32>(f32At(magnitudes, i)));
  store<i32>(magnitudes, most);
}

/** What int8Rows does, with codes within [-highest - 1, highest], zero inside the range of a row, and zero points. */
export function int8RowsAsymmetric(w: usize, rows: u32, columns: u32, highest: i32, codes: usize, scales: usize, zeros: usize): i32 {
  for (let r: u32 = 0; r < rows; r++) {
    const p = w + (<usize>r * columns << 2), end = f32At(p, columns), lowest = -highest - 1, steps = <f32>(highest - lowest);
    if (magnitudeOfRow(p, end) >= INFINITY_BITS) return r;
    let q = p, lows = f32x4.splat(0), highs = lows;
    for (; q + 16 <= end; q += 16) { const x = v128.load(q); lows = f32x4.pmin(lows, x); highs = f32x4.pmax(highs, x); }
    for (; q < end; q += 4) { const x = v128.load32_splat(q); lows = f32x4.pmin(lows, x); highs = f32x4.pmax(highs, x); }
    const least = smallest(lows), quotient = <f32>((<f64>largest(highs) - <f64>least) / <f64>steps), s: f32 = quotient == 0 ? 1 : quotient;
    const zero = <i32>min<f32>(nearest<f32>(-least / s), steps) + lowest;
    store<f32>(f32At(scales, r), s); store<i8>(zeros + r, <i8>zero);
    encodeRow(p, columns, s, zero, lowest, highest, codes + <usize>r * columns);
  }
  return -1;
}

/** Codes of rows for given scales and zero points (0: none), within [lowest, highest]. */
export function int8EncodeRows(w: usize, rows: u32, columns: u32, scales: usize, zeros: usize, lowest: i32, highest: i32, codes: usize): void {
  for (let r: u32 = 0; r < rows; r++) encodeRow(w + (<usize>r * columns << 2), columns, load<f32>(f32At(scales, r)), zeros ? <i32>load<i8>(zeros + r) : 0, lowest, highest, codes + <usize>r * columns);
}

@inline function zeros4(zeros: usize, c: u32): v128 { return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(zeros + c))); }

/** How many rows share the preparation of a group of columns. */
const PANEL: u32 = 8;

/** The same with a scale and a zero point for each column. */
export function int8EncodeColumns(w: usize, rows: u32, columns: u32, scales: usize, zeros: usize, lowest: i32, highest: i32, codes: usize): void {
  for (let top: u32 = 0; top < rows; top += PANEL) for (let c: u32 = 0; c < columns; c += 16) {
    const height = min(PANEL, rows - top), width = min<u32>(16, columns - c), at = <usize>c << 2, none = i32x4.splat(0);
    const z0 = zeros ? zeros4(zeros, c) : none, z1 = zeros ? zeros4(zeros, c + 4) : none, z2 = zeros ? zeros4(zeros, c + 8) : none, z3 = zeros ? zeros4(zeros, c + 12) : none;
    const s0 = v128.load(scales + at), s1 = v128.load(scales + at, 16), s2 = v128.load(scales + at, 32), s3 = v128.load(scales + at, 48);
    let p = w + (<usize>top * columns << 2) + at, o = codes + <usize>top * columns + c;
    for (let r: u32 = 0; r < height; r++, p += <usize>columns << 2, o += columns) {
      const v = bytesSigned(column4(p, s0, z0, lowest, highest), column4(p + 16, s1, z1, lowest, highest), column4(p + 32, s2, z2, lowest, highest), column4(p + 48, s3, z3, lowest, highest));
      if (width == 16) v128.store(o, v); else storeFirst(o, v, width);
    }
  }
}

@inline function column4(p: usize, scale: v128, zero: v128, lowest: i32, highest: i32): v128 {
  const low = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(lowest), zero)), high = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(highest), zero));
  return quantized(v128.load(p), scale, low, high, i32x4.sub(i32x4.splat(ROUND_BITS), zero));
}

@inline function value4(codes: usize, zero: v128, scale: v128): v128 { return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(zeros4(codes, 0), zero)), scale); }

/** (code - zero point) * scale, a scale for each row. */
export function int8DecodeRows(codes: usize, rows: u32, columns: u32, scales: usize, zeros: usize, out: usize): void {
  const full = columns & ~3, tail = (columns & 3) << 2;
  for (let r: u32 = 0; r < rows; r++) {
    const scale = v128.load32_splat(f32At(scales, r)), zero = i32x4.splat(zeros ? <i32>load<i8>(zeros + r) : 0);
    for (let c: u32 = 0; c < full; c += 4, codes += 4, out += 16) v128.store(out, value4(codes, zero, scale));
    if (tail) { storeFirst(out, value4(codes, zero, scale), tail); codes += columns & 3; out += tail; }
  }
}

/** (code - zero point) * scale, a scale for each column. */
export function int8DecodeColumns(codes: usize, rows: u32, columns: u32, scales: usize, zeros: usize, out: usize): void {
  const full = columns & ~3, tail = (columns & 3) << 2, none = i32x4.splat(0);
  for (let r: u32 = 0; r < rows; r++) {
    let c: u32 = 0;
    for (; c < full; c += 4, codes += 4, out += 16) v128.store(out, value4(codes, zeros ? zeros4(zeros, c) : none, v128.load(f32At(scales, c))));
    if (tail) { storeFirst(out, value4(codes, zeros ? zeros4(zeros, c) : none, v128.load(f32At(scales, c))), tail); codes += columns & 3; out += tail; }
  }
}
