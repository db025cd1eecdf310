import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32sOf, lazyTensor, openModel, parseModel, writeModel } from '@onnxpress/onnx';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunError } from '../diagnostics/errors.ts';
import { definePass, definePlugin } from '../plugin/define.ts';
import { Registry } from '../plugin/registry.ts';
import { checkRecipe } from '../recipe/check.ts';
import { readRecipe } from '../recipe/extends.ts';
import { hostServices, nodeFiles } from '../services/host.ts';
import type { Services } from '../services/services.ts';
import { Files, Log } from '../services/tokens.ts';
import { evict } from './evict.ts';
import type { RunEvent } from './events.ts';
import type { StoredModel } from './model-store.ts';
import { planRun } from './plan.ts';
import { run } from './run.ts';
import { Store } from './store.ts';

/* What a run does when the disk or the store fail it. A pass adds one to every weight; another forgets the whole store, as another run may that wants room. */
const SIZE = 32;
const plus = (name: string): ReturnType<typeof definePass> => definePass({
  name,
  summary: 'Adds one to every weight.',
  numerics: 'lossy',
  run(model) {
    calls.push(name);
    for (const value of [...model.graph.initializers.values()]) {
      const { constant } = value;
      model.graph.setConstant(value, lazyTensor('float32', constant.dims, () => float32sOf(constant).map((x) => x + 1)));
    }
  },
});
const forgets = definePass({
  name: 'toy/forgets',
  summary: 'Empties the store.',
  numerics: 'exact',
  async run(model, _, ctx) {
    expect((await evict(new Store(ctx.resolve('.onnxpress/cache')), 0, Date.now())).entries).toBeGreaterThan(0);
    model.metadata.set('forgotten', 'yes');
  },
});

let folder: string;
let services: Services;
let said: string[];
let calls: string[];
beforeEach(async () => {
  [said, calls] = [[], []];
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-faults-'));
  services = hostServices().set(Log, { info() {}, warn: (m) => void said.push(m) });
  const weights = Array.from({ length: SIZE * SIZE }, (_, i) => i % 7).join(', ');
  await writeModel(parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[N, ${SIZE}] x) => (float[N, ${SIZE}] y) <float[${SIZE}, ${SIZE}] w = {${weights}}> { y = MatMul(x, w) }`), join(folder, 'model.onnx'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = ['toy/first', 'toy/second'];

async function runSteps(steps: readonly string[] = STEPS): Promise<RunEvent[]> {
  const registry = new Registry();
  expect(registry.add(definePlugin({ name: 'toy', passes: [plus('toy/first'), plus('toy/second'), forgets] }), { packageName: 'toy', version: '1' })).toEqual([]);
  const file = join(folder, 'onnxpress.yaml');
  writeFileSync(file, `model: model.onnx\noutput: out/result.onnx\nsteps: [${steps.join(', ')}]\n`);
  const { recipe } = checkRecipe((await readRecipe(file, nodeFiles)).source, registry);
  const { signal } = new AbortController();
  const events: RunEvent[] = [];
  for await (const event of run(await planRun({ recipe: recipe!, registry }, services, signal), services, signal)) events.push(event);
  return events;
}

const firstWeights = (): number[] => [...float32sOf(openModel(join(folder, 'out/result.onnx')).graph.initializers.get('w')!.constant)].slice(0, 3);
const leftovers = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tmp|\.onnxpress-/.test(f));

/** The store's file with the structure that a step gave the model. */
async function structureOf(step: string): Promise<string> {
  const store = new Store(join(folder, '.onnxpress/cache'));
  const entry = (await store.list()).find((e) => e.label === step);
  const { model } = entry!.value as { model: StoredModel }; // what runStep puts there
  return store.path(model.structure.sha256);
}

const FULL = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });

test('a report that finds no room keeps the old result, tells what is missing, and the next run takes all from the store', async () => {
  await runSteps(['toy/first']);
  const old = readFileSync(join(folder, 'out/result.onnx'));
  services.set(Files, { ...nodeFiles, writeText: () => Promise.reject(FULL) });
  const failed = await runSteps().catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(RunError);
  expect(failed).toMatchObject({ diagnostic: { code: 'disk-full', message: expect.stringMatching(/report\.json: it needs .* are free, so .* missing/) as string } });
  expect([readFileSync(join(folder, 'out/result.onnx')).equals(old), leftovers()]).toEqual([true, []]);
  services.set(Files, nodeFiles);
  calls = [];
  await runSteps();
  expect([calls, firstWeights()]).toEqual([[], [2, 3, 4]]);
});

test('a structure with a flipped byte is said, and only its step runs again', async () => {
  await runSteps();
  const path = await structureOf('toy/second');
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
  calls = [];
  await runSteps();
  expect([calls, said.length, firstWeights()]).toEqual([['toy/second'], 1, [2, 3, 4]]);
  expect(said[0]).toContain('cache-damaged');
});

test('a structure that ends early is made anew', async () => {
  await runSteps();
  truncateSync(await structureOf('toy/second'), 10);
  calls = [];
  await runSteps();
  expect([calls, firstWeights()]).toEqual([['toy/second'], [2, 3, 4]]);
});

test('a structure that is gone is made anew', async () => {
  await runSteps();
  rmSync(await structureOf('toy/second'));
  calls = [];
  await runSteps();
  expect([calls, firstWeights()]).toEqual([['toy/second'], [2, 3, 4]]);
});

test('where an earlier step is damaged, later ones that are whole are still taken', async () => {
  await runSteps();
  rmSync(await structureOf('toy/first'));
  calls = [];
  await runSteps();
  expect([calls, firstWeights()]).toEqual([[], [2, 3, 4]]);
});

test('a store that is emptied in the middle of a run costs nothing but time', async () => {
  const events = await runSteps(['toy/first', 'toy/forgets', 'toy/second']);
  expect([events.at(-1)?.type, firstWeights()]).toEqual(['done', [2, 3, 4]]);
  await runSteps();
  expect(firstWeights()).toEqual([2, 3, 4]);
});

test('a store whose objects were emptied and whose entries stayed gives the right result', async () => {
  await runSteps();
  rmSync(join(folder, '.onnxpress/cache/objects'), { recursive: true });
  calls = [];
  await runSteps();
  expect([calls, firstWeights()]).toEqual([STEPS, [2, 3, 4]]);
});
