import { parseModel } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { dropExporterNotes } from './exporter-notes.ts';

test('what an exporter noted goes, and what others noted stays', () => {
  const model = parseModel('g (float[N] x) => (float[N] y) { a = Relu(x)  y = Neg(a) }');
  const [first, second] = [...model.graph.nodes];
  first!.notes = { docString: 'File "model.py", line 3', metadata: new Map([['pkg.torch.onnx.stack_trace', 'File'], ['namespace', 'm']]) };
  second!.notes = { metadata: new Map([['namespace', 'm'], ['precision', 'high']]) };
  model.metadata.set('labels', 'cat, dog');
  dropExporterNotes(model);
  expect(first!.notes).toBeUndefined();
  expect(second!.notes).toEqual({ metadata: new Map([['precision', 'high']]) });
  expect(model.metadata.get('labels')).toBe('cat, dog');
});
