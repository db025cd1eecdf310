import fs, { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { FILE_CALLS_SOURCE } from './file-calls.ts';

interface Files {
  readonly calls: {
    readFile(descriptor: number, position: number, pointer: number, bytes: number): void;
    startRead(descriptor: number, position: number, pointer: number, bytes: number): void;
    finishRead(): Promise<void>;
    readRows(descriptor: number, position: number, stride: number, rows: number, pointer: number, bytes: number): void;
  };
  close(): Promise<void>;
}

const PAGE = 4096;
const SIZE = 3 * 2 ** 20 + 777;
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 9)) & 0xff);
const memory = { buffer: new SharedArrayBuffer(5 * 2 ** 20) };
let folder: string;
let descriptor: number;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  writeFileSync(join(folder, 'in'), content, { flush: true });
  descriptor = openSync(join(folder, 'in'), 'r');
});
afterAll(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

const opened: Files[] = [];
afterEach(() => Promise.all(opened.splice(0).map((files) => files.close())));

/** The calls of a worker, some calls of the system replaced. */
function filesWith(other: Partial<typeof fs> = {}): Files {
  const make = new Function('require', `${FILE_CALLS_SOURCE}; return fileCalls;`) as (require: unknown) => (m: typeof memory) => Files; // the text that workers run
  const files = make(() => ({ ...fs, ...other }))(memory);
  opened.push(files);
  return files;
}

const taken = (pointer: number, bytes: number): Buffer => Buffer.from(new Uint8Array(memory.buffer, pointer, bytes));
const expected = (position: number, bytes: number): Buffer => Buffer.from(content.subarray(position, position + bytes));

test('a range reads the same at once and beside other work, wherever it begins and ends', async () => {
  const files = filesWith();
  for (const [position, bytes] of [[0, 2 ** 21], [PAGE, SIZE - PAGE], [5, 2 ** 20 + 3], [PAGE + 4095, 2 ** 21], [777, SIZE - 777], [3, 100]] as const) {
    const pointer = PAGE * 2 + (position % PAGE);
    new Uint8Array(memory.buffer).fill(0);
    files.calls.readFile(descriptor, position, pointer, bytes);
    expect(Buffer.compare(taken(pointer, bytes), expected(position, bytes))).toBe(0);
    new Uint8Array(memory.buffer).fill(0);
    files.calls.startRead(descriptor, position, pointer, bytes);
    await files.calls.finishRead();
    expect(Buffer.compare(taken(pointer, bytes), expected(position, bytes))).toBe(0);
    expect([taken(0, pointer).some((b) => b !== 0), taken(pointer + bytes, 100).some((b) => b !== 0)]).toEqual([false, false]);
  }
});

test('what the system refuses is an error', async () => {
  const refused = Object.assign(new Error('refused: EIO'), { code: 'EIO' });
  const { calls } = filesWith({
    readSync: (() => {
      throw refused;
    }) as typeof fs.readSync,
    read: ((...rest: unknown[]) => (rest.at(-1) as (error: unknown) => void)(refused)) as typeof fs.read, // the callback comes last
  });
  expect(() => calls.readFile(descriptor, 0, 0, 2 ** 20)).toThrow('refused: EIO');
  calls.startRead(descriptor, 0, 0, 2 ** 20);
  await expect(calls.finishRead()).rejects.toThrow('refused: EIO');
});

test('a file that ends too early is an error', async () => {
  const files = filesWith();
  expect(() => files.calls.readFile(descriptor, 2 ** 21, 0, 2 ** 21)).toThrow(`The file ends at ${SIZE}`);
  files.calls.startRead(descriptor, 2 ** 21, 0, 2 ** 21);
  await expect(files.calls.finishRead()).rejects.toThrow(`The file ends at ${SIZE}`);
});

test('rows of a strip of columns follow one another', () => {
  const files = filesWith();
  files.calls.readRows(descriptor, 10, 1000, 5, 0, 30);
  expect(Buffer.compare(taken(0, 150), Buffer.concat([0, 1, 2, 3, 4].map((r) => expected(10 + r * 1000, 30))))).toBe(0);
});
