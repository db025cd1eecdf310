import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCount, openModel, writeModel } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { onnxruntime } from './onnxruntime/onnxruntime.ts';
import { simplify } from './simplify/simplify.ts';
import { transformers } from './transformers/transformers.ts';

const shared = process.env['ONNXPRESS_SHARED'];
const python = (module: string): boolean => spawnSync('python3', ['-c', `import ${module}`]).status === 0;

/** The smallest correct result of eight tools, in nodes without Constant. */
const BEST: Readonly<Record<string, number>> = {
  'bert-dynamo': 37, 'efficientnet-lite0-unfolded': 61, 'light-shufflenet': 154, 'llama-optimum': 330, 'mnist-cntk': 6, 'ppocr-cls': 155, 'ppocr-det': 297, 'ppocr-rec': 353, 'resnet18-dynamo': 49, 'roberta-legacy': 43,
  'silero-vad': 116, 'sklearn-pipeline': 9, 'super-resolution-prepost': 72,
};

const folder = mkdtempSync(join(tmpdir(), 'fusion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!shared || !python('onnxruntime'))('all passes one after the other, on real graphs', () => {
  for (const [name, best] of Object.entries(BEST)) {
    const path = join(shared ?? '', 'models/graphs', `${name}.onnx`);
    const needs = name === 'super-resolution-prepost' ? ['onnxruntime_extensions', 'PIL'] : name === 'ppocr-det' ? ['PIL'] : [];
    test.skipIf(!existsSync(path))(`${name} has as few nodes as anywhere, and computes the same`, async () => {
      const model = openModel(path).clone();
      await simplify.run(model, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
      await transformers.run(model, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
      await onnxruntime.run(model, { exclude: [] }, testPassContext());
      expect(nodeCount(model)).toBeLessThanOrEqual(best);
      if (!needs.every(python)) return; // its inputs cannot be made here
      const result = join(folder, `${name}.onnx`);
      await writeModel(model, result);
      execFileSync('python3', [join(shared!, 'tools/check_equal.py'), path, result, path.replace(/onnx$/, 'inputs.json')], { stdio: 'pipe' }); // throws unless the outputs are equal
    }, 600_000);
  }
});
