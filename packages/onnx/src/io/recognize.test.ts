import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failure } from '../testing/failure.ts';
import { folderWith } from '../testing/files.ts';
import { openModel } from './read.ts';

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test.each<[string, Uint8Array, string]>([
  ['a Git LFS pointer', latin1('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90\n'), 'is a Git LFS pointer, not a model. To get the model, run git lfs pull.'],
  ['an empty file', new Uint8Array(0), 'is empty'],
  ['a web page', latin1('<!DOCTYPE html><html>'), 'is a text file, not a model; it begins with "<!DOCTYPE html>'],
  ['JSON', latin1('{ "model": 1 }\r\n'), 'is a text file'],
  ['a zip archive', latin1('PK\x03\x04\x00\x00'), 'zip archive'],
  ['a safetensors file', latin1('\x10\x00\x00\x00\x00\x00\x00\x00{"w":{}}'), 'safetensors'],
  ['a GGUF model', latin1('GGUF\x03\x00'), 'GGUF'],
  ['a model in the ORT format', latin1('\x10\x00\x00\x00ORTM'), 'ORT format'],
])('%s is called by its name', (_, bytes, message) => {
  const path = join(folderWith({ 'm.onnx': bytes }), 'm.onnx');
  const error = failure(() => openModel(path));
  expect(error.code).toBe('not-onnx');
  expect(error.message).toContain(`"${path}" `);
  expect(error.message).toContain(message);
});

test('a folder and a missing file say so', () => {
  const folder = folderWith();
  expect([failure(() => openModel(folder)).code, failure(() => openModel(folder)).message]).toEqual(['io', expect.stringContaining('is not a file')]);
  expect(failure(() => openModel(join(folder, 'gone.onnx'))).code).toBe('io');
});
