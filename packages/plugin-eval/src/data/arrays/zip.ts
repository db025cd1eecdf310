import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { brokenArray } from '../../problems.ts';

/** A file in a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Its bytes, decompressed on the way. */
  bytes(): AsyncIterable<Uint8Array>;
}

const [END, END64, LOCATOR64, ENTRY, LOCAL] = [0x06054b50, 0x06064b50, 0x07064b50, 0x02014b50, 0x04034b50];
const [STORED, DEFLATED] = [0, 8];
/** The end record is 22 bytes and may carry a comment of 65,535. */
const LONGEST_END = 22 + 65_535;
const WIDE = 0xffffffff;
const MOST_DIRECTORY = 256 * 2 ** 20;

/** The files of a zip archive (PKWARE's APPNOTE 6.3), stored or deflated, of any size; in the archive's order. Throws `data-broken` for anything else. */
export async function zipEntries(file: string): Promise<readonly ZipEntry[]> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { start, length } = await directory(handle, size, file);
    const bytes = await read(handle, start, length);
    const entries: ZipEntry[] = [];
    for (let at = 0; at + 46 <= bytes.length && bytes.readUInt32LE(at) === ENTRY;) {
      const [name, extra, comment] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
      entries.push(await entryAt(handle, bytes.subarray(at, at + 46 + name + extra), file, size));
      at += 46 + name + extra + comment;
    }
    return entries;
  } finally {
    await handle.close();
  }
}

const broken = (file: string, problem: string): Error => brokenArray(file, problem, 'Write it again with numpy.savez or numpy.savez_compressed.');

async function directory(handle: FileHandle, size: number, file: string): Promise<{ start: number; length: number }> {
  const from = Math.max(0, size - LONGEST_END);
  const tail = await read(handle, from, size - from);
  let at = tail.length - 22;
  while (at >= 0 && tail.readUInt32LE(at) !== END) at--;
  if (at < 0) throw broken(file, 'is no zip archive, or not whole');
  let [length, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if ((length === WIDE || start === WIDE || tail.readUInt16LE(at + 10) === 0xffff) && at >= 20 && tail.readUInt32LE(at - 20) === LOCATOR64) {
    const end = await read(handle, whole(tail, at - 20 + 8), 56);
    if (end.length < 56 || end.readUInt32LE(0) !== END64) throw broken(file, 'has a damaged directory');
    [length, start] = [whole(end, 40), whole(end, 48)];
  }
  if (start + length > size || length > MOST_DIRECTORY) throw broken(file, 'has a damaged directory');
  return { start, length };
}

async function entryAt(handle: FileHandle, head: Buffer, file: string, fileSize: number): Promise<ZipEntry> {
  const [flags, method, nameLength] = [head.readUInt16LE(8), head.readUInt16LE(10), head.readUInt16LE(28)];
  const name = head.toString('utf8', 46, 46 + nameLength);
  let [packed, offset] = [head.readUInt32LE(20), head.readUInt32LE(42)];
  const wide = wideNumbers(head.subarray(46 + nameLength));
  if (head.readUInt32LE(24) === WIDE) wide.shift(); // the size that it unpacks to comes first
  if (packed === WIDE) packed = wide.shift() ?? WIDE;
  if (offset === WIDE) offset = wide.shift() ?? WIDE;
  if (flags & 1) throw broken(file, `holds "${name}" encrypted`);
  if (method !== STORED && method !== DEFLATED) throw broken(file, `holds "${name}" compressed in a way that is not read (method ${method})`);
  const local = await read(handle, offset, 30);
  if (local.length < 30 || local.readUInt32LE(0) !== LOCAL) throw broken(file, `has a damaged entry "${name}"`);
  const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (start + packed > fileSize) throw broken(file, `ends within "${name}"`);
  return { name, bytes: () => (packed === 0 ? nothing() : method === STORED ? createReadStream(file, { start, end: start + packed - 1 }) : inflated(file, name, start, packed)) };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

async function* inflated(file: string, name: string, start: number, packed: number): AsyncGenerator<Uint8Array, void, undefined> {
  const inflate = createInflateRaw();
  pipeline(createReadStream(file, { start, end: start + packed - 1 }), inflate, () => {}); // what fails is thrown to whoever reads
  try {
    for await (const chunk of inflate) yield chunk as Buffer; // a stream without an encoding gives buffers
  } catch (cause) {
    throw broken(file, `has a damaged entry "${name}" (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

/** The 64-bit numbers of an entry whose own fields are too narrow. */
function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, length] = [extra.readUInt16LE(at), extra.readUInt16LE(at + 2)];
    if (id === 1) return Array.from({ length: Math.min(3, Math.floor(length / 8)) }, (_, i) => (at + 12 + i * 8 <= extra.length ? whole(extra, at + 4 + i * 8) : WIDE));
    at += 4 + length;
  }
  return [];
}

const whole = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position, length });
  return buffer.subarray(0, bytesRead);
}
