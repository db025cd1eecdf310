import { expect, test } from 'vitest';
import { parseModel } from '../text/parse.ts';
import { printGraph } from '../text/print.ts';
import { partOf } from './part.ts';
import { inferTypes } from './shapes/infer.ts';
import { validate } from './validate.ts';

const chain = (): ReturnType<typeof parseModel> => parseModel(`<ir_version: 8, opset_import: ["": 17]>
  chain (float[n, 2] x, bool c) => (float[n, 2] y) <float[2] w = {1, 2}> {
    a = Mul(x, w)
    b = Exp(a)
    s = If(c) <then_branch = yes () => (float[n, 2] t) { t = Add(a, w) }, else_branch = no () => (float[n, 2] e) { e = Neg(b) }>
    y = Add(s, w)
  }`);
const value = (m: ReturnType<typeof chain>, name: string): NonNullable<ReturnType<typeof m.graph.value>> => m.graph.value(name)!;

test('a part holds what lies between its ends, and the constants of that', () => {
  const m = chain();
  const part = partOf(m, { from: [value(m, 'a')], to: [value(m, 'b')] });
  expect(printGraph(part.graph)).toMatch(/\(.*a\) => \(.*b\)/);
  expect([...part.graph.nodes].map((n) => n.opType)).toEqual(['Exp']);
  expect(part.graph.initializers.size).toBe(0);
  expect(m.revision).toBe(0);
});

test('what a subgraph reads from outside is needed too', () => {
  const m = chain();
  inferTypes(m);
  const part = partOf(m, { from: [value(m, 'a'), value(m, 'c')], to: [value(m, 'y')] });
  expect([...part.graph.nodes].map((n) => n.opType)).toEqual(['Exp', 'If', 'Add']);
  expect(validate(part)).toEqual([]);
});

test('a value that is both ends is given through', () => {
  const m = chain();
  const part = partOf(m, { from: [value(m, 'a')], to: [value(m, 'a'), value(m, 'b')] });
  expect(part.graph.outputs.map((v) => v.name)).toEqual(['a', 'b']);
});

test('what is missing is named with its reader', () => {
  const m = chain();
  expect(() => partOf(m, { from: [value(m, 'a')], to: [value(m, 'y')] })).toThrow('"c" is needed by If');
});
