import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertValid, openModel, raiseOpset, writeModel } from '@onnxpress/core';
import { afterAll, describe, expect, test } from 'vitest';
import { python, shared, subjects } from '../testing/real-models.ts';

const TO = 21;

const folder = mkdtempSync(join(tmpdir(), 'opset-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!shared || !python('onnxruntime'))(`real models, raised to opset ${TO}`, () => {
  for (const { name, path, inputs, needs } of subjects()) {
    test.skipIf(!needs.every(python))(`${name} computes the same`, async () => {
      const model = openModel(path).clone();
      const to = Math.max(model.opsets.get('') ?? 0, TO);
      raiseOpset(model, to);
      assertValid(model);
      expect(model.opsets.get('')).toBe(to);
      const result = join(folder, `${name}.onnx`);
      await writeModel(model, result);
      const spec = typeof inputs === 'string' ? inputs : join(folder, `${name}.inputs.json`);
      if (typeof inputs !== 'string') writeFileSync(spec, JSON.stringify(inputs));
      execFileSync('python3', [join(shared!, 'tools/check_equal.py'), path, result, spec], { stdio: 'pipe' }); // throws unless the outputs are equal
    }, 300_000);
  }
});
