import { checkLength } from './error.ts';
import { CHUNK_BYTES, inChunks, type Operand } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { type NumericArray, pointerOf, withArena } from './memory/arena.ts';

/** Elements of 8, 16 or 32 bits, whatever they mean. */
export type Transposable = Exclude<NumericArray, Float64Array>;

/** The [columns, rows] matrix with the rows and columns of a [rows, columns] matrix exchanged. */
export function transpose<T extends Transposable>(w: T, rows: number, columns: number, into: T = new (w.constructor as new (length: number) => T)(w.length)): T {
  checkLength('w', w, rows * columns);
  checkLength('into', into, rows * columns);
  transposeInto(w, rows, columns, into, rows, 0);
  return into;
}

/** Writes a [rows, columns] matrix as columns [at, at + rows) of a [columns, stride] matrix. */
export function transposeInto<T extends Transposable>(w: T, rows: number, columns: number, into: T, stride: number, at: number): void {
  const size = w.BYTES_PER_ELEMENT;
  const { transpose8, transpose16, transpose32 } = machine().kernels;
  const kernel = size === 4 ? transpose32 : size === 2 ? transpose16 : transpose8;
  const [source, target] = [pointerOf(w), pointerOf(into)];
  if (source !== undefined && target !== undefined) {
    kernel(source, rows, columns, columns, target + at * size, stride);
    return;
  }
  // In pieces, wide ones where rows allow it: what is copied at once should not be tiny on either side.
  const most = CHUNK_BYTES / size;
  const width = Math.max(1, Math.min(columns, Math.floor(most / Math.min(rows, LOWEST_PIECE))));
  const height = Math.max(1, Math.min(rows, Math.floor(most / width)));
  const [from, to] = [bytesOf(w), bytesOf(into)];
  withArena((arena) => {
    const [piece, turned] = [arena.uint8(height * width * size), arena.uint8(height * width * size)];
    for (let row = 0; row < rows; row += height) {
      for (let column = 0; column < columns; column += width) {
        const [high, wide] = [Math.min(height, rows - row), Math.min(width, columns - column)];
        copyRows(from, columns * size, (row * columns + column) * size, piece, wide * size, 0, wide * size, high);
        kernel(piece.byteOffset, high, wide, wide, turned.byteOffset, high);
        copyRows(turned, high * size, 0, to, stride * size, (column * stride + at + row) * size, high * size, wide);
      }
    }
  });
}

/** Pieces of a matrix of long rows have at least so many rows. */
const LOWEST_PIECE = 64;

const bytesOf = ({ buffer, byteOffset, byteLength }: Transposable): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** Copies `count` runs of `length` bytes between places that are so many bytes apart. */
function copyRows(from: Uint8Array, fromStride: number, fromStart: number, to: Uint8Array, toStride: number, toStart: number, length: number, count: number): void {
  if (fromStride === length && toStride === length) to.set(from.subarray(fromStart, fromStart + length * count), toStart);
  else for (let i = 0; i < count; i++) to.set(from.subarray(fromStart + i * fromStride, fromStart + i * fromStride + length), toStart + i * toStride);
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
  const call = machine().kernels[kernel];
  if (columns * 4 <= CHUNK_BYTES) {
    const operands = [
      { name: 'w', view: w, use: 'read', per: columns },
      { name: 'into', view: into, use: 'write', per: columns },
      { name: 'factors', view: factors, use: 'read', ...(kernel === 'scaleRows' ? { per: 1 } : {}) },
    ] as const;
    inChunks(rows, operands, ([from, to, factor], count) => call(from!, count, columns, factor!, to!));
    return into;
  }
  for (let r = 0; r < rows; r++) {
    const row = (view: Float32Array): Float32Array => view.subarray(r * columns, (r + 1) * columns);
    const own: Operand = kernel === 'scaleRows' ? { name: 'factors', view: factors.subarray(r, r + 1), use: 'read' } : { name: 'factors', view: factors, use: 'read', per: 1 };
    inChunks(columns, [{ name: 'w', view: row(w), use: 'read', per: 1 }, { name: 'into', view: row(into), use: 'write', per: 1 }, own], ([from, to, factor], count) => call(from!, 1, count, factor!, to!));
  }
  return into;
}
