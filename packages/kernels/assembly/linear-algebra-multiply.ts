import { transposed4 } from './simd';

// Products of float32 matrices after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): a block of A stays in the
// second-level cache, a panel of B in the first, a tile of 4 x 8 results in registers. Each result is the sum over the blocks of DEPTH, in order, of
// sums in order: it does not depend on how the caller cuts rows and columns into calls.

const DEPTH: u32 = 256, ROWS: u32 = 96, COLUMNS: u32 = 1024;

@inline function blockOfA(m: u32, k: u32): usize { return <usize>min(ROWS, (m + 3) & ~3) * min(DEPTH, k) << 2; }
@inline function blockOfB(n: u32, k: u32): usize { return <usize>min(COLUMNS, (n + 7) & ~7) * min(DEPTH, k) << 2; }

/** Bytes of scratch that `multiply` wants for these sizes. */
export function multiplyScratch(m: u32, n: u32, k: u32): u32 { return <u32>(blockOfA(m, k) + blockOfB(n, k) + 128); }

/**
 * C [m, n] = alpha * op(A) op(B) + beta * C, where op transposes or not: op(A) is [m, k], op(B) is [k, n]. Strides count the elements of a row as
 * stored. Where beta is 0, C is not read. C overlaps neither A nor B. Results (i, j) with j > i + `reach` are not wanted, and made only where it is less work than
 * leaving them out; with n all are made.
 */
export function multiply(transposeA: u32, transposeB: u32, m: u32, n: u32, k: u32, alpha: f32, a: usize, strideA: u32, b: usize, strideB: u32, beta: f32, c: usize, strideC: u32, reach: u32, scratch: usize): void {
  if (k == 0) return scale(m, n, beta, c, strideC);
  const packedA = scratch, packedB = scratch + blockOfA(m, k), edge = packedB + blockOfB(n, k);
  for (let column: u32 = 0; column < n; column += COLUMNS) {
    const columns = min(COLUMNS, n - column);
    for (let start: u32 = 0; start < k; start += DEPTH) {
      const depth = min(DEPTH, k - start), keep: f32 = start ? 1 : beta;
      packB(b, strideB, transposeB, start, depth, column, columns, packedB);
      for (let row: u32 = 0; row < m; row += ROWS) {
        const rows = min(ROWS, m - row);
        packA(a, strideA, transposeA, start, depth, row, rows, packedA);
        for (let j: u32 = 0; j < columns; j += 8) for (let i = firstRow(row, column + j, reach); i < rows; i += 4) {
          tile(packedA + (<usize>i * depth << 2), packedB + (<usize>j * depth << 2), depth, alpha, keep, at(c, strideC, row + i, column + j), <usize>strideC << 2, min<u32>(4, rows - i), min<u32>(8, columns - j), edge);
        }
      }
    }
  }
}

@inline function at(base: usize, stride: u32, row: u32, column: u32): usize { return base + ((<usize>row * stride + column) << 2); }

/** Of the rows of a block that starts at `row`, the first tile that has a wanted result in its first column. */
@inline function firstRow(row: u32, column: u32, reach: u32): u32 { return column > row + reach + 3 ? (column - row - reach) & ~3 : 0; }

function scale(m: u32, n: u32, beta: f32, c: usize, strideC: u32): void {
  for (let i: u32 = 0; i < m; i++) for (let j: u32 = 0; j < n; j++) { const p = at(c, strideC, i, j); store<f32>(p, beta == 0 ? 0 : beta * load<f32>(p)); }
}

/** Panels of four rows, each [depth, 4]. */
function packA(a: usize, stride: u32, transposed: u32, start: u32, depth: u32, row: u32, rows: u32, to: usize): void {
  const step = <usize>stride << 2, panel = <usize>depth << 4;
  let i: u32 = 0;
  if (transposed) {
    // Four panels at a time read whole cache lines.
    for (; i + 16 <= rows; i += 16, to += panel * 4) {
      let p = at(a, stride, start, row + i), o = to;
      for (let d: u32 = 0; d < depth; d++, p += step, o += 16) {
        v128.store(o, v128.load(p)); v128.store(o + panel, v128.load(p, 16)); v128.store(o + panel * 2, v128.load(p, 32)); v128.store(o + panel * 3, v128.load(p, 48));
      }
    }
    for (; i + 4 <= rows; i += 4, to += panel) {
      let p = at(a, stride, start, row + i), o = to;
      for (let d: u32 = 0; d < depth; d++, p += step, o += 16) v128.store(o, v128.load(p));
    }
    if (i < rows) packEdge(at(a, stride, start, row + i), 4, step, rows - i, 4, depth, to);
  } else {
    for (; i + 4 <= rows; i += 4, to += panel) packFour(at(a, stride, row + i, start), step, depth, to, 16);
    if (i < rows) packEdge(at(a, stride, row + i, start), step, 4, rows - i, 4, depth, to);
  }
}

/** Panels of eight columns, each [depth, 8]. */
function packB(b: usize, stride: u32, transposed: u32, start: u32, depth: u32, column: u32, columns: u32, to: usize): void {
  const step = <usize>stride << 2, panel = <usize>depth << 5;
  let j: u32 = 0;
  if (transposed) {
    for (; j + 8 <= columns; j += 8, to += panel) {
      packFour(at(b, stride, column + j, start), step, depth, to, 32);
      packFour(at(b, stride, column + j + 4, start), step, depth, to + 16, 32);
    }
    if (j < columns) packEdge(at(b, stride, column + j, start), step, 4, columns - j, 8, depth, to);
  } else {
    for (; j + 16 <= columns; j += 16, to += panel * 2) {
      let p = at(b, stride, start, column + j), o = to;
      for (let d: u32 = 0; d < depth; d++, p += step, o += 32) {
        v128.store(o, v128.load(p)); v128.store(o, v128.load(p, 16), 16); v128.store(o + panel, v128.load(p, 32)); v128.store(o + panel, v128.load(p, 48), 16);
      }
    }
    for (; j + 8 <= columns; j += 8, to += panel) {
      let p = at(b, stride, start, column + j), o = to;
      for (let d: u32 = 0; d < depth; d++, p += step, o += 32) { v128.store(o, v128.load(p)); v128.store(o, v128.load(p, 16), 16); }
    }
    if (j < columns) packEdge(at(b, stride, start, column + j), 4, step, columns - j, 8, depth, to);
  }
}

/** Four rows of the source become the four lanes of each step of a panel. */
@inline function packFour(p: usize, step: usize, depth: u32, to: usize, width: usize): void {
  let d: u32 = 0;
  for (; d + 4 <= depth; d += 4, p += 16, to += width * 4) {
    const x = v128.load(p), y = v128.load(p + step), z = v128.load(p + step * 2), t = v128.load(p + step * 3);
    v128.store(to, transposed4(x, y, z, t, 0)); v128.store(to + width, transposed4(x, y, z, t, 1)); v128.store(to + width * 2, transposed4(x, y, z, t, 2)); v128.store(to + width * 3, transposed4(x, y, z, t, 3));
  }
  for (; d < depth; d++, p += 4, to += width) for (let x: usize = 0; x < 4; x++) store<f32>(to + (x << 2), load<f32>(p + step * x));
}

/** A panel that the matrix does not fill: zeros for what is missing. `across` and `along`: bytes from lane to lane and from step to step in the source. */
function packEdge(p: usize, across: usize, along: usize, count: u32, width: u32, depth: u32, to: usize): void {
  for (let d: u32 = 0; d < depth; d++, p += along) for (let x: u32 = 0; x < width; x++, to += 4) store<f32>(to, x < count ? load<f32>(p + across * x) : 0);
}

@inline function added(c: v128, x: v128, y: v128): v128 { return f32x4.add(c, f32x4.mul(x, y)); }

function tile(a: usize, b: usize, depth: u32, alpha: f32, keep: f32, c: usize, step: usize, rows: u32, columns: u32, edge: usize): void {
  const end = a + (<usize>depth << 4);
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  while (a < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a); c00 = added(c00, x, b0); c01 = added(c01, x, b1);
    x = v128.load32_splat(a, 4); c10 = added(c10, x, b0); c11 = added(c11, x, b1);
    x = v128.load32_splat(a, 8); c20 = added(c20, x, b0); c21 = added(c21, x, b1);
    x = v128.load32_splat(a, 12); c30 = added(c30, x, b0); c31 = added(c31, x, b1);
    a += 16; b += 32;
  }
  if (rows == 4 && columns == 8) {
    write(c, c00, c01, alpha, keep); write(c + step, c10, c11, alpha, keep); write(c + step * 2, c20, c21, alpha, keep); write(c + step * 3, c30, c31, alpha, keep);
    return;
  }
  v128.store(edge, c00); v128.store(edge, c01, 16); v128.store(edge, c10, 32); v128.store(edge, c11, 48); v128.store(edge, c20, 64); v128.store(edge, c21, 80); v128.store(edge, c30, 96); v128.store(edge, c31, 112);
  for (let i: u32 = 0; i < rows; i++) for (let j: u32 = 0; j < columns; j++) {
    const p = c + step * i + (j << 2), value = alpha * load<f32>(edge + ((i * 8 + j) << 2));
    store<f32>(p, keep == 0 ? value : keep * load<f32>(p) + value);
  }
}

@inline function write(p: usize, low: v128, high: v128, alpha: f32, keep: f32): void {
  const factor = f32x4.splat(alpha);
  low = f32x4.mul(factor, low); high = f32x4.mul(factor, high);
  if (keep != 0) {
    const old = f32x4.splat(keep);
    low = f32x4.add(f32x4.mul(old, v128.load(p)), low); high = f32x4.add(f32x4.mul(old, v128.load(p, 16)), high);
  }
  v128.store(p, low); v128.store(p, high, 16);
}
