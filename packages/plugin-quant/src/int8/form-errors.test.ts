import { parseModel, type Model } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { emitBlocks } from '../blocks/emit.ts';
import { groupsOf } from '../blocks/group.ts';
import { roundedBlocks } from '../blocks/rounded.ts';
import { correlated } from '../calibrated/testing.ts';
import { dynamic } from '../dynamic.ts';
import { targetOf } from '../target.ts';
import { batchRows } from './batch-rows.ts';
import type { Form } from './choice.ts';
import { formErrors } from './form-errors.ts';
import { outputFor } from './testing.ts';

const [K, N, TOKENS] = [64, 12, 60];
const { x, w } = correlated(K, N, TOKENS);
const BLOCK = 32;
const product = (): Model => parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[n, ${K}] x) => (float[n, ${N}] y) <float[${K}, ${N}] w = {${[...w].join(', ')}}> { y = MatMul(x, w) }`);

async function written(form: Form): Promise<Model> {
  const model = product();
  if (form !== 'blocks') {
    await dynamic.run(model, { activations: form, slowdown: 0, blocks: true, 'per-channel': true, embeddings: true, 'reduce-range': false, include: [], exclude: [], 'on-quantized': 'keep' }, testPassContext());
    return model;
  }
  const [group] = groupsOf([...model.nodes()].map(targetOf).filter((t) => typeof t === 'object'));
  emitBlocks(model, group!, roundedBlocks(group!, { bits: 8, block: BLOCK, mode: 'symmetric', scales: 'float32', search: 'none' }), { format: 'MatMulNBits', accuracyLevel: 4 });
  return model;
}

/** Roundings fall to the other side of ties now and then: the error of a form is known to so many parts. */
const KNOWN = 0.1;

test.each(['tensor', 'token', 'blocks'] as const)('the error of the form "%s" is the one that onnxruntime makes', async (form) => {
  const rows = batchRows(TOKENS);
  await rows.add({ name: 'x', sample: 0, dims: [TOKENS, K], data: x, rows: TOKENS, columns: K, weights: undefined });
  const { [form]: predicted } = await formErrors({ w, k: K, n: N }, await rows.done(), [form], { reduceRange: false, block: BLOCK });
  const [was, is] = [await outputFor(product(), x, K), await outputFor(await written(form), x, K)];
  const made = was.reduce((sum, v, i) => sum + (v - is[i]!) ** 2, 0) / was.reduce((sum, v) => sum + v * v, 0);
  expect(Math.abs(made / predicted! - 1)).toBeLessThan(KNOWN);
});

test('a range is that of the whole batch, padding and rows that are not kept included', async () => {
  const rows = batchRows(1);
  await rows.add({ name: 'x', sample: 0, dims: [3, 2], data: Float32Array.of(1, 2, -9, 3, 4, 50), rows: 3, columns: 2, weights: Uint8Array.of(1, 1, 0) });
  const { data, low, high } = await rows.done();
  expect([[...data], [...low], [...high]]).toEqual([[1, 2], [-9], [50]]);
});
