import { checkLength } from './error.ts';
import { CHUNK_BYTES, inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { type NumericArray, pointerOf, withArena } from './memory/arena.ts';

/** Elements of 8, 16 or 32 bits, whatever they mean. */
export type Transposable = Exclude<NumericArray, Float64Array>;

/** The [columns, rows] matrix with the rows and columns of a [rows, columns] matrix exchanged. */
export function transpose<T extends Transposable>(w: T, rows: number, columns: number, into: T = new (w.constructor as new (length: number) => T)(w.length)): T {
  checkLength('w', w, rows * columns);
  checkLength('into', into, rows * columns);
  if (pointerOf(w) !== undefined && pointerOf(into) !== undefined) {
    transposeInto(w, rows, columns, into, rows, 0);
    return into;
  }
  // A few rows at a time; the source may lie anywhere.
  const step = Math.max(1, Math.min(rows, Math.floor(CHUNK_BYTES / w.BYTES_PER_ELEMENT / Math.max(columns, 1))));
  for (let start = 0; start < rows; start += step) {
    const height = Math.min(step, rows - start);
    transposeInto(w.subarray(start * columns, (start + height) * columns) as T, height, columns, into, rows, start);
  }
  return into;
}

/** Writes a [rows, columns] matrix as columns [at, at + rows) of a [columns, stride] matrix. */
export function transposeInto<T extends Transposable>(w: T, rows: number, columns: number, into: T, stride: number, at: number): void {
  const size = w.BYTES_PER_ELEMENT;
  const { transpose8, transpose16, transpose32 } = machine().kernels;
  const kernel = size === 4 ? transpose32 : size === 2 ? transpose16 : transpose8;
  const resident = pointerOf(into);
  if (w.length === 0) return;
  withArena((arena) => {
    const source = pointerOf(w) ?? placed(arena.uint8(w.byteLength), w);
    if (resident !== undefined) {
      kernel(source, rows, columns, columns, resident + at * size, stride);
      return;
    }
    const turned = arena.uint8(w.byteLength);
    kernel(source, rows, columns, columns, turned.byteOffset, rows);
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let c = 0; c < columns; c++) bytes.set(turned.subarray(c * rows * size, (c + 1) * rows * size), (c * stride + at) * size);
  });
}

function placed(inside: Uint8Array, w: Transposable): number {
  inside.set(new Uint8Array(w.buffer, w.byteOffset, w.byteLength));
  return inside.byteOffset;
}

/** Each row times its factor, rounded to float32. `into` may be `w`. */
export function scaleRows(w: Float32Array, rows: number, columns: number, factors: Float32Array, into: Float32Array = new Float32Array(w.length)): Float32Array {
  return scaled('scaleRows', w, rows, columns, factors, into);
}

/** Each column times its factor, rounded to float32. `into` may be `w`. */
export function scaleColumns(w: Float32Array, rows: number, columns: number, factors: Float32Array, into: Float32Array = new Float32Array(w.length)): Float32Array {
  return scaled('scaleColumns', w, rows, columns, factors, into);
}

function scaled(kernel: 'scaleRows' | 'scaleColumns', w: Float32Array, rows: number, columns: number, factors: Float32Array, into: Float32Array): Float32Array {
  checkLength('w', w, rows * columns);
  checkLength('into', into, rows * columns);
  checkLength('factors', factors, kernel === 'scaleRows' ? rows : columns);
  const operands = [
    { name: 'w', view: w, use: 'read', per: columns },
    { name: 'into', view: into, use: 'write', per: columns },
    { name: 'factors', view: factors, use: 'read', ...(kernel === 'scaleRows' ? { per: 1 } : {}) },
  ] as const;
  inChunks(rows, operands, ([from, to, factor], count) => machine().kernels[kernel](from!, count, columns, factor!, to!));
  return into;
}
