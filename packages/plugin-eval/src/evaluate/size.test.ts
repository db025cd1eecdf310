import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Graph, memoryTensor, Model, Node, openModel, tensorType, Value, writeModel, type DType } from '@onnxpress/core';
import { evaluatorCases, testContext } from '@onnxpress/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { folderWith } from '../testing/files.ts';
import { scaler } from '../testing/models.ts';
import { size } from './size.ts';

/** y = x + weight, with a weight of 1,000 elements. */
function adder(dtype: DType, bytes: number): Model {
  const graph = new Graph('adder', new Map([['', 17]]));
  const x = graph.addInput(new Value('x', { type: tensorType(dtype, [1000]) }));
  const weight = graph.addInitializer('weight', memoryTensor(dtype, [1000], new Uint8Array(bytes)));
  const node = new Node('Add', [x, weight], { outputs: ['y'] });
  graph.add(node);
  graph.addOutput(node.outputs[0]!);
  return new Model(graph, { irVersion: 8 }).settle();
}

for (const { name, run } of evaluatorCases(size, {
  measures: [
    { name: 'two models', original: () => adder('float32', 4000), result: () => adder('int8', 1000), check: ({ result }) => expect(result.metrics).toMatchObject({ params: 1000, nodes: 1 }) },
    { name: 'beside float32', original: () => scaler(1), options: { reference: 'float32' }, check: ({ units }) => expect(units?.['size.float32']).toBe('bytes') },
  ],
  rejects: [{ name: 'another reference', options: { reference: 'float64' }, says: /reference/ }],
})) test(name, run);

test('a model that lies in a file is as large as the file and its external data', async () => {
  const folder = folderWith({ 'README.md': 'not part of the model' }, onTestFinished);
  const inline = await written(folder, 'inline.onnx', 'never');
  const beside = await written(folder, 'beside.onnx', 'always');
  const { original, result } = await size.measure({ original: inline, result: beside }, { reference: 'none' }, testContext());
  expect(original.metrics['size']).toBe(statSync(join(folder, 'inline.onnx')).size);
  expect(result.metrics['size']).toBe(statSync(join(folder, 'beside.onnx')).size + statSync(join(folder, 'beside.onnx.data')).size);
});

test('a model in memory is about as large as the file it would make', async () => {
  const file = await written(folderWith({}, onTestFinished), 'model.onnx', 'never');
  const { original, result } = await size.measure({ original: file, result: file.clone() }, { reference: 'none' }, testContext());
  const namesAndPlaces = 200; // where a weight lies is written beside it
  expect(Math.abs(result.metrics['size']! - original.metrics['size']!)).toBeLessThan(namesAndPlaces);
});

test('the float32 reference widens what the original stores in half precision, and nothing else', async () => {
  const { original, result } = await size.measure({ original: adder('float16', 2000), result: adder('float16', 2000) }, { reference: 'float32' }, testContext());
  expect(original.metrics['size.float32']! - original.metrics['size']!).toBe(2000);
  expect(result.metrics['size.float32']).toBe(result.metrics['size']);
  const whole = await size.measure({ original: adder('int8', 1000), result: adder('int8', 1000) }, { reference: 'float32' }, testContext());
  expect(whole.original.metrics['size.float32']).toBe(whole.original.metrics['size']);
});

async function written(folder: string, name: string, external: 'always' | 'never'): Promise<Model> {
  const path = join(folder, name);
  await writeModel(adder('float32', 4000), path, { external });
  return openModel(path);
}
