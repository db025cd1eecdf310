import { modelBytes, parseModel, type PassContext } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { awq } from './awq.ts';
import { apart, gatedBlock, gatedData, original, outputsOf } from './calibrated/calibrated-cases.ts';
import { gptq } from './gptq.ts';
import { weights } from './weights.ts';

type Options = Parameters<typeof awq.run>[1];
const DEFAULTS: Options = {
  data: 'calib', bits: 4, block: 32, mode: 'asymmetric', scales: 'auto', format: 'MatMulNBits', 'accuracy-level': 1, rounding: 'nearest', search: 'none', damp: 0.01,
  'act-order': true, sequential: true, include: [], exclude: [], 'on-quantized': 'keep',
};
const data = { calib: gatedData };
const nodes = (m: ReturnType<typeof original>): string[] => [...m.nodes()].map((n) => n.opType);
const scaleTypes = (m: ReturnType<typeof original>): string[] => [...new Set([...m.graph.initializers].filter(([name]) => name.endsWith('_scales')).map(([, v]) => v.constant.dtype))];
const BOUND = { relative: 0.2, because: 'four bits are fifteen steps over the range of a block, and a gated product doubles what is lost' };

/** Squared error of the outputs on other data. */
async function errorOf(pass: typeof awq | typeof gptq, options: Partial<Options>, ctx: Partial<PassContext> = {}): Promise<number> {
  const model = original();
  const context = testPassContext({ data });
  await pass.run(model, { ...DEFAULTS, ...options }, Object.assign(Object.create(context) as PassContext, ctx)); // the context, with some of it replaced
  return apart(await outputsOf(original()), await outputsOf(model));
}

for (const pass of [gptq, awq]) {
  describe(pass.name, () => {
    for (const c of passCases(pass, {
      bound: BOUND,
      changes: [
        { name: 'all products', model: gatedBlock(), options: { data: 'calib' }, data, check: (m) => expect(nodes(m).filter((n) => n === 'MatMulNBits')).toHaveLength(3) },
        { name: 'operators of ONNX itself, at the opset that has them', model: gatedBlock(), options: { data: 'calib', format: 'QDQ' }, data, check: (m) => expect([m.opsets.get(''), nodes(m).includes('MatMulNBits')]).toEqual([21, false]) },
        { name: 'scales in half precision, where that is as exact', model: gatedBlock(), options: { data: 'calib' }, data, check: (m) => expect(scaleTypes(m)).toEqual(['float16']) },
        { name: 'at level 4, scales that every setting of the runtime computes with', model: gatedBlock(), options: { data: 'calib', 'accuracy-level': 4 }, data, check: (m) => expect(scaleTypes(m)).toEqual(['float32']) },
        { name: 'scales that were asked for', model: gatedBlock(), options: { data: 'calib', scales: 'float32' }, data, check: (m) => expect(scaleTypes(m)).toEqual(['float32']) },
        { name: 'only what is asked for', model: gatedBlock(), options: { data: 'calib', include: ['down'] }, data, check: (m) => expect(nodes(m).filter((n) => n === 'MatMul')).toHaveLength(2) },
      ],
      keeps: [
        { name: 'a model without products', model: '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Relu(x) }', options: { data: 'calib' }, data },
        { name: 'a table that the output head is tied to', model: `<ir_version: 8, opset_import: ["": 17]> g (int64[n] i) => (float[n, 2] y) <float[2, 32] w = {${Array<number>(64).fill(0.5).join(', ')}}> { e = Gather(w, i)\n t = Transpose<perm = [1, 0]>(w)\n y = MatMul(e, t) }`, options: { data: 'calib' }, data },
      ],
      rejects: [{ name: 'no data', options: {}, says: /data/ }],
    })) test(c.name, c.run);
  });
}

test('each is better than the nearest codes on data that it has not seen, and GPTQ adds to AWQ', async () => {
  const rounded = original();
  await weights.run(rounded, { ...DEFAULTS, search: 'none', embeddings: 'keep', 'on-nonfinite': 'fail' }, testPassContext());
  const nearest = apart(await outputsOf(original()), await outputsOf(rounded));
  const [byGptq, byAwq, byBoth] = [await errorOf(gptq, {}), await errorOf(awq, {}), await errorOf(awq, { rounding: 'gptq' })];
  expect(byGptq).toBeLessThan(0.9 * nearest);
  expect(byAwq).toBeLessThan(0.9 * nearest);
  expect(byBoth).toBeLessThan(byAwq);
});

test('a run that was killed goes on where it was, to the same bytes', async () => {
  const bytesWith = async (checkpoint: PassContext['checkpoint']): Promise<string> => {
    const model = original();
    const ctx = Object.assign(Object.create(testPassContext({ data })) as PassContext, { checkpoint }); // the context, with another checkpoint
    await awq.run(model, { ...DEFAULTS, rounding: 'gptq' }, ctx);
    return Buffer.from(modelBytes(model)).toString('base64');
  };
  const kept = new Map<string, Uint8Array>();
  const whole = await bytesWith({ load: async () => undefined, save: async (name, bytes) => void kept.set(name, bytes.slice()) });
  const all = [...kept];
  expect(all.length).toBeGreaterThan(3);
  for (let finished = 1; finished <= all.length; finished++) {
    const before = new Map(all.slice(0, finished));
    expect(await bytesWith({ load: async (name) => before.get(name), save: async () => {} })).toBe(whole);
  }
});

test('what was measured of each layer is recorded', async () => {
  const records: string[] = [];
  await errorOf(gptq, {}, { record: (name, values) => void records.push(`${name}: ${Object.keys(typeof values === 'function' ? values() : values).join(' ')}`) });
  expect(records).toEqual([...['gate', 'up', 'down'].map((name) => `${name}: output-error of-nearest weight-error damping dead-inputs tokens seconds`), 'calibration: batches tokens peak-bytes']);
});

test('too few tokens are warned of, and NaN is named', async () => {
  const ids = parseModel(gatedBlock());
  const broken = { ...gatedData, async *feeds() { yield { x: { dtype: 'float32', dims: [1, 32], data: new Float32Array(32).fill(NaN) } } as const; } };
  await expect(gptq.run(ids, DEFAULTS, testPassContext({ data: { calib: broken } }))).rejects.toThrow('"h" holds NaN');
});
