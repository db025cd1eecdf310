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

/** The calls of a worker, on a clock on which one byte takes this many milliseconds, and how they opened files. */
function filesWhere(ms: number, other: Partial<typeof fs> = {}): { readonly files: Files; readonly paths: string[] } {
  let now = 0;
  const paths: string[] = [];
  const open = other.openSync ?? openSync;
  const system = { ...fs, ...other, openSync: (path: string, flags: number) => (paths.push(path), open(path, flags)) };
  const make = new Function('require', 'performance', `${FILE_CALLS_SOURCE}; return fileCalls;`) as (require: unknown, performance: unknown) => (m: typeof memory) => Files; // the text that workers run
  const files = make(() => system, { now: () => (now += ms) })(memory);
  opened.push(files);
  return { files, paths };
}

const taken = (pointer: number, bytes: number): Buffer => Buffer.from(new Uint8Array(memory.buffer, pointer, bytes));
const expected = (position: number, bytes: number): Buffer => Buffer.from(content.subarray(position, position + bytes));

test.each([0, 1])('a range reads the same where one byte takes %d ms, wherever it begins and ends', async (ms) => {
  const { files } = filesWhere(ms);
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

test.runIf(process.platform === 'linux')('only what is not cached is read directly, through one more descriptor of the same file', () => {
  const [cached, slow] = [filesWhere(0), filesWhere(1)];
  for (const { files } of [cached, slow]) for (const position of [0, PAGE]) files.calls.readFile(descriptor, position, 0, 2 ** 20);
  expect([cached.paths, slow.paths]).toEqual([[], [`/proc/self/fd/${descriptor}`]]);
});

test('small ranges, and those that lie in memory as they do not lie in the file, are read as usual', () => {
  const { files, paths } = filesWhere(1);
  files.calls.readFile(descriptor, 0, 0, 2 ** 19);
  files.calls.readFile(descriptor, 0, 64, 2 ** 20);
  expect(Buffer.compare(taken(64, 2 ** 20), expected(0, 2 ** 20))).toBe(0);
  expect(paths).toEqual([]);
});

const refusal = (code: string) => (): never => {
  throw Object.assign(new Error(`refused: ${code}`), { code });
};

test('where direct opening is refused, files are read as usual', () => {
  const { files } = filesWhere(1, { openSync: refusal('EINVAL') });
  files.calls.readFile(descriptor, 0, 0, 2 ** 20);
  expect(Buffer.compare(taken(0, 2 ** 20), expected(0, 2 ** 20))).toBe(0);
});

test.runIf(process.platform === 'linux')('where direct reading is refused, files are read as usual; other failures are errors', async () => {
  const failing = (code: string): Partial<typeof fs> => ({
    readSync: ((from: number, ...rest: [Uint8Array, number, number, number]) => (from === descriptor ? fs.readSync(from, ...rest) : refusal(code)())) as typeof fs.readSync, // the form that is called
    read: ((from: number, ...rest: [Uint8Array, number, number, number, (error: unknown, count?: number) => void]) => (from === descriptor ? fs.read(from, ...rest) : rest[4](Object.assign(new Error(`refused: ${code}`), { code })))) as typeof fs.read,
  });
  const { files } = filesWhere(1, failing('EINVAL'));
  files.calls.startRead(descriptor, PAGE, PAGE, 2 ** 20);
  await files.calls.finishRead();
  files.calls.readFile(descriptor, 0, 0, PAGE);
  expect(Buffer.compare(taken(0, 2 ** 20 + PAGE), expected(0, 2 ** 20 + PAGE))).toBe(0);
  for (const start of [true, false]) {
    const { calls } = filesWhere(1, failing('EIO')).files;
    if (start) calls.startRead(descriptor, 0, 0, 2 ** 20);
    await expect((async () => (start ? calls.finishRead() : calls.readFile(descriptor, 0, 0, 2 ** 20)))()).rejects.toThrow('refused: EIO');
  }
});

test.each([0, 1])('a file that ends too early is an error, where one byte takes %d ms', async (ms) => {
  const { files } = filesWhere(ms);
  expect(() => files.calls.readFile(descriptor, 2 ** 21, 0, 2 ** 21)).toThrow(`The file ends at ${SIZE}`);
  files.calls.startRead(descriptor, 2 ** 21, 0, 2 ** 21);
  await expect(files.calls.finishRead()).rejects.toThrow(`The file ends at ${SIZE}`);
});

test('rows of a strip of columns follow one another', () => {
  const { files } = filesWhere(1);
  files.calls.readRows(descriptor, 10, 1000, 5, 0, 30);
  expect(Buffer.compare(taken(0, 150), Buffer.concat([0, 1, 2, 3, 4].map((r) => expected(10 + r * 1000, 30))))).toBe(0);
});
