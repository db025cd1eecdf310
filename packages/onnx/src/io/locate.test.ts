import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failure } from '../testing/failure.ts';
import { folderWith } from '../testing/files.ts';
import { companionsOf, locateModel } from './locate.ts';

test('a file is the model itself, whatever its name', () => {
  const folder = folderWith({ 'net.bin': 'x' });
  expect(locateModel(join(folder, 'net.bin'))).toBe(join(folder, 'net.bin'));
});

test.each(['model.onnx', 'onnx/model.onnx', 'net.onnx', 'onnx/net.onnx'])('in a folder, %s is the model', (name) => {
  const folder = folderWith({ [name]: 'x', 'tokenizer.json': '{}' });
  expect(locateModel(folder)).toBe(join(folder, name));
});

test('model.onnx wins over other names', () => {
  const folder = folderWith({ 'onnx/model.onnx': 'x', 'onnx/model_int8.onnx': 'x' });
  expect(locateModel(folder)).toBe(join(folder, 'onnx/model.onnx'));
});

test.each([
  [['model.onnx', 'onnx/model.onnx']],
  [['a.onnx', 'b.onnx']],
])('several models, %j, are listed', (names) => {
  const folder = folderWith(Object.fromEntries(names.map((name) => [name, 'x'])));
  const error = failure(() => locateModel(folder));
  expect(error.code).toBe('io');
  for (const name of names) expect(error.message).toContain(`"${join(folder, name)}"`);
});

test('a folder without a model and a path to nothing say so', () => {
  const folder = folderWith({ 'config.json': '{}' });
  expect(failure(() => locateModel(folder)).message).toContain('neither model.onnx nor onnx/model.onnx');
  expect(failure(() => locateModel(join(folder, 'gone'))).message).toContain(`There is no "${join(folder, 'gone')}"`);
});

test('files of a model are found beside it, and read only when asked', () => {
  const folder = folderWith({ 'model.onnx': 'x', 'tokenizer.json': '{"a":1}', '1_Pooling/config.json': '{}', 'notes.txt': 'other', 'onnx/config.json': '{}' });
  const files = companionsOf(join(folder, 'model.onnx'));
  expect([...files.keys()]).toEqual(['tokenizer.json', '1_Pooling/config.json']);
  expect(files.get('tokenizer.json')?.size).toBe(7);
  expect(Buffer.from(files.get('tokenizer.json')!.bytes()).toString()).toBe('{"a":1}');
});

test('one folder up counts where the model lies in a folder called onnx, and what is nearer wins', () => {
  const folder = folderWith({ 'onnx/model.onnx': 'x', 'tokenizer.json': 'up', 'config.json': 'up', 'onnx/config.json': 'near' });
  const files = companionsOf(join(folder, 'onnx/model.onnx'));
  expect([...files].map(([name, file]) => [name, Buffer.from(file.bytes()).toString()])).toEqual([['tokenizer.json', 'up'], ['config.json', 'near']]);
});

test('one folder up does not count otherwise', () => {
  const folder = folderWith({ 'models/model.onnx': 'x', 'tokenizer.json': 'up' });
  expect(companionsOf(join(folder, 'models/model.onnx')).size).toBe(0);
});
