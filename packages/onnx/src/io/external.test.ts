import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isFileTensor } from '../ir/tensor.ts';
import { numbersOf } from '../ir/values.ts';
import { failure } from '../testing/failure.ts';
import { folderWith } from '../testing/files.ts';
import { graphOf, modelProto, node } from '../testing/proto.ts';
import { assertDataName } from './external.ts';
import { modelFromBytes, openModel } from './read.ts';

const DATA = new Uint8Array(new Float32Array([9, 1, 2]).buffer);

const modelWith = (entries: Readonly<Record<string, string>>): Uint8Array =>
  modelProto(graphOf([node('Relu', ['x'], ['y'])], {
    initializer: [{ name: 'w', dims: [2], data_type: 1, external_data: Object.entries(entries).map(([key, value]) => ({ key, value })), data_location: 1 }],
  }));

test('numbers beside the model are read from their place', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: 'sub/w.bin', offset: '4', length: '8', checksum: 'unchecked' }), 'sub/w.bin': DATA });
  const tensor = openModel(join(folder, 'm.onnx')).graph.initializers.get('w')!.constant;
  expect(isFileTensor(tensor) && [tensor.file, tensor.offset]).toEqual([join(folder, 'sub/w.bin'), 4]);
  expect(numbersOf(tensor)).toEqual(new Float64Array([1, 2]));
});

test('offset and length may be left out', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: 'w.bin' }), 'w.bin': DATA });
  expect(numbersOf(openModel(join(folder, 'm.onnx')).graph.initializers.get('w')!.constant)).toEqual(new Float64Array([9, 1]));
});

test.each<[string, Record<string, string>, RegExp]>([
  ['an absolute path', { location: '/etc/hostname' }, /not inside the model's folder/],
  ['a path of another system', { location: 'C:\\w.bin' }, /not inside the model's folder/],
  ['a way up', { location: '../w.bin' }, /not inside the model's folder/],
  ['a way down and up', { location: 'sub/../../w.bin' }, /not inside the model's folder/],
  ['a way up with backslashes', { location: '..\\w.bin' }, /not inside the model's folder/],
  ['a zero byte', { location: 'w.bin\0' }, /not inside the model's folder/],
  ['no location', {}, /does not say in which file/],
  ['a missing file', { location: 'gone.bin' }, /is not there/],
  ['a folder', { location: '.' }, /is not a file/],
  ['a file that is too short', { location: 'w.bin', offset: '8' }, /needs bytes 8 to 16 of "w.bin", which has 12/],
  ['a negative offset', { location: 'w.bin', offset: '-4' }, /offset "-4"/],
  ['an absurd offset', { location: 'w.bin', offset: '99999999999999999999' }, /offset "9+"/],
  ['an offset that is no number', { location: 'w.bin', offset: '0x4' }, /offset "0x4"/],
  ['another length', { location: 'w.bin', length: '12' }, /has 12 bytes in "w.bin", but float32 \[2\] needs 8/],
])('%s is refused with the name of the tensor', (_, entries, message) => {
  const folder = folderWith({ 'inner/m.onnx': modelWith(entries), 'inner/w.bin': DATA, 'w.bin': DATA });
  const error = failure(() => openModel(join(folder, 'inner/m.onnx')));
  expect(error.code).toBe('external-data');
  expect(error.message).toMatch(message);
  expect(error.message).toContain('Tensor "w"');
});

test('a link out of the folder is refused, to a file or through a folder', () => {
  const folder = folderWith({ 'w.bin': DATA, 'inner/m.onnx': modelWith({ location: 'w.bin' }), 'inner/n.onnx': modelWith({ location: 'sub/w.bin' }) });
  symlinkSync(join(folder, 'w.bin'), join(folder, 'inner/w.bin'));
  symlinkSync(folder, join(folder, 'inner/sub'));
  for (const name of ['m.onnx', 'n.onnx']) {
    const error = failure(() => openModel(join(folder, 'inner', name)));
    expect([error.code, error.message]).toEqual(['external-data', expect.stringContaining("a link out of the model's folder")]);
  }
});

test('a link within the folder is followed', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: 'w.bin' }), 'blob': DATA });
  symlinkSync('blob', join(folder, 'w.bin'));
  expect(openModel(join(folder, 'm.onnx')).graph.initializers.size).toBe(1);
});

test('where the model is a link itself, its data may lie beside what it points to', () => {
  const folder = folderWith({ 'blobs/1': modelWith({ location: 'w.bin' }), 'blobs/2': DATA });
  mkdirSync(join(folder, 'snapshot'));
  symlinkSync('../blobs/1', join(folder, 'snapshot/m.onnx'));
  symlinkSync('../blobs/2', join(folder, 'snapshot/w.bin'));
  expect(openModel(join(folder, 'snapshot/m.onnx')).graph.initializers.size).toBe(1);
});

test('a folder with dots in its name is no way out', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: '..w.bin' }), '..w.bin': DATA });
  expect(openModel(join(folder, 'm.onnx')).graph.initializers.size).toBe(1);
});

test('tensors read the file that was opened, also when another one has its name', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: 'w.bin', offset: '4' }), 'w.bin': DATA });
  const tensor = openModel(join(folder, 'm.onnx')).graph.initializers.get('w')!.constant;
  writeFileSync(join(folder, 'new.bin'), new Uint8Array(12));
  renameSync(join(folder, 'new.bin'), join(folder, 'w.bin'));
  expect(numbersOf(tensor)).toEqual(new Float64Array([1, 2]));
});

test('a file that becomes shorter while it is in use is noticed', () => {
  const folder = folderWith({ 'm.onnx': modelWith({ location: 'w.bin', offset: '4' }), 'w.bin': DATA });
  const tensor = openModel(join(folder, 'm.onnx')).graph.initializers.get('w')!.constant;
  writeFileSync(join(folder, 'w.bin'), DATA.subarray(0, 6));
  expect(failure(() => tensor.bytes()).code).toBe('truncated');
});

test('a model in memory has nothing beside it', () => {
  expect(failure(() => modelFromBytes(modelWith({ location: 'w.bin' }))).code).toBe('external-data');
});

test.each(['', '.', '..', 'a/b', 'a\\b', '/w', 'w\0'])('%j is no name for a data file', (name) => {
  expect(failure(() => assertDataName(name)).code).toBe('external-data');
});
