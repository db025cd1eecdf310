import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { hashFile, type Feeds } from '@onnxpress/core';
import { brokenArray, unevenArrays, unreadableFile } from '../../problems.ts';
import { onlyInput, type Examples } from '../examples.ts';
import { openNpy, type NpyArray } from './npy.ts';
import { zipEntries } from './zip.ts';

interface Source {
  /** The input it is for. */
  readonly input: string;
  readonly place: string;
  bytes(): AsyncIterable<Uint8Array>;
}

/**
 * Arrays of NumPy, whose first dimension counts examples: `batch` of them to a run, or the arrays as they are if undefined. Scalars go into every run. Read
 * as streams, side by side: memory holds one run. `input` names what a .npy file is for.
 */
export async function arrayExamples(file: string, input: string, batch: number | undefined): Promise<Examples> {
  try {
    const sha256 = await hashFile(file);
    const sources = extname(file).toLowerCase() === '.npz' ? await npzSources(file) : [{ input, place: file, bytes: () => createReadStream(file) }];
    const arrays = await openAll(sources);
    await closeAll(arrays);
    return { sha256, count: batch === undefined ? 1 : Math.ceil(rowsOf(file, sources, arrays) / batch), feeds: () => read(file, sources, batch) };
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^E[A-Z]+$/.test(cause.code)) throw unreadableFile(file, cause.message, cause);
    throw cause;
  }
}

async function npzSources(file: string): Promise<readonly Source[]> {
  const entries = (await zipEntries(file)).filter(({ name }) => name.endsWith('.npy'));
  if (entries.length === 0) throw brokenArray(file, 'holds no arrays', 'Write it with numpy.savez: an array per input, under its name.');
  // numpy.savez without names calls its arrays arr_0, arr_1, …
  const named = (name: string): string => (entries.length === 1 && name === 'arr_0' ? onlyInput : name);
  return entries.map(({ name, bytes }) => ({ input: named(name.slice(0, -'.npy'.length)), place: `${file}: ${name}`, bytes }));
}

async function* read(file: string, sources: readonly Source[], batch: number | undefined): AsyncGenerator<Feeds, void, undefined> {
  const arrays = await openAll(sources);
  try {
    const constant = new Map(await Promise.all(arrays.flatMap((array, at) => (array.dims.length === 0 ? [array.rows(1).then((feed) => [at, feed] as const)] : []))));
    const total = batch === undefined ? Infinity : rowsOf(file, sources, arrays);
    for (let done = 0; done < total; done += batch ?? Infinity) {
      const feeds = await Promise.all(arrays.map((array, at) => constant.get(at) ?? array.rows(batch ?? Infinity)));
      yield Object.fromEntries(feeds.map((feed, at) => [sources[at]!.input, feed]));
    }
  } finally {
    await closeAll(arrays);
  }
}

/** How many examples the arrays have. */
function rowsOf(file: string, sources: readonly Source[], arrays: readonly NpyArray[]): number {
  const counted = arrays.flatMap(({ dims }, at) => (dims[0] === undefined ? [] : [{ input: sources[at]!.input, rows: dims[0] }]));
  const [first] = counted;
  const other = counted.find(({ rows }) => rows !== first!.rows); // there is no other without a first
  if (other) throw unevenArrays(file, first!.input, first!.rows, other.input, other.rows);
  return first?.rows ?? 1;
}

async function openAll(sources: readonly Source[]): Promise<NpyArray[]> {
  const arrays: NpyArray[] = [];
  try {
    for (const { bytes, place } of sources) arrays.push(await openNpy(bytes(), place));
    return arrays;
  } catch (e) {
    await closeAll(arrays);
    throw e;
  }
}

const closeAll = (arrays: readonly NpyArray[]): Promise<unknown> => Promise.all(arrays.map((array) => array.close()));
