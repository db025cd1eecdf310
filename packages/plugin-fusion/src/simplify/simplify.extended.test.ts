import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCount, openModel, weightsOf, writeModel } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { graphs, python, shared, subjects } from '../testing/real-models.ts';
import { simplify } from './simplify.ts';

/** A file may grow by this much for what the format itself takes: names of new constants in a small model. */
const MOST_GROWTH = 1.02;

/**
 * The smallest correct result of onnxsim, OnnxSlim and onnxscript, in nodes without Constant. Theirs for light-shufflenet has 154 and is 39 times as large: its weights are filled
 * shapes. Here it must not grow, and six shapes stay.
 */
const BEST_STANDARD: Readonly<Record<string, number>> = {
  'all-minilm-l6-v2': 369, 'retriever-small': 278, 'bert-dynamo': 93, 'efficientnet-lite0-unfolded': 94, 'light-shufflenet': 160, 'llama-optimum': 330, 'mnist-cntk': 8, 'ppocr-cls': 180, 'ppocr-det': 297,
  'ppocr-rec': 377, 'resnet18-dynamo': 49, 'roberta-legacy': 138, 'silero-vad': 116, 'sklearn-pipeline': 9, 'smollm2-135m': 2784, 'super-resolution-prepost': 75,
};

const folder = mkdtempSync(join(tmpdir(), 'simplify-'));
const rows: string[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (rows.length) console.log(['model: nodes before → after (best standard), bytes', ...rows].join('\n'));
});

describe.skipIf(!shared || !python('onnxruntime'))('real models', () => {
  for (const { name, path, inputs, needs } of subjects()) {
    test.skipIf(!needs.every(python))(`${name} computes the same in fewer nodes, and is no larger`, async () => {
      const before = openModel(path);
      const after = before.clone();
      await simplify.run(after, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext());
      const result = join(folder, `${name}.onnx`);
      const { byteLength } = await writeModel(after, result);
      const spec = typeof inputs === 'string' ? inputs : join(folder, `${name}.inputs.json`);
      if (typeof inputs !== 'string') writeFileSync(spec, JSON.stringify(inputs));

      const external = new Set(weightsOf(before).flatMap((t) => ('file' in t && typeof t.file === 'string' && t.file !== path ? [t.file] : [])));
      const size = [path, ...external].reduce((sum, file) => sum + statSync(file).size, 0);
      rows.push(`${name}: ${nodeCount(before)} → ${nodeCount(after)} (${BEST_STANDARD[name]}), ${size} → ${byteLength}`);
      execFileSync('python3', [join(shared!, 'tools/check_equal.py'), path, result, spec], { stdio: 'pipe' }); // throws unless the outputs are equal
      expect(nodeCount(after)).toBeLessThanOrEqual(BEST_STANDARD[name]!);
      expect(byteLength).toBeLessThanOrEqual(size * MOST_GROWTH);
    }, 600_000);
  }

  test('light-shufflenet has as few nodes as anywhere where it may grow', async () => {
    const model = openModel(join(graphs, 'light-shufflenet.onnx')).clone();
    await simplify.run(model, { 'fold-bytes': 1e9, 'keep-metadata': false, exclude: [] }, testPassContext());
    expect(nodeCount(model)).toBeLessThanOrEqual(154);
  });
});
