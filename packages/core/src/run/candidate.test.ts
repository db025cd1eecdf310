import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryTensor, openModel, parseModel, writeModel, type Model } from '@onnxpress/onnx';
import { expect, onTestFinished, test } from 'vitest';
import { writeCandidate } from './candidate.ts';

function modelWith(weight: number): Model {
  const model = parseModel('<ir_version: 10, opset_import: ["" : 21]> g (uint8[5000] x) => (uint8[5000] y) { y = Add(x, x) }');
  const w = model.graph.addInitializer('w', memoryTensor('uint8', [5000], new Uint8Array(5000).fill(weight)));
  model.graph.outputs[0]!.producer!.setInput(1, w);
  return model.settle();
}

test.each([
  ['goes where the new model has none', false, ['model.onnx']],
  ['is replaced where the new model has one', true, ['model.onnx', 'model.onnx.data']],
])('the data file of the old output %s', async (_what, hasData, expected) => {
  const home = mkdtempSync(join(tmpdir(), 'onnxpress-candidate-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const output = join(home, 'model.onnx');
  await writeModel(modelWith(1), output, { external: 'always' });
  const original = hasData ? openModel(output) : modelWith(2);
  const candidate = await writeCandidate(modelWith(2), original, output, new AbortController().signal, false);
  candidate.accept();
  expect(readdirSync(home).sort()).toEqual(expected);
  expect(openModel(output).graph.initializers.get('w')!.constant.bytes()[0]).toBe(2);
});
