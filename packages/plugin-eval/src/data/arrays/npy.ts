import type { DType, Feed } from '@onnxpress/core';
import { brokenArray } from '../../problems.ts';
import { arrayOf } from './typed.ts';
import { ByteReader } from './bytes.ts';

/** An array as NumPy stores it, read along its first dimension. */
export interface NpyArray {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** The next `rows` entries of the first dimension (fewer at the end), or all of a scalar. */
  rows(count: number): Promise<Feed>;
  close(): Promise<void>;
}

/** NumPy's names of the element types that models take. */
const TYPES: Readonly<Record<string, { readonly dtype: DType; readonly size: number }>> = {
  '<f4': { dtype: 'float32', size: 4 }, '<f8': { dtype: 'float64', size: 8 }, '<f2': { dtype: 'float16', size: 2 }, '|b1': { dtype: 'bool', size: 1 },
  '|i1': { dtype: 'int8', size: 1 }, '|u1': { dtype: 'uint8', size: 1 }, '<i2': { dtype: 'int16', size: 2 }, '<u2': { dtype: 'uint16', size: 2 },
  '<i4': { dtype: 'int32', size: 4 }, '<u4': { dtype: 'uint32', size: 4 }, '<i8': { dtype: 'int64', size: 8 }, '<u8': { dtype: 'uint64', size: 8 },
};
const MAGIC = '\x93NUMPY';

/** A header is a line; a longer one is none. */
const LONGEST_HEADER = 2 ** 20;

/**
 * Reads the .npy format, versions 1 to 3 (numpy.lib.format). `place` is what messages call it. Throws `data-broken` for what is no such array, and for
 * types and orders that models do not take.
 */
export async function openNpy(chunks: AsyncIterable<Uint8Array>, place: string): Promise<NpyArray> {
  const reader = new ByteReader(chunks);
  const { type, dims } = await header(reader, place);
  const [examples, ...inner] = dims;
  const rowBytes = inner.reduce((a, b) => a * b, 1) * type.size;
  let left = examples ?? 1;
  return {
    dtype: type.dtype,
    dims,
    async rows(count) {
      const rows = Math.min(count, left);
      left -= rows;
      const bytes = await reader.take(rows * rowBytes);
      if (bytes.length < rows * rowBytes) throw brokenArray(place, `ends before its ${examples ?? 1} entries do`, 'Write it again: it is not whole.');
      return { dtype: type.dtype, dims: examples === undefined ? [] : [rows, ...inner], data: arrayOf(type.dtype, bytes) };
    },
    close: () => reader.close(),
  };
}

async function header(reader: ByteReader, place: string): Promise<{ readonly type: { readonly dtype: DType; readonly size: number }; readonly dims: readonly number[] }> {
  const start = Buffer.from(await reader.take(8));
  if (start.toString('latin1', 0, 6) !== MAGIC) throw brokenArray(place, 'is no NumPy array', 'Write it with numpy.save or numpy.savez.');
  const wide = start[6]! > 1;
  const size = Buffer.from(await reader.take(wide ? 4 : 2));
  const length = size.length < (wide ? 4 : 2) ? Infinity : wide ? size.readUInt32LE() : size.readUInt16LE();
  if (length > LONGEST_HEADER) throw brokenArray(place, 'has no header of a NumPy array', 'Write it again: it is damaged.');
  const text = Buffer.from(await reader.take(length)).toString('utf8');
  const [descr, order, shape] = [/'descr'\s*:\s*'([^']*)'/.exec(text)?.[1], /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1], /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1]];
  if (order === undefined || shape === undefined) throw brokenArray(place, 'has no header of a NumPy array', 'Write it again: it is damaged.');
  const type = descr === undefined ? undefined : TYPES[descr];
  if (type === undefined) throw brokenArray(place, `holds ${descr === undefined ? 'records' : `"${descr}"`}, which no model takes`, 'Write it with a type such as astype("<f4") or astype("<i8").');
  const dims = shape.split(',').filter((part) => part.trim() !== '').map(Number);
  if (order === 'True' && dims.length > 1) throw brokenArray(place, 'lies in Fortran order', 'Write numpy.ascontiguousarray of it.');
  return { type, dims };
}
