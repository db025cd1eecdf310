import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Graph, Node, Value } from '../ir/graph.ts';
import { Model } from '../ir/model.ts';
import { fromReader, isFileTensor, lazyTensor, memoryTensor, type Tensor } from '../ir/tensor.ts';
import { tensorType } from '../ir/types.ts';
import { failureOf } from '../testing/failure.ts';
import { folderWith } from '../testing/files.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import { modelFromBytes, openModel } from './read.ts';
import { modelBytes, structureBytes, weightsOf, writeModel } from './write.ts';

const MIB = 1024 * 1024;

/** Bytes that differ from place to place. */
const pattern = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255);

const uint8 = (length: number, seed: number): Tensor => memoryTensor('uint8', [length], pattern(length, seed));

/** A model that gives each of its tensors out. */
function modelOf(tensors: Readonly<Record<string, Tensor>>): Model {
  const graph = new Graph('g', new Map([['', 21]]));
  for (const [name, tensor] of Object.entries(tensors)) {
    const weight = graph.adoptInitializer(new Value(name, { constant: tensor }));
    const { output } = graph.add(new Node('Identity', [weight], { outputs: [`${name}_out`] }));
    output.type = tensorType(tensor.dtype, tensor.dims);
    graph.addOutput(output);
  }
  return new Model(graph).settle();
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the weights are, in short. */
const weights = (model: Model): Record<string, string> => Object.fromEntries([...model.graph.initializers].map(([name, v]) => [name, digest(v.constant.bytes())]));

/** A file system in which one call fails. */
const failing = (calls: Partial<FileSystem>): FileSystem => ({ ...nodeFileSystem, ...calls });

const errno = (code: string): Error => Object.assign(new Error(`${code}: refused`), { code });

test('what is a weight is no structure: a constant of a node counts once', () => {
  const model = modelOf({});
  const node = model.graph.add(new Node('Constant', [], { attrs: [['value', { type: 'tensor', value: uint8(5000, 1) }]] }));
  model.graph.addOutput(node.output);
  expect(weightsOf(model).map((t) => t.byteLength)).toEqual([5000]);
  expect(structureBytes(model).length).toBeLessThan(5000);
});

test('the data file of the model that is replaced goes when the new one does without', async () => {
  const folder = folderWith();
  const path = join(folder, 'm.onnx');
  await writeModel(modelOf({ a: uint8(5000, 1) }), path, { external: 'always' });
  const model = openModel(path);
  await writeModel(model, path, { external: 'never' });
  expect(readdirSync(folder)).toEqual(['m.onnx']);
  expect(weights(openModel(path))).toEqual(weights(model));
  await writeModel(model, path, { external: 'always' });
  await writeModel(model, path, { external: 'always', dataName: 'other.bin' });
  expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'other.bin']);
});

test('a file that only looks like the data of the replaced model stays', async () => {
  const folder = folderWith({ 'm.onnx.data': 'mine', 'n.onnx.data': 'mine', 'n.onnx': 'no model' });
  const path = join(folder, 'm.onnx');
  await writeModel(modelOf({ a: uint8(5000, 1) }), path);
  await writeModel(modelOf({ a: uint8(5000, 2) }), path);
  await writeModel(modelOf({ a: uint8(5000, 2) }), join(folder, 'n.onnx'));
  expect(['m.onnx.data', 'n.onnx.data'].map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(['mine', 'mine']);
});

test('the old data stays with the old model when writing fails', async () => {
  const folder = folderWith();
  const path = join(folder, 'm.onnx');
  await writeModel(modelOf({ a: uint8(5000, 1) }), path, { external: 'always' });
  const refuse = (): never => {
    throw errno('EACCES');
  };
  expect((await failureOf(writeModel(modelOf({ a: uint8(5000, 2) }), path, { fileSystem: failing({ rename: refuse }) }))).code).toBe('io');
  expect(weights(openModel(path))).toEqual({ a: digest(pattern(5000, 1)) });
});

test('what was written is read back', async () => {
  const path = join(folderWith(), 'new/folder/m.onnx');
  const model = modelOf({ a: uint8(10, 1), b: uint8(3000, 2) });
  const written = await writeModel(model, path);
  expect(written).toEqual({ path, dataPath: undefined, byteLength: readFileSync(path).length });
  expect(weights(openModel(path))).toEqual(weights(model));
  expect(readFileSync(path)).toEqual(Buffer.from(modelBytes(model)));
});

test('the same model gives the same bytes', async () => {
  const folder = folderWith();
  const model = modelOf({ a: uint8(2000, 1), b: uint8(3 * MIB, 2) });
  for (const external of ['never', 'always'] as const) {
    await writeModel(model, join(folder, '1', 'm.onnx'), { external });
    await writeModel(model.clone(), join(folder, '2', 'm.onnx'), { external });
    for (const name of readdirSync(join(folder, '1'))) expect(readFileSync(join(folder, '2', name)).equals(readFileSync(join(folder, '1', name)))).toBe(true);
  }
});

test('external data is aligned: large tensors to pages, small ones stay in the model', async () => {
  const folder = folderWith();
  const model = modelOf({ tiny: uint8(1023, 1), small: uint8(1025, 2), other: uint8(5000, 3), large: uint8(MIB, 4) });
  const written = await writeModel(model, join(folder, 'm.onnx'), { external: 'always' });
  expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
  const { graph } = openModel(written.path);
  const places = ['tiny', 'small', 'other', 'large'].map((name) => {
    const tensor = graph.initializers.get(name)!.constant;
    return isFileTensor(tensor) && tensor.file === written.dataPath ? tensor.offset : 'inside';
  });
  expect(places).toEqual(['inside', 0, 1088, 8192]);
  expect(weights(openModel(written.path))).toEqual(weights(model));
  expect(written.byteLength).toBe(readFileSync(written.path).length + readFileSync(written.dataPath!).length);
});

test('auto makes one file up to the limit, and two beyond', async () => {
  const folder = folderWith();
  const model = modelOf({ a: uint8(5000, 1) });
  const size = modelBytes(model).length;
  expect((await writeModel(model, join(folder, 'one.onnx'), { largest: size })).dataPath).toBeUndefined();
  expect((await writeModel(model, join(folder, 'two.onnx'), { largest: size - 1 })).dataPath).toBe(join(folder, 'two.onnx.data'));
});

test('a model that had external data keeps having it, under its new name and whole', async () => {
  const folder = folderWith();
  const model = modelOf({ a: uint8(5000, 1) });
  await writeModel(model, join(folder, 'from/a.onnx'), { external: 'always' });
  const { dataPath } = await writeModel(openModel(join(folder, 'from/a.onnx')), join(folder, 'to/b.onnx'));
  expect(dataPath).toBe(join(folder, 'to/b.onnx.data'));
  expect(weights(openModel(join(folder, 'to/b.onnx')))).toEqual(weights(model));
});

test('bytes that two tensors share in a file are written once', async () => {
  const folder = folderWith();
  const shared = uint8(5000, 1);
  await writeModel(modelOf({ a: shared, b: shared }), join(folder, 'm.onnx'), { external: 'always' });
  expect(readFileSync(join(folder, 'm.onnx.data')).length).toBe(5000);
  await writeModel(openModel(join(folder, 'm.onnx')), join(folder, 'n.onnx'));
  expect(readFileSync(join(folder, 'n.onnx.data')).length).toBe(5000);
  expect(weights(openModel(join(folder, 'n.onnx')))).toEqual({ a: digest(shared.bytes()), b: digest(shared.bytes()) });
});

test.each(['never', 'always'] as const)('a model may be written where it came from, external data: %s', async (external) => {
  const folder = folderWith();
  const path = join(folder, 'm.onnx');
  const first = modelOf({ a: uint8(9 * MIB, 1), b: uint8(5000, 2) });
  await writeModel(first, path, { external });
  const model = openModel(path);
  model.graph.addInitializer('front', uint8(2000, 3));
  const moved = [...model.graph.initializers.values()][0]!;
  model.graph.setConstant(moved, lazyTensor('uint8', [9 * MIB], () => pattern(9 * MIB, 4)));
  await writeModel(model, path, { external });
  await writeModel(model, path, { external }); // its tensors still read what it was made of
  expect(weights(openModel(path))).toEqual({ a: digest(pattern(9 * MIB, 4)), b: digest(pattern(5000, 2)), front: digest(pattern(2000, 3)) });
});

test('a link at the target is replaced, not what it points to', async () => {
  const folder = folderWith({ 'blob': 'kept' });
  symlinkSync('blob', join(folder, 'm.onnx'));
  await writeModel(modelOf({ a: uint8(10, 1) }), join(folder, 'm.onnx'));
  expect(readFileSync(join(folder, 'blob'), 'utf8')).toBe('kept');
  expect(lstatSync(join(folder, 'm.onnx')).isSymbolicLink()).toBe(false);
});

test('a system that takes few bytes at a time gets them all', async () => {
  const path = join(folderWith(), 'm.onnx');
  const model = modelOf({ a: uint8(5000, 1) });
  const fileSystem = failing({ write: (descriptor, bytes, position) => nodeFileSystem.write(descriptor, bytes.subarray(0, 7), position) });
  await writeModel(model, path, { fileSystem, external: 'always' });
  expect(weights(openModel(path))).toEqual(weights(model));
});

/** Makes a folder with an old output of two files, and gives how it looks. */
async function oldOutput(): Promise<{ folder: string; path: string; look: () => unknown }> {
  const folder = folderWith();
  const path = join(folder, 'm.onnx');
  await writeModel(modelOf({ a: uint8(5000, 1) }), path, { external: 'always' });
  return { folder, path, look: () => Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name)).toString('hex')])) };
}

const NEW = modelOf({ a: uint8(6000, 9), b: uint8(7000, 8) });

test('a full disk leaves the old output as it was and says how much is missing', async () => {
  const { path, look } = await oldOutput();
  const before = look();
  let room = 9000;
  const fileSystem = failing({
    write(descriptor, bytes, position) {
      if (room <= 0) throw errno('ENOSPC');
      const got = nodeFileSystem.write(descriptor, bytes.subarray(0, Math.min(1000, room)), position);
      room -= got;
      return got;
    },
    freeBytes: () => 100,
  });
  const error = await failureOf(writeModel(NEW, path, { fileSystem, external: 'always' }));
  const needed = structureBytes(NEW).length - 'weights'.length * 2 + 'm.onnx.data'.length * 2 + 13016; // two locations; 6000 bytes, padding to 6016, 7000 bytes
  expect(error.code).toBe('io');
  expect(error.message).toContain(`disk is full; ${needed - 9000 - 100} bytes more are needed than the 100 that are free`);
  expect(look()).toEqual(before);
});

test.each<[string, Partial<FileSystem>]>([
  ['creating', { create: () => { throw errno('EACCES'); } }],
  ['writing', { write: () => { throw errno('EIO'); } }],
  ['a system that takes nothing', { write: () => 0 }],
  ['syncing', { sync: () => { throw errno('EIO'); } }],
  ['the first rename', { rename: () => { throw errno('EPERM'); } }],
  ['the second rename', { rename: (from, to) => { if (to.endsWith('m.onnx')) throw errno('EPERM'); nodeFileSystem.rename(from, to); } }],
])('when %s fails, the old output is as it was and nothing else is left', async (_, calls) => {
  const { path, look } = await oldOutput();
  const before = look();
  expect((await failureOf(writeModel(NEW, path, { fileSystem: failing(calls), external: 'always' }))).code).toBe('io');
  expect(look()).toEqual(before);
});

test('when the second rename fails and there was no output, there is none afterwards', async () => {
  const folder = folderWith();
  const rename: FileSystem['rename'] = (from, to) => {
    if (to.endsWith('m.onnx')) throw errno('EPERM');
    nodeFileSystem.rename(from, to);
  };
  await failureOf(writeModel(NEW, join(folder, 'm.onnx'), { fileSystem: failing({ rename }), external: 'always' }));
  expect(readdirSync(folder)).toEqual([]);
});

test('a disk on which files have one name only is written to as well', async () => {
  const { path, folder } = await oldOutput();
  await writeModel(NEW, path, { external: 'always', fileSystem: failing({ link: () => { throw errno('EPERM'); } }) });
  expect(weights(openModel(path))).toEqual(weights(NEW));
  expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data']);
});

test('a tensor that cannot be computed leaves the old output as it was', async () => {
  const { path, look } = await oldOutput();
  const before = look();
  const broken = fromReader('uint8', [5000], 5000, () => { throw new Error('no such layer'); });
  await expect(writeModel(modelOf({ a: broken }), path, { external: 'always' })).rejects.toThrow('no such layer');
  await expect(writeModel(modelOf({ a: broken }), path, { external: 'never' })).rejects.toThrow('no such layer');
  expect(look()).toEqual(before);
});

test('an aborted signal ends the writing with its reason, and the old output is as it was', async () => {
  const { path, look } = await oldOutput();
  const before = look();
  const stop = new AbortController();
  const large = modelOf({ a: uint8(20 * MIB, 1) });
  const seen: number[] = [];
  const progress = (done: number): void => {
    seen.push(done);
    stop.abort(new Error('enough'));
  };
  await expect(writeModel(large, path, { signal: stop.signal, progress, external: 'always' })).rejects.toThrow('enough');
  expect(seen).toEqual([8 * MIB]);
  expect(look()).toEqual(before);
  await expect(writeModel(large, path, { signal: stop.signal })).rejects.toThrow('enough');
});

test('progress counts to the end, once', async () => {
  const seen: [number, number][] = [];
  const { byteLength } = await writeModel(modelOf({ a: uint8(9 * MIB, 1) }), join(folderWith(), 'm.onnx'), { external: 'always', progress: (done, of) => seen.push([done, of]) });
  expect(seen.map(([done]) => done)).toEqual([8 * MIB, 9 * MIB, byteLength]);
  expect(new Set(seen.map(([, of]) => of))).toEqual(new Set([byteLength]));
});

test('a large tensor that is computed is computed once', async () => {
  let computed = 0;
  const tensor: Tensor = { ...fromReader('uint8', [20 * MIB], 20 * MIB, () => { throw new Error('read in pieces'); }), bytes: () => { computed++; return new Uint8Array(20 * MIB); } };
  await writeModel(modelOf({ a: tensor }), join(folderWith(), 'm.onnx'), { external: 'always' });
  expect(computed).toBe(1);
});

test('a folder at the target, and a data file with a path or the name of the model, are refused', async () => {
  const folder = folderWith({ 'is/a/folder': '' });
  const model = modelOf({ a: uint8(10, 1) });
  expect((await failureOf(writeModel(model, join(folder, 'is')))).message).toContain(`"${join(folder, 'is')}" is a folder`);
  expect((await failureOf(writeModel(model, join(folder, 'm.onnx'), { dataName: '../w.bin' }))).code).toBe('external-data');
  expect((await failureOf(writeModel(model, join(folder, 'm.onnx'), { dataName: 'm.onnx' }))).code).toBe('external-data');
  writeFileSync(join(folder, 'file'), '');
  expect((await failureOf(writeModel(model, join(folder, 'file/m.onnx')))).code).toBe('io');
});

test('a model larger than protobuf allows is refused as one file before anything is written', async () => {
  const folder = folderWith();
  const huge = modelOf({ a: fromReader('uint8', [2 ** 31], 2 ** 31, () => { throw new Error('read'); }) });
  expect((await failureOf(writeModel(huge, join(folder, 'm.onnx'), { external: 'never' }))).code).toBe('too-large');
  expect(readdirSync(folder)).toEqual([]);
});

test('structure has everything but large numbers', () => {
  const one = modelOf({ a: uint8(5000, 1), b: uint8(10, 2) });
  const other = modelOf({ a: uint8(5000, 3), b: uint8(10, 2) });
  expect(structureBytes(one)).toEqual(structureBytes(other));
  expect(structureBytes(modelOf({ a: uint8(5000, 1), b: uint8(10, 3) }))).not.toEqual(structureBytes(one));
  expect(structureBytes(modelOf({ a: uint8(5001, 1), b: uint8(10, 2) }))).not.toEqual(structureBytes(one));
  expect(weightsOf(one).map((t) => t.byteLength)).toEqual([5000]);
});

test('the bytes of a model are a model', () => {
  const model = modelOf({ a: uint8(5000, 1) });
  expect(weights(modelFromBytes(modelBytes(model)))).toEqual(weights(model));
});

/** A tensor that writes itself, after `ms`, with bytes that say so: 7 by itself, 1 where it is read. */
const selfWriting = (length: number, ms: number, act: () => void = () => undefined): Tensor => ({
  ...memoryTensor('uint8', [length], new Uint8Array(length).fill(1)),
  async writeTo(descriptor, position) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    act();
    writeSync(descriptor, new Uint8Array(length).fill(7), 0, length, position);
  },
});

test.each(['always', 'never'] as const)('tensors that write themselves do so in any order, each in its place (external: %s)', async (external) => {
  const folder = folderWith();
  const plain = memoryTensor('uint8', [9000], new Uint8Array(9000).fill(3));
  await writeModel(modelOf({ late: selfWriting(5000, 30), plain, soon: selfWriting(7000, 0) }), join(folder, 'm.onnx'), { external });
  const { initializers } = openModel(join(folder, 'm.onnx')).graph;
  const found = [...initializers.values()].map(({ constant }) => [constant.byteLength, [...new Set(constant.bytes())]]);
  expect(found).toEqual([[5000, [7]], [9000, [3]], [7000, [7]]]);
});

test('one that fails to write itself ends the writing when the others have ended, and nothing is left', async () => {
  const folder = folderWith();
  let ended = false;
  const broken = selfWriting(5000, 0, () => { throw new Error('the worker stopped'); });
  const slow = selfWriting(5000, 40, () => void (ended = true));
  await expect(writeModel(modelOf({ broken, slow }), join(folder, 'm.onnx'))).rejects.toThrow('the worker stopped');
  expect(ended).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test('a model in memory reads what could have written itself', () => {
  expect([...new Set(modelFromBytes(modelBytes(modelOf({ w: selfWriting(5000, 0) }))).graph.initializers.get('w')!.constant.bytes())]).toEqual([1]);
});
