import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { linesOf, longestLine, scan, type Line } from './lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-eval-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, `${createHash('sha256').update(content).digest('hex').slice(0, 12)}.txt`);
  writeFileSync(path, content);
  return path;
}

async function read(path: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of linesOf(path)) lines.push(line);
  return lines;
}

test('lines are counted from 1, and the last one needs no end', async () => {
  expect(await read(file('a\nb'))).toEqual([{ number: 1, text: 'a' }, { number: 2, text: 'b' }]);
});

test('blank lines are left out and still counted', async () => {
  expect(await read(file('a\n\n \t\nb\n'))).toEqual([{ number: 1, text: 'a' }, { number: 4, text: 'b' }]);
});

test('a byte order mark and carriage returns are dropped', async () => {
  expect(await read(file('\uFEFFa\r\nb\r\n'))).toEqual([{ number: 1, text: 'a' }, { number: 2, text: 'b' }]);
});

test('a line separator inside a line does not end it', async () => {
  expect(await read(file('a\u2028b\n'))).toEqual([{ number: 1, text: 'a\u2028b' }]);
});

test('lines and letters that lie across the pieces of a stream are whole', async () => {
  const text = 'ä'.repeat(700_000);
  expect(await read(file(`x${text}\n${text}`))).toEqual([{ number: 1, text: `x${text}` }, { number: 2, text }]);
});

test('an empty file has no lines', async () => {
  expect(await read(file(''))).toEqual([]);
});

test('a scan counts the lines that are read, and hashes every byte', async () => {
  const content = '\uFEFFa\r\n\n  \nb';
  expect(await scan(file(content))).toEqual({ lines: 2, sha256: createHash('sha256').update(content).digest('hex') });
});

test('a line that is not UTF-8 is named', async () => {
  const path = file(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a]));
  await expect(read(path)).rejects.toThrow(`${path}:2: not UTF-8. Expected text in UTF-8.`);
});

test('a file without line ends is refused before it fills the memory', async () => {
  const path = file(new Uint8Array(longestLine + 2 ** 20).fill(0x61));
  await expect(read(path)).rejects.toThrow(`${path}:1: longer than 64 MiB. Expected one entry to a line.`);
});

test('a file that is not there, and one that is none, say so', async () => {
  await expect(read(join(folder, 'missing'))).rejects.toThrow(`The file ${join(folder, 'missing')} does not exist.`);
  await expect(read(folder)).rejects.toThrow(`${folder} cannot be read`);
});
