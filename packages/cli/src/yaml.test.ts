import { Source } from '@onnxpress/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { call, flow, scalar } from './yaml.ts';

test('plain words stay plain, and what YAML would read as something else is quoted', () => {
  expect(['models/minilm', 'eval/size', './a.yaml', 'true', 'null', '12', 'op:Gather', '- x', '', 'a b', '~'].map(scalar))
    .toEqual(['models/minilm', 'eval/size', './a.yaml', '"true"', '"null"', '"12"', '"op:Gather"', '"- x"', '""', '"a b"', '"~"']);
});

test('values are written on one line', () => {
  expect(flow({ file: 'a.txt', take: 64, 'per-channel': false, exclude: ['op:Gather', 'x'], dims: {} })).toBe('{ file: a.txt, take: 64, per-channel: false, exclude: ["op:Gather", x], dims: {} }');
});

test('a contribution without options is its name alone', () => {
  expect([call('eval/size'), call('eval/latency', { length: 8 })]).toEqual(['eval/size', '{ use: eval/latency, with: { length: 8 } }']);
});

test('what is written is read back as it was', () => {
  const key = fc.string({ minLength: 1, maxLength: 8 }).filter((k) => k !== '__proto__');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.string(), fc.integer(), fc.boolean(), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(key, tie('value'), { maxKeys: 3 })),
  }));
  fc.assert(fc.property(value, (given) => {
    const source = new Source('a.yaml', `value: ${flow(given)}\n`);
    expect(source.problems).toEqual([]);
    expect(source.data).toEqual({ value: given });
  }), { numRuns: 200 });
});
