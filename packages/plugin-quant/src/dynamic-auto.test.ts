import { parseModel, type Model, type StepRecord } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { apart, gatedBlock, gatedData, original, outputsOf } from './calibrated/calibrated-cases.ts';
import { dynamic } from './dynamic.ts';

const data = { calib: gatedData };
const DEFAULTS: Parameters<typeof dynamic.run>[1] = { activations: 'auto', data: 'calib', slowdown: 0.05, blocks: true, 'per-channel': true, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' };
const has = (m: Model, opType: string): boolean => [...m.nodes()].some((n) => n.opType === opType);
const auto = { activations: 'auto', data: 'calib' } as const;

describe('quant/dynamic, activations: auto', () => {
  for (const c of passCases(dynamic, {
    bound: { relative: 0.05, because: 'random inputs are quantized with one scale for all, 255 steps over their range, twice one after the other' },
    changes: [
      { name: 'no room: one scale for all, everywhere', model: gatedBlock(), options: { ...auto, slowdown: 0 }, data, check: (m) => expect([has(m, 'DynamicQuantizeLinear'), has(m, 'ReduceMax'), has(m, 'MatMulNBits')]).toEqual([true, false, false]) },
      { name: 'all room: the most exact form of each', model: gatedBlock(), options: { ...auto, slowdown: 1 }, data, check: (m) => expect(has(m, 'DynamicQuantizeLinear')).toBe(false) },
      { name: "no operators of onnxruntime's own", model: gatedBlock(), options: { ...auto, slowdown: 1, blocks: false }, data, check: (m) => expect([has(m, 'ReduceMax'), has(m, 'MatMulNBits')]).toEqual([true, false]) },
      { name: 'some room: some of each', model: gatedBlock(), options: { ...auto, slowdown: 0.12, blocks: false }, data, check: (m) => expect([has(m, 'DynamicQuantizeLinear'), has(m, 'ReduceMax')]).toEqual([true, true]) },
      {
        name: 'a product in a branch, where nothing can be observed, per token',
        model: `<ir_version: 8, opset_import: ["" : 17]> g (float[n, 32] x) => (float[n, 2] y) <bool c = {1}, float[32, 2] w = {${Array.from({ length: 64 }, (_, i) => Math.sin(i).toFixed(4)).join(', ')}}> {
          y = If (c) <then_branch = t () => (float[n, 2] a) { a = MatMul(x, w) }, else_branch = e () => (float[n, 2] b) { p = MatMul(x, w)\n b = Neg(p) }>
        }`,
        options: auto, data, check: (m) => expect(has(m, 'ReduceMax')).toBe(true),
      },
    ],
    keeps: [{ name: 'what the recipe excludes', model: gatedBlock(), options: { ...auto, exclude: ['op:MatMul'] }, data }],
  })) test(c.name, c.run);
});

async function quantized(options: Partial<typeof DEFAULTS>): Promise<{ readonly model: Model; readonly records: readonly StepRecord[] }> {
  const model = original();
  const records: StepRecord[] = [];
  await dynamic.run(model, { ...DEFAULTS, ...options }, testPassContext({ data, records }));
  return { model, records };
}

test('more time buys less error on rows that were never seen', async () => {
  const was = await outputsOf(original());
  const errors = [];
  for (const slowdown of [0, 0.15, 1]) errors.push(apart(was, await outputsOf((await quantized({ slowdown })).model)));
  expect(errors).toEqual([...errors].sort((a, b) => b - a));
  expect(errors[2]!).toBeLessThan(0.6 * errors[0]!);
});

test('the report holds the error of each form of each layer, and its own', async () => {
  const { records } = await quantized({ slowdown: 0, blocks: false });
  expect(records.map((r) => r.name)).toEqual(['gate', 'up', 'down']);
  for (const { values } of records) expect(values['output-error']).toBe(values['output-error-tensor']);
});

test('without data there is nothing to choose by, which is said', async () => {
  const { data: _, ...without } = DEFAULTS;
  await expect(async () => dynamic.run(original(), without, testPassContext())).rejects.toThrow('measures on calibration data');
});

test('a weight that two activations meet is stored in one form', async () => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[n, 32] x) => (float[n, 32] y) <float[32, 32] w = {${Array.from({ length: 1024 }, (_, i) => Math.sin(i * 1.7).toFixed(4)).join(', ')}}> { h = MatMul(x, w)\n y = MatMul(h, w) }`);
  await dynamic.run(model, { ...DEFAULTS, slowdown: 1 }, testPassContext({ data }));
  expect([...model.graph.initializers.keys()].filter((name) => name.startsWith('w_'))).toEqual(['w_int8', 'w_scale']);
});
