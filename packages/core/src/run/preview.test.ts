import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryTensor, parseModel, writeModel } from '@onnxpress/onnx';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defineDataset, definePass, definePlugin } from '../plugin/define.ts';
import { Registry } from '../plugin/registry.ts';
import { checkRecipe } from '../recipe/check.ts';
import { readRecipe } from '../recipe/extends.ts';
import { hostServices } from '../services/host.ts';
import { Files } from '../services/tokens.ts';
import { planRun, type Plan } from './plan.ts';
import { previewSteps, type Preview } from './preview.ts';
import { run } from './run.ts';

const services = hostServices();
const { signal } = new AbortController();

const zero = definePass({
  name: 'toy/zero',
  summary: 'Every weight becomes zero.',
  numerics: 'lossy',
  options: { only: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Which.' } },
  run(model, _, ctx) {
    for (const v of [...model.graph.initializers.values()]) {
      model.graph.setConstant(v, memoryTensor('float32', v.constant.dims, new Float32Array(v.constant.byteLength / 4)));
      ctx.count('weights');
    }
    ctx.missed('The rest is no weight.');
  },
});
const calibrated = definePass({
  name: 'toy/calibrated',
  summary: 'Reads data.',
  numerics: 'lossy',
  options: { data: { type: 'string', format: 'data', required: true, description: 'Which.' } },
  run(model) {
    model.metadata.set('calibrated', 'yes');
  },
});
const none = defineDataset({ name: 'toy/none', summary: 'No texts.', open: async () => ({ kind: 'texts', fingerprint: 'none', count: 0, async *texts() {} }) });

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-preview-'));
  await writeModel(parseModel('<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }'), join(folder, 'model.onnx'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function planOf(steps: string): Promise<Plan> {
  const file = join(folder, 'onnxpress.yaml');
  writeFileSync(file, `model: model.onnx\noutput: out.onnx\ndata: { none: toy/none }\nsteps: ${steps}\n`);
  const registry = new Registry();
  registry.add(definePlugin({ name: 'toy', passes: [zero, calibrated], datasets: [none] }), { packageName: 'toy', version: '1' });
  const { recipe, diagnostics } = checkRecipe((await readRecipe(file, services.get(Files))).source, registry);
  expect(diagnostics).toEqual([]);
  return planRun({ recipe: recipe!, registry }, services, signal);
}

const preview = async (steps: string): Promise<Preview> => {
  const plan = await planOf(steps);
  return previewSteps(plan, plan.variants[0]!, services, signal);
};

test('says what a step does, what its patterns match, and what it leaves alone', async () => {
  const { steps } = await preview('[{ use: toy/zero, with: { only: ["op:MatMul"] } }]');
  expect(steps).toMatchObject([{
    use: 'toy/zero', cached: false, unknown: undefined, effect: { changed: true, nodes: [1, 1], bytes: [16, 16], counts: { weights: 1 } },
    patterns: [{ pattern: 'op:MatMul', matched: ['w'] }], missed: ['The rest is no weight.'],
  }]);
});

test('a pattern that matches nothing is told at its place, as the run would', async () => {
  const failed = await preview('[{ use: toy/zero, with: { only: ["op:MatMul", "op:Gemm"] } }]').catch((e: unknown) => e);
  expect(failed).toMatchObject({ name: 'RecipeError', diagnostics: [{ code: 'pattern-matches-nothing', at: { file: join(folder, 'onnxpress.yaml') } }] });
});

test('foretells the size of the file that a run writes', async () => {
  const { bytes } = await preview('[toy/zero]');
  for await (const _ of run(await planOf('[toy/zero]'), services, signal));
  expect(bytes).toBe(statSync(join(folder, 'out.onnx')).size);
});

test('writes no model and keeps no step', async () => {
  await preview('[toy/zero]');
  expect(readdirSync(folder).filter((name) => name.endsWith('.onnx'))).toEqual(['model.onnx']);
  expect((await planOf('[toy/zero]')).variants[0]!.steps[0]!.cached).toBe(false);
});

test('a step that reads data is not tried, and neither is what follows', async () => {
  const { steps, bytes } = await preview('[{ use: toy/calibrated, with: { data: none } }, toy/zero]');
  expect(steps.map((s) => [s.effect, s.unknown])).toEqual([[undefined, 'it reads data, and no result is in the cache'], [undefined, 'it depends on the step before']]);
  expect(bytes).toBeUndefined();
});

test('a step that reads data is known once it is in the cache', async () => {
  const both = '[{ use: toy/calibrated, with: { data: none } }, toy/zero]';
  for await (const _ of run(await planOf(both), services, signal));
  expect((await preview(both)).steps.map((s) => s.effect?.changed)).toEqual([true, true]);
});
