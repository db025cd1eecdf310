import { checkLength, checkOption, KernelError, NonFiniteError } from './error.ts';
import { CHUNK_BYTES, inChunks, type Operand } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { checkFinite, ranges } from './statistics.ts';

/** Symmetric: zero point 0, codes within [-127, 127]. Asymmetric: codes within [-128, 127] and a zero point, zero always inside the range. */
export type Int8Mode = 'symmetric' | 'asymmetric';

export interface Int8Options {
  /** Default: symmetric. */
  readonly mode?: Int8Mode;
  /** Use 7 of the 8 bits, for processors whose 8-bit products saturate. Default: no. */
  readonly reduceRange?: boolean;
}

/** 0: each row of the matrix has its scale. 1: each column has. */
export type Axis = 0 | 1;

export interface Int8Codes {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** Only of asymmetric codes. */
  readonly zeroPoints?: Int8Array;
}

/**
 * Quantizes a row-major matrix with a scale for each row or column: code = clamp(round(w / scale) + zero point), round half to even, as ONNX QuantizeLinear
 * does with the same scale. scale = absmax / 127, or (max - min) / 255; 1 where that is 0. Throws NonFiniteError.
 */
export function quantizeInt8PerAxis(w: Float32Array, rows: number, columns: number, { axis = 0, mode = 'symmetric', reduceRange = false }: Int8Options & { readonly axis?: Axis } = {}, into?: Int8Codes): Int8Codes {
  checkLength('w', w, rows * columns);
  checkOption('mode', mode, ['symmetric', 'asymmetric']);
  checkOption('axis', axis, [0, 1]);
  const highest = reduceRange ? 63 : 127;
  const groups = axis === 0 ? rows : columns;
  const result = into ?? { codes: new Int8Array(w.length), scales: new Float32Array(groups), ...(mode === 'asymmetric' ? { zeroPoints: new Int8Array(groups) } : {}) };
  checkLength('scales', result.scales, groups);
  if ((mode === 'asymmetric') !== (result.zeroPoints !== undefined)) throw new KernelError('wrong-size', 'Asymmetric codes have zero points, symmetric ones have none: give "zeroPoints" with the other results accordingly');
  if (axis === 1 || columns * 4 > CHUNK_BYTES) return byRanges(w, rows, columns, axis, highest, result);
  const operands: Operand[] = [{ name: 'w', view: w, use: 'read', per: columns }, { name: 'codes', view: result.codes, use: 'write', per: columns }, { name: 'scales', view: result.scales, use: 'write', per: 1 }];
  if (result.zeroPoints) operands.push({ name: 'zeroPoints', view: result.zeroPoints, use: 'write', per: 1 });
  inChunks(rows, operands, ([from, codes, scales, zeros], count) => {
    const { int8Rows, int8RowsAsymmetric } = machine().kernels;
    const bad = zeros === undefined ? int8Rows(from!, count, columns, highest, codes!, scales!) : int8RowsAsymmetric(from!, count, columns, highest, codes!, scales!, zeros);
    if (bad >= 0) throw nonFinite(w);
  });
  return result;
}

/** The same with one scale for everything. */
export function quantizeInt8PerTensor(w: Float32Array, options: Int8Options = {}): { readonly codes: Int8Array; readonly scale: number; readonly zeroPoint: number } {
  const { codes, scales, zeroPoints } = quantizeInt8PerAxis(w, 1, w.length, options);
  return { codes, scale: scales[0]!, zeroPoint: zeroPoints?.[0] ?? 0 };
}

/** Two readings: ranges first, then codes. */
function byRanges(w: Float32Array, rows: number, columns: number, axis: Axis, highest: number, result: Int8Codes): Int8Codes {
  const { scales, zeroPoints } = result;
  const lowest = zeroPoints ? -highest - 1 : -highest;
  scales.fill(1);
  zeroPoints?.fill(lowest);
  if (w.length > 0) {
    const { min, max, absMax } = ranges(w, rows, columns, { per: axis === 0 ? 'row' : 'column' });
    if (!absMax.every(Number.isFinite)) throw nonFinite(w);
    for (let g = 0; g < scales.length; g++) {
      const [low, high] = [Math.min(min[g]!, 0), Math.max(max[g]!, 0)];
      const scale = Math.fround(zeroPoints ? (high - low) / (highest - lowest) : absMax[g]! / highest);
      scales[g] = scale === 0 ? 1 : scale;
      if (zeroPoints) zeroPoints[g] = Math.min(roundHalfToEven(Math.fround(-low / scales[g]!)), highest - lowest) + lowest;
    }
  }
  encodeInt8(w, rows, columns, { axis, scales, ...(zeroPoints ? { zeroPoints } : {}), lowest, highest }, result.codes);
  return result;
}

function roundHalfToEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

export interface Int8Grid {
  readonly axis: Axis;
  /** One for each row or column. */
  readonly scales: Float32Array;
  readonly zeroPoints?: Int8Array;
}

/** Codes for given scales, clamped to [lowest, highest] (default: all of int8). NaN becomes `lowest`. */
export function encodeInt8(w: Float32Array, rows: number, columns: number, { axis, scales, zeroPoints, lowest = -128, highest = 127 }: Int8Grid & { readonly lowest?: number; readonly highest?: number }, into: Int8Array = new Int8Array(w.length)): Int8Array {
  overGrid(rows, columns, { axis, scales, ...(zeroPoints ? { zeroPoints } : {}) }, { name: 'w', view: w, use: 'read' }, { name: 'codes', view: into, use: 'write' }, ([from, to, scale, zero], height, width) => {
    const { int8EncodeColumns, int8EncodeRows } = machine().kernels;
    (axis === 0 ? int8EncodeRows : int8EncodeColumns)(from!, height, width, scale!, zero ?? 0, lowest, highest, to!);
  });
  return into;
}

/** (code - zero point) * scale, as ONNX DequantizeLinear has it. */
export function dequantizeInt8(codes: Int8Array, rows: number, columns: number, grid: Int8Grid, into: Float32Array = new Float32Array(codes.length)): Float32Array {
  overGrid(rows, columns, grid, { name: 'codes', view: codes, use: 'read' }, { name: 'into', view: into, use: 'write' }, ([from, to, scale, zero], height, width) => {
    const { int8DecodeColumns, int8DecodeRows } = machine().kernels;
    (grid.axis === 0 ? int8DecodeRows : int8DecodeColumns)(from!, height, width, scale!, zero ?? 0, to!);
  });
  return into;
}

/** Calls `kernel` on pieces of a matrix with their scales and zero points; a row that is longer than a chunk is cut. */
function overGrid(rows: number, columns: number, { axis, scales, zeroPoints }: Int8Grid, from: Operand, to: Operand, kernel: (pointers: readonly number[], rows: number, columns: number) => void): void {
  checkLength(from.name, from.view, rows * columns);
  checkLength(to.name, to.view, rows * columns);
  const groups = axis === 0 ? rows : columns;
  checkLength('scales', scales, groups);
  if (zeroPoints) checkLength('zeroPoints', zeroPoints, groups);
  if (axis === 0 && columns * 4 > CHUNK_BYTES) {
    for (let r = 0; r < rows; r++) {
      const row = (o: Operand): Operand => ({ ...o, view: o.view.subarray(r * columns, (r + 1) * columns), per: 1 });
      const own = [{ name: 'scales', view: scales.subarray(r, r + 1), use: 'read' }, ...(zeroPoints ? [{ name: 'zeroPoints', view: zeroPoints.subarray(r, r + 1), use: 'read' }] : [])] as Operand[];
      inChunks(columns, [row(from), row(to), ...own], (pointers, count) => kernel(pointers, 1, count));
    }
    return;
  }
  const per = axis === 0 ? { per: 1 } : {};
  const operands: Operand[] = [{ ...from, per: columns }, { ...to, per: columns }, { name: 'scales', view: scales, use: 'read', ...per }];
  if (zeroPoints) operands.push({ name: 'zeroPoints', view: zeroPoints, use: 'read', ...per });
  inChunks(rows, operands, (pointers, count) => kernel(pointers, count, columns));
}

function nonFinite(w: Float32Array): NonFiniteError {
  const index = checkFinite(w);
  return new NonFiniteError(index, w[index]!);
}
