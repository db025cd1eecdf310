import { expect, test } from 'vitest';
import { nextLine } from './next.ts';
import { report, variant } from './testing.ts';

test('a run with gates suggests a look at its result', () => {
  expect(nextLine(report, 'onnxpress.yaml')).toBe('next: onnxpress inspect out/minilm-int8.onnx');
});

test('a run without gates suggests one that this result passes with a little room', () => {
  expect(nextLine({ ...report, variants: [{ ...variant, gates: [] }] }, 'onnxpress.yaml')).toBe('next: keep it this small: add "gates: { size: { at-most: 30% } }" to onnxpress.yaml.');
});

test('a run that measures nothing suggests to measure', () => {
  expect(nextLine({ ...report, variants: [{ ...variant, gates: [], metrics: [] }] }, 'a.yaml')).toBe('next: measure and judge the result: add "evaluate: [eval/size]" and gates to a.yaml.');
});

test('a failed run suggests where to look', () => {
  expect(nextLine({ ...report, ok: false }, 'a.yaml')).toContain('onnxpress plan a.yaml');
});
