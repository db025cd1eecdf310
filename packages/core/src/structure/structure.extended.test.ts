import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '@onnxpress/onnx';
import { describe, expect, test } from 'vitest';
import { mappingsOf, type Mapping } from './mappings.ts';
import { isPostNorm, residualStreams } from './residual.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');

/** As exporters wrote them: shape arithmetic, casts and normalizations in nodes. `folds`: mappings of each kind that fold. */
const SUBJECTS = [
  { name: 'smollm2-135m', path: join(fixtures, 'smollm2-135m/model.onnx'), streams: 1, blocks: 60, postNorm: false, folds: { norm: 60, values: 30, gated: 30, linear: 0 }, multiplied: 0 },
  { name: 'llama-optimum, whose values are cached', path: join(shared, 'models/graphs/llama-optimum.onnx'), streams: 1, blocks: 6, postNorm: false, folds: { norm: 6, values: 0, gated: 3, linear: 0 }, multiplied: 3 },
  { name: 'all-minilm-l6-v2', path: join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), streams: 12, blocks: 12, postNorm: true, folds: { norm: 0, values: 6, gated: 0, linear: 0 }, multiplied: 12 },
  { name: 'roberta-legacy', path: join(shared, 'models/graphs/roberta-legacy.onnx'), streams: 6, blocks: 6, postNorm: true, folds: { norm: 0, values: 3, gated: 0, linear: 0 }, multiplied: 6 },
  { name: 'ppocr-rec, whose q, k and v are one projection', path: join(shared, 'models/graphs/ppocr-rec.onnx'), streams: 1, blocks: 4, postNorm: false, folds: { norm: 4, values: 2, gated: 0, linear: 0 }, multiplied: 0 },
] as const;

describe.skipIf(!shared)('real models', () => {
  for (const { name, path, streams, blocks, postNorm, folds, multiplied } of SUBJECTS) {
    test.skipIf(!existsSync(path))(`${name}: streams, blocks and mappings are all found`, () => {
      const model = openModel(path);
      const found = residualStreams(model);
      expect([found.length, found.reduce((n, s) => n + s.blocks.length, 0), found.every(isPostNorm)]).toEqual([streams, blocks, postNorm]);
      const mappings = mappingsOf(model).found;
      const count = (kind: Mapping['kind']): number => mappings.filter((m) => m.kind === kind && m.unfoldable === undefined).length;
      expect({ norm: count('norm'), values: count('values'), gated: count('gated'), linear: count('linear') }).toEqual(folds);
      expect(mappings.filter((m) => m.unfoldable !== undefined).length).toBe(multiplied);
    }, 120_000);
  }
});
