import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderFiles, memoryFiles } from './files.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'onnxpress-text-'));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

test('a folder gives the bytes of its files, and undefined for what it lacks', async () => {
  const path = await folder();
  await writeFile(join(path, 'config.json'), '{}');
  const files = folderFiles(path);
  expect(new TextDecoder().decode(await files.read('config.json'))).toBe('{}');
  expect(await files.read('tokenizer.json')).toBeUndefined();
});

test('a folder that does not exist has no files', async () => {
  expect(await folderFiles(join(await folder(), 'nowhere')).read('config.json')).toBeUndefined();
});

test('a file that cannot be read is an error with its path', async () => {
  const path = await folder();
  await mkdir(join(path, 'config.json'));
  await expect(folderFiles(path).read('config.json')).rejects.toMatchObject({ code: 'unreadable-file', message: expect.stringContaining(join(path, 'config.json')) });
});

test('files in memory may be bytes or blobs', async () => {
  const files = memoryFiles(new Map<string, Uint8Array | Blob>([['a', Uint8Array.of(1)], ['b', new Blob([Uint8Array.of(2)])]]), 'the files of tiny.onnx');
  expect(await Promise.all(['a', 'b', 'c'].map((name) => files.read(name)))).toEqual([Uint8Array.of(1), Uint8Array.of(2), undefined]);
});
