import { storeFirst, transposed4 } from './simd';

/** Side of the tiles in which a transposition walks: a tile of both sides fits the first-level cache. */
const TILE: u32 = 32;

/** out[c, r] = w[r, c] for elements of 32 bits; strides in elements. */
export function transpose32(w: usize, rows: u32, columns: u32, stride: u32, out: usize, outStride: u32): void {
  const from = <usize>stride << 2, to = <usize>outStride << 2;
  for (let r0: u32 = 0; r0 < rows; r0 += TILE) for (let c0: u32 = 0; c0 < columns; c0 += TILE) {
    const height = min(TILE, rows - r0), width = min(TILE, columns - c0), source = w + from * r0 + (<usize>c0 << 2), target = out + to * c0 + (<usize>r0 << 2);
    const fullRows = height & ~3, fullColumns = width & ~3;
    for (let c: u32 = 0; c < fullColumns; c += 4) for (let r: u32 = 0; r < fullRows; r += 4) {
      const p = source + from * r + (<usize>c << 2), q = target + to * c + (<usize>r << 2);
      const a = v128.load(p), b = v128.load(p + from), d = v128.load(p + from * 2), e = v128.load(p + from * 3);
      v128.store(q, transposed4(a, b, d, e, 0)); v128.store(q + to, transposed4(a, b, d, e, 1)); v128.store(q + to * 2, transposed4(a, b, d, e, 2)); v128.store(q + to * 3, transposed4(a, b, d, e, 3));
    }
    for (let r: u32 = 0; r < height; r++) for (let c = r < fullRows ? fullColumns : 0; c < width; c++) store<u32>(target + to * c + (<usize>r << 2), load<u32>(source + from * r + (<usize>c << 2)));
  }
}

/** The same for elements of 16 bits. */
export function transpose16(w: usize, rows: u32, columns: u32, stride: u32, out: usize, outStride: u32): void { scalarTranspose<u16>(w, rows, columns, stride, out, outStride); }

/** The same for elements of 8 bits. */
export function transpose8(w: usize, rows: u32, columns: u32, stride: u32, out: usize, outStride: u32): void { scalarTranspose<u8>(w, rows, columns, stride, out, outStride); }

@inline function scalarTranspose<T>(w: usize, rows: u32, columns: u32, stride: u32, out: usize, outStride: u32): void {
  const from = <usize>stride * sizeof<T>(), to = <usize>outStride * sizeof<T>();
  for (let r0: u32 = 0; r0 < rows; r0 += TILE) for (let c0: u32 = 0; c0 < columns; c0 += TILE) {
    const r1 = min(r0 + TILE, rows), c1 = min(c0 + TILE, columns);
    for (let c = c0; c < c1; c++) for (let r = r0; r < r1; r++) store<T>(out + to * c + r * sizeof<T>(), load<T>(w + from * r + c * sizeof<T>()));
  }
}

/** Each row times its factor; `out` may be `w`. */
export function scaleRows(w: usize, rows: u32, columns: u32, factors: usize, out: usize): void {
  const full = columns & ~3, tail = (columns & 3) << 2;
  for (let r: u32 = 0; r < rows; r++) {
    const factor = v128.load32_splat(factors + (<usize>r << 2));
    for (let c: u32 = 0; c < full; c += 4, w += 16, out += 16) v128.store(out, f32x4.mul(v128.load(w), factor));
    if (tail) { storeFirst(out, f32x4.mul(v128.load(w), factor), tail); w += tail; out += tail; }
  }
}

/** Each column times its factor; `out` may be `w`. */
export function scaleColumns(w: usize, rows: u32, columns: u32, factors: usize, out: usize): void {
  const full = columns & ~3, tail = (columns & 3) << 2;
  for (let r: u32 = 0; r < rows; r++) {
    let f = factors;
    for (let c: u32 = 0; c < full; c += 4, w += 16, out += 16, f += 16) v128.store(out, f32x4.mul(v128.load(w), v128.load(f)));
    if (tail) { storeFirst(out, f32x4.mul(v128.load(w), v128.load(f)), tail); w += tail; out += tail; }
  }
}
