import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { TextDecoder } from 'node:util';
import { brokenLine, noSuchFile, unreadableFile } from '../problems.ts';

/** A line of a text file, without its end. `number` counts from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

/** A longer line is taken for a file that has no lines. */
export const longestLine = 64 * 2 ** 20;

const newline = 0x0a;

/**
 * The lines of a UTF-8 file that hold more than white space, read as a stream: memory holds one line at a time.
 * A byte order mark and carriage returns at line ends are dropped. Only a newline ends a line: U+2028 and its like may stand inside JSON strings.
 * `onBytes` sees all bytes of the file on their way.
 * Throws `no-such-file`, `unreadable-file`, and `data-broken` for what is not UTF-8 or has no end.
 */
export async function* linesOf(file: string, onBytes?: (bytes: Buffer) => void): AsyncGenerator<Line, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  for await (const bytes of rawLines(file, onBytes)) {
    number++;
    const text = decode(decoder, bytes, file, number).replace(/\r$/, '');
    if (text.trim() !== '') yield { number, text };
  }
}

/** What is known of a file without understanding it. */
export interface Scan {
  /** Of all its bytes, in hex. */
  readonly sha256: string;
  /** How many lines `linesOf` gives. */
  readonly lines: number;
}

/** Reads a file once, as a stream. Throws as `linesOf` does. */
export async function scan(file: string): Promise<Scan> {
  const hash = createHash('sha256');
  let lines = 0;
  for await (const _ of linesOf(file, (bytes) => hash.update(bytes))) lines++;
  return { sha256: hash.digest('hex'), lines };
}

/** All of a UTF-8 file as it stands, blank lines too, in parts; without a byte order mark, and with "\n" at the end of its lines. Throws as `linesOf` does. */
export async function* textOf(file: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  let carried = '';
  for await (const chunk of chunksOf(file)) {
    const text = carried + decode(decoder, chunk, file, line, true);
    carried = text.endsWith('\r') ? '\r' : ''; // its "\n" may follow
    yield text.slice(0, text.length - carried.length).replaceAll('\r\n', '\n');
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) line++;
  }
  yield carried + decode(decoder, Buffer.alloc(0), file, line);
}

async function* chunksOf(file: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) yield chunk as Buffer; // a stream without an encoding gives buffers
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw noSuchFile(file);
    throw unreadableFile(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function* rawLines(file: string, onBytes?: (bytes: Buffer) => void): AsyncGenerator<Buffer, void, undefined> {
  let open: Buffer[] = [];
  let length = 0;
  let number = 1;
  for await (const chunk of chunksOf(file)) {
    onBytes?.(chunk);
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...open, chunk.subarray(start, end)]);
      open = [];
      length = 0;
      number++;
      start = end + 1;
    }
    open.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > longestLine) throw brokenLine(file, number, `longer than ${longestLine / 2 ** 20} MiB`, 'one entry to a line');
  }
  if (length > 0) yield Buffer.concat(open);
}

function decode(decoder: TextDecoder, bytes: Buffer, file: string, number: number, stream = false): string {
  try {
    return decoder.decode(bytes, { stream }); // drops a byte order mark at its start, which only the first line should have
  } catch (cause) {
    throw brokenLine(file, number, 'not UTF-8', 'text in UTF-8', cause);
  }
}
