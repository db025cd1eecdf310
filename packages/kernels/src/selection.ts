import { checkLength, checkWhole } from './error.ts';
import { CHUNK_BYTES, inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { pointerOf } from './memory/arena.ts';

export interface MaskOptions {
  /** So many of the values whose magnitude is exactly the threshold are zeroed too, the first ones. Default: none. */
  readonly ties?: number;
  /** Default: a new array. May be `w`. */
  readonly into?: Float32Array;
}

/**
 * Zeros (+0) what has a magnitude below the threshold and keeps the rest bit for bit; NaN stays. Gives the values and how many ties were used. With what
 * kthMagnitude gives, exactly k values are zeroed: `maskBelow(w, kth.magnitude, { ties: k - kth.below })`.
 */
export function maskBelow(w: Float32Array, threshold: number, { ties = 0, into = new Float32Array(w.length) }: MaskOptions = {}): { readonly values: Float32Array; readonly ties: number } {
  checkWhole('ties', ties, 0);
  const bits = bitsOf(Math.abs(threshold));
  let left = ties;
  inChunks(w.length, [{ name: 'w', view: w, use: 'read', per: 1 }, { name: 'into', view: into, use: 'write', per: 1 }], ([from, to], count) => {
    left -= machine().kernels.maskBelow(from!, count, bits, Math.min(left, count), to!);
  });
  return { values: into, ties: ties - left };
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bit pattern of a float32. */
export function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getInt32(0);
}

/** The float32 of a bit pattern. */
export function valueOf(bits: number): number {
  scratch.setInt32(0, bits);
  return scratch.getFloat32(0);
}

export interface KeepOptions {
  /** How many of each group are kept. */
  readonly n: number;
  /** How many a group has; the last may have fewer. */
  readonly m: number;
  /** Groups are neighbours in a row, or in a column (the input dimension of a [K, N] weight). Default: in a row. */
  readonly along?: 'row' | 'column';
  readonly into?: Float32Array;
}

/** Keeps the n values of largest magnitude in each group of m and zeros (+0) the rest; of equal magnitudes the first stay. "2:4" is n = 2, m = 4. */
export function keepNofM(w: Float32Array, rows: number, columns: number, { n, m, along = 'row', into = new Float32Array(w.length) }: KeepOptions): Float32Array {
  checkWhole('m', m, 1, 2 ** 16);
  checkWhole('n', n, 0, m);
  checkLength('w', w, rows * columns);
  // Kernels look at a whole group while they write it.
  const source = pointerOf(w) !== undefined && pointerOf(w) === pointerOf(into) ? w.slice() : w;
  const group = along === 'row' ? 1 : m;
  const name = along === 'row' ? 'keepInRows' : 'keepInColumns';
  if (along === 'row' && columns * 4 > CHUNK_BYTES) {
    for (let r = 0; r < rows; r++) {
      const row = (view: Float32Array): Float32Array => view.subarray(r * columns, (r + 1) * columns);
      inChunks(columns, [{ name: 'w', view: row(source), use: 'read', per: 1 }, { name: 'into', view: row(into), use: 'write', per: 1 }], ([from, to], count) => machine().kernels.keepInRows(from!, 1, count, n, m, to!), m);
    }
    return into;
  }
  inChunks(rows, [{ name: 'w', view: source, use: 'read', per: columns }, { name: 'into', view: into, use: 'write', per: columns }], ([from, to], count) => machine().kernels[name](from!, count, columns, n, m, to!), group);
  return into;
}
