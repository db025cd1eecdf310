import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { float32sOf, lazyTensor, openModel, parseModel, rewrite, rule, tensorType, value, writeModel } from '@onnxpress/onnx';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { badBound, noSuchFile } from '../diagnostics/catalogue.ts';
import { RecipeError, RunError } from '../diagnostics/errors.ts';
import { render } from '../diagnostics/diagnostic.ts';
import { defineDataset, defineEvaluator, defineGate, definePass, definePlugin, defineReporter } from '../plugin/define.ts';
import { Registry } from '../plugin/registry.ts';
import { checkRecipe } from '../recipe/check.ts';
import { readRecipe } from '../recipe/extends.ts';
import { hostServices } from '../services/host.ts';
import type { Services } from '../services/services.ts';
import { Files, Log } from '../services/tokens.ts';
import type { RunEvent } from './events.ts';
import { planRun, type Plan, type RunRequest } from './plan.ts';
import type { Report } from './report.ts';
import { run } from './run.ts';

/* A plugin small enough to see through: it doubles weights, counts how often it was asked, and can be told to fail. */
let calls: string[] = [];
let failWith: Error | undefined;

const double = definePass({
  name: 'toy/double',
  summary: 'Doubles every weight.',
  numerics: 'lossy',
  options: {
    times: { type: 'integer', default: 1, description: 'How often.' },
    only: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Which nodes.' },
    tables: { type: 'array', items: { type: 'string', format: 'path' }, default: [], description: 'Files or folders.' },
    texts: { type: 'array', items: { type: 'string', format: 'data' }, default: [], description: 'Data sets.' },
  },
  async run(model, { times }, ctx) {
    calls.push(`double ${times}`);
    if (failWith) throw failWith;
    for (const value of [...model.graph.initializers.values()]) {
      const { constant } = value;
      model.graph.setConstant(value, lazyTensor('float32', constant.dims, () => float32sOf(constant).map((x) => x * 2 ** times)));
      ctx.progress(1, 2, value.name);
      ctx.record(value.name, () => ({ factor: 2 ** times, lost: NaN }));
    }
    ctx.warn('weights are larger now');
  },
});
const nothing = definePass({ name: 'toy/nothing', summary: 'Does nothing.', numerics: 'exact', run: () => void calls.push('nothing') });
const wrong = definePass({
  name: 'toy/wrong',
  summary: 'Says it is exact, and is not.',
  numerics: 'exact',
  run(model) {
    for (const v of [...model.graph.initializers.values()]) model.graph.setConstant(v, lazyTensor('float32', v.constant.dims, () => new Float32Array(4)));
  },
});
const widens = definePass({
  name: 'toy/widens',
  summary: 'Forgets a name of a dimension.',
  numerics: 'exact',
  run(model) {
    model.graph.outputs[0]!.type = tensorType('float32', [null, 2]);
  },
});
/** One rule does nothing to the numbers, and the other does. */
const rules = definePass({
  name: 'toy/rules',
  summary: 'Has a rule that is wrong.',
  numerics: 'exact',
  run(model) {
    const x = value();
    rewrite(model, [
      rule('twice', { vars: { x }, match: ({ x: v }, op) => op.Neg(op.Neg(v)), build: ({ x: v }, op) => op.Identity(v) }),
      rule('flatten', { vars: { x }, match: ({ x: v }, op) => op.Sigmoid(v), build: ({ x: v }, op) => op.Tanh(v) }),
    ]);
  },
});
const sum = defineEvaluator({
  name: 'toy/sum',
  summary: 'The sum of all weights.',
  metrics: () => ['sum'],
  async measure({ original, result }, _, ctx) {
    calls.push('sum');
    ctx.progress(1, 1);
    const total = (m: typeof original): number => [...m.graph.initializers.values()].flatMap((v) => [...float32sOf(v.constant)]).reduce((a, b) => a + b, 0);
    return { original: { metrics: { sum: total(original) } }, result: { metrics: { sum: total(result) } } };
  },
});
const atMost = defineGate({
  name: 'eval/threshold',
  summary: 'A bound.',
  options: { metric: { type: 'string', required: true, description: 'Which.' }, 'at-most': { type: 'number', description: 'Bound.' } },
  judge({ result }, { metric, 'at-most': bound = Infinity }) {
    if (bound < 0) throw new RecipeError([badBound(metric, bound)]);
    const value = result.metrics[metric] ?? NaN;
    return { ok: value <= bound, metric, bound: `≤ ${bound}`, message: `${metric} is ${value}` };
  },
});
const broken = defineReporter({
  name: 'toy/broken',
  summary: 'Fails at once.',
  report() {
    throw new Error('no paper');
  },
});
const gone = defineDataset({ name: 'words/gone', summary: 'Nothing.', open: () => Promise.reject(new RecipeError([noSuchFile('words.txt')])) });
const none = defineDataset({ name: 'words/none', summary: 'No texts.', open: async () => ({ kind: 'texts', fingerprint: 'none', count: 0, async *texts() {} }) });

let folder: string;
let said: string[];
let services: Services;
beforeEach(async () => {
  calls = [];
  failWith = undefined;
  said = [];
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-run-'));
  services = hostServices().set(Log, { info() {}, warn: (m) => void said.push(m) });
  await writeModel(parseModel('<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }'), join(folder, 'model.onnx'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const registryOf = (version = '1', dataVersion = '1'): Registry => {
  const registry = new Registry();
  const origin = { packageName: 'toy', version };
  expect(registry.add(definePlugin({ name: 'toy', passes: [double, nothing, wrong, widens, rules], evaluators: [sum], reporters: [broken] }), origin)).toEqual([]);
  expect(registry.add(definePlugin({ name: 'words', datasets: [none, gone] }), { packageName: 'words', version: dataVersion })).toEqual([]);
  expect(registry.add(definePlugin({ name: 'eval', gates: [atMost] }), origin)).toEqual([]);
  return registry;
};

const RECIPE = `
model: model.onnx
output: out/result.onnx
steps:
  - toy/nothing
  - { use: toy/double, with: { times: 1 } }
evaluate: [toy/sum]
gates:
  sum: { at-most: 20 }
`;

async function planOf(text: string, request: Partial<RunRequest> = {}, signal = new AbortController().signal): Promise<Plan> {
  const file = join(folder, 'onnxpress.yaml');
  writeFileSync(file, text);
  const { source, diagnostics } = await readRecipe(file, services.get(Files));
  const registry = registryOf();
  const checked = checkRecipe(source, registry);
  expect([...diagnostics, ...checked.diagnostics].map(render)).toEqual([]);
  return planRun({ recipe: checked.recipe!, registry, ...request }, services, signal);
}

async function runAll(text: string, request: Partial<RunRequest> = {}, signal = new AbortController().signal): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run(await planOf(text, request, signal), services, signal)) events.push(event);
  return events;
}

const weights = (): number[] => [...float32sOf(openModel(join(folder, 'out/result.onnx')).graph.initializers.get('w')!.constant)];
const leftovers = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => /\.tmp|\.onnxpress-/.test(f));
const brief = (events: readonly RunEvent[]): string[] => events.map((e) => {
  if (e.type === 'step') return `step ${e.use}${e.cached ? ' cached' : ''}${e.changed ? ' changed' : ''}`;
  if (e.type === 'measured') return `measured${e.cached ? ' cached' : ''} ${e.measured.original.metrics['sum']} → ${e.measured.result.metrics['sum']}`;
  if (e.type === 'judged') return `judged ${e.verdict.ok}`;
  return e.type === 'done' ? `done ${e.ok}` : e.type;
});

test('runs, measures, judges, and writes the result and the report', async () => {
  expect(brief(await runAll(RECIPE))).toEqual([
    'started', 'step-started', 'step toy/nothing', 'step-started', 'progress', 'warning', 'step toy/double changed', 'progress', 'measured 10 → 20', 'judged true', 'variant-done', 'done true']);
  expect(weights()).toEqual([2, 4, 6, 8]);
  const report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as Report;
  expect(report).toMatchObject({ ok: true, chosen: '', variants: [{ metrics: [{ metric: 'sum', original: 10, result: 20 }], warnings: ['weights are larger now'] }] });
  expect(leftovers()).toEqual([]);
});

test('an unchanged recipe takes everything from the cache', async () => {
  await runAll(RECIPE);
  calls = [];
  expect(brief(await runAll(RECIPE))).toEqual(['started', 'step toy/nothing cached', 'step toy/double cached changed', 'measured cached 10 → 20', 'judged true', 'variant-done', 'done true']);
  expect(calls).toEqual([]);
});

test('what a step warned of is in the report when the step comes from the cache', async () => {
  await runAll(RECIPE);
  await runAll(RECIPE);
  expect(JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8'))).toMatchObject({ variants: [{ warnings: ['weights are larger now'] }] });
});

test('what a pass recorded of each tensor is in the report, from the cache too; numbers that are not finite are left out', async () => {
  for (let i = 0; i < 2; i++) {
    await runAll(RECIPE);
    const [{ steps }] = (JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as Report).variants as [Report['variants'][0]]; // one variant
    expect(steps.map((s) => s.records)).toEqual([undefined, [{ name: 'w', values: { factor: 2 } }]]);
  }
});

test('the same recipe gives the same bytes', async () => {
  await runAll(RECIPE);
  const first = readFileSync(join(folder, 'out/result.onnx'));
  await runAll(RECIPE, { cache: { mode: 'none' } });
  expect(readFileSync(join(folder, 'out/result.onnx')).equals(first)).toBe(true);
});

test('only what comes after a changed step runs again', async () => {
  await runAll(RECIPE);
  calls = [];
  await runAll(RECIPE.replace('times: 1', 'times: 0'));
  expect(calls).toEqual(['double 0', 'sum']);
});

test.each([
  ['a file that a list names', '["table.txt"]', 'table.txt'],
  ['a file in a folder that a list names', '["tables"]', 'tables/inner/table.txt'],
])('%s is part of what a step depends on', async (_, tables, file) => {
  const text = RECIPE.replace('times: 1', `tables: ${tables}`);
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), 'one');
  await runAll(text);
  writeFileSync(join(folder, file), 'two');
  calls = [];
  await runAll(text);
  expect(calls).toEqual(['double 1', 'sum']);
});

test('so is the code that reads the data that a list names', async () => {
  const text = `${RECIPE.replace('times: 1', 'texts: [some]')}data: { some: words/none }\n`;
  const keys = async (data: string): Promise<readonly string[]> => (await planOf(text, { registry: registryOf('1', data) })).variants[0]!.steps.map((s) => s.key);
  const [first, again, other] = [await keys('1'), await keys('1'), await keys('2')];
  expect(again).toEqual(first);
  expect([other[0] === first[0], other[1] === first[1]]).toEqual([true, false]);
});

test('a step that was never compared is no answer to a recipe that wants it compared', async () => {
  const text = RECIPE.replace('toy/nothing', 'toy/wrong');
  await runAll(`${text}verify: off\n`);
  expect((await runAll(text)).find((e) => e.type === 'step')).toMatchObject({ cached: false, rolledBack: expect.any(String) as string });
});

test('fresh measures anew, with the steps from the cache', async () => {
  await runAll(RECIPE);
  calls = [];
  await runAll(RECIPE, { cache: { mode: 'fresh' } });
  expect(calls).toEqual(['sum']);
});

test('a failed gate is told, is not ok, and leaves the old output alone', async () => {
  await runAll(RECIPE);
  const events = await runAll(RECIPE.replace('times: 1', 'times: 3'));
  expect(events.at(-1)).toMatchObject({ type: 'done', ok: false, output: undefined });
  expect(weights()).toEqual([2, 4, 6, 8]);
  expect((JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as Report).ok).toBe(false);
  expect(leftovers()).toEqual([]);
});

test('a flipped byte in the cache is recomputed, and said', async () => {
  await runAll(RECIPE);
  const objects = join(folder, '.onnxpress/cache/objects');
  for (const file of readdirSync(objects, { recursive: true, encoding: 'utf8' })) {
    const path = join(objects, file);
    if (!/[/\\]/.test(file)) continue;
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  }
  calls = [];
  await runAll(RECIPE);
  expect(calls).toEqual(['double 1']);
  expect(said.join('\n')).toContain('cache-damaged');
  expect(weights()).toEqual([2, 4, 6, 8]);
});

test('two runs on one cache at once both succeed', async () => {
  const [a, b] = await Promise.all([runAll(RECIPE), runAll(RECIPE)]);
  expect([a.at(-1), b.at(-1)]).toMatchObject([{ ok: true }, { ok: true }]);
  expect(weights()).toEqual([2, 4, 6, 8]);
});

test('a pass that fails is named with its step, and keeps its own error as the cause', async () => {
  failWith = new Error('the weights are sour');
  const failed = await runAll(RECIPE).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(RunError);
  expect((failed as RunError).message).toContain('toy/double, step 2');
  expect((failed as RunError).cause).toBe(failWith);
  expect(existsSync(join(folder, 'out/result.onnx'))).toBe(false);
});

test('a full disk is told as such, and leaves nothing half-written', async () => {
  failWith = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  const failed = await runAll(RECIPE).catch((e: unknown) => e);
  expect(failed).toMatchObject({ diagnostic: { code: 'disk-full' } });
  expect(leftovers()).toEqual([]);
});

test('a pass that is wrong about being exact is rolled back, which is said, and the run goes on', async () => {
  const text = RECIPE.replace('toy/nothing', 'toy/wrong');
  for (const cached of [false, true]) {
    const events = await runAll(text);
    expect(events.find((e) => e.type === 'step')).toMatchObject({ use: 'toy/wrong', cached, changed: false, rolledBack: expect.stringContaining('output "y" differs by') as string });
    expect(events.at(-1)).toMatchObject({ ok: true });
    expect(weights()).toEqual([2, 4, 6, 8]); // doubled, and not what the wrong pass made of them
    const { variants } = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8')) as Report;
    expect(variants[0]!.warnings).toContainEqual(expect.stringContaining('"y", which MatMul "y" gave, is the first value to differ'));
  }
});

test('so is one that changes the signature, which is an error where nothing is compared', async () => {
  const text = RECIPE.replace('toy/nothing', 'toy/widens');
  expect((await runAll(text)).find((e) => e.type === 'step')).toMatchObject({ changed: false, rolledBack: expect.stringContaining('+ output y: float32[?, 2]') as string });
  await expect(runAll(`${text}verify: off\n`)).rejects.toMatchObject({ diagnostic: { code: 'signature-changed' } });
});

test('the rule that is to blame is found, and the node', async () => {
  const chain = ['n0 = Neg(x)', ...Array.from({ length: 9 }, (_, i) => `n${i + 1} = Neg(n${i})`), 's = Sigmoid(n9)', 'y = MatMul(s, w)'].join('  ');
  await writeModel(parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { ${chain} }`), join(folder, 'model.onnx'));
  expect((await runAll(RECIPE.replace('toy/nothing', 'toy/rules'))).find((e) => e.type === 'step')).toMatchObject({ rolledBack: expect.stringContaining('it came with rule flatten at Sigmoid "s"') as string });
});

test('where the recipe is strict, what does not hold ends the run, and so does what cannot be compared', async () => {
  await expect(runAll(`${RECIPE.replace('toy/nothing', 'toy/wrong')}verify: strict\n`)).rejects.toMatchObject({ diagnostic: { code: 'verify-failed' } });
  await writeModel(parseModel('<ir_version: 8, opset_import: ["" : 17]> g (seq(float[N, 2]) x) => (seq(float[N, 2]) x) <float[2, 2] w = {1, 2, 3, 4}> { }'), join(folder, 'model.onnx'));
  await expect(runAll(`${RECIPE.replace('toy/nothing', 'toy/wrong')}verify: strict\n`)).rejects.toMatchObject({ diagnostic: { code: 'not-verified' } });
});

test('an aborted run ends, and the next one goes on from the finished steps', async () => {
  const stop = new AbortController();
  const plan = await planOf(RECIPE, {}, stop.signal);
  const seen: string[] = [];
  await expect((async () => {
    for await (const event of run(plan, services, stop.signal)) {
      seen.push(event.type);
      if (event.type === 'step' && event.index === 1) stop.abort();
    }
  })()).rejects.toMatchObject({ name: 'AbortError' });
  expect(leftovers()).toEqual([]);
  calls = [];
  await runAll(RECIPE);
  expect(calls).toEqual(['sum']);
});

test('a matrix runs every candidate and takes the best of those that pass', async () => {
  const text = `${RECIPE.replace('times: 1', 'times: "${{ matrix.times }}"')}\nmatrix: { times: [0, 1, 2] }\nchoose: { largest: sum }\n`;
  const events = await runAll(text);
  expect(events.at(-1)).toMatchObject({ ok: true, chosen: 'times=1' });
  expect(weights()).toEqual([2, 4, 6, 8]);
  expect(calls.filter((c) => c === 'nothing')).toEqual(['nothing']); // the step that all share runs once
});

test('a gate on a metric that nothing measures is found before anything runs', async () => {
  const failed = await planOf(RECIPE.replace('  sum:', '  summ:')).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(RecipeError);
  expect((failed as RecipeError).diagnostics.map(render).join('\n')).toContain('Did you mean "sum"?');
  expect(calls).toEqual([]);
});

test('a pattern that matches nothing is an error at its place in the recipe', async () => {
  const failed = await runAll(RECIPE.replace('times: 1', 'only: ["op:MatMull"]')).catch((e: unknown) => e);
  expect(failed).toBeInstanceOf(RecipeError);
  expect((failed as RecipeError).diagnostics.map(render).join('\n')).toContain('op:MatMul');
  expect((failed as RecipeError).diagnostics[0]?.at?.text.slice((failed as RecipeError).diagnostics[0]?.at?.start)).toMatch(/^"?op:MatMull/);
});

test('with several shards each does its part', async () => {
  const text = `${RECIPE.replace('times: 1', 'times: "${{ matrix.times }}"')}\nmatrix: { times: [0, 1, 2] }\n`;
  const plan = await planOf(text, { shard: { index: 2, of: 2 } });
  expect(plan.variants.map((v) => v.name)).toEqual(['times=1']);
  expect(dirname(plan.output!)).toBe(join(folder, 'out'));
});

const refused = async (text: string): Promise<string> => planOf(text).then(() => 'nothing is wrong', (e: unknown) => (e instanceof RecipeError ? e.diagnostics.map(render).join('\n') : String(e)));

test.each([
  ['a model that is not there', RECIPE.replace('model: model.onnx', 'model: modle.onnx'), 'no-such-file', 'modle.onnx'],
  ['a model at an address', RECIPE.replace('model: model.onnx', 'model: hf:org/repo'), 'model-source', 'hf:org/repo'],
  ['another model than the one that is pinned', RECIPE.replace('model: model.onnx', `model: { from: model.onnx, sha256: ${'ab'.repeat(32)} }`), 'model-differs', 'abab'],
  ['a result in place of its model', RECIPE.replace('out/result.onnx', './model.onnx'), 'output-is-model', './model.onnx'],
  ['a choice by what nothing measures', `${RECIPE.replace('times: 1', 'times: "${{ matrix.times }}"')}matrix: { times: [0, 1] }\nchoose: { smallest: summ }\n`, 'unknown-metric', 'summ'],
  ['a gate in its long form on what nothing measures', RECIPE.replace('sum: { at-most: 20 }', 'big: { use: eval/threshold, with: { metric: summ } }'), 'unknown-metric', 'summ'],
])('%s is told at its place before anything runs', async (_, text, code, word) => {
  const told = await refused(text);
  expect(told).toContain(`error ${code}:`);
  const [, line = '', carets = ''] = /\n\d+ \| (.*)\n +\| (.*)/.exec(told) ?? [];
  expect(line.slice(carets.indexOf('^'), carets.length)).toContain(word);
  expect(calls).toEqual([]);
});

test('a mistake that a gate or a data source finds in its options is told at its place', async () => {
  const gate = await runAll(RECIPE.replace('at-most: 20', 'at-most: -1')).catch((e: unknown) => e);
  expect(gate).toMatchObject({ diagnostics: [{ code: 'bad-bound', at: { file: join(folder, 'onnxpress.yaml') } }] });
  const text = `${RECIPE.replace('times: 1', 'texts: [some]')}data: { some: { use: words/gone } }\n`;
  expect(await refused(text)).toMatch(/no-such-file.*\n.*--> .*\n\d+ \| data: .*words\/gone/);
});

test('for a model that is not there, those beside it are named', async () => {
  expect(await refused(RECIPE.replace('model: model.onnx', 'model: modle.onnx'))).toContain('Did you mean "model.onnx"?');
});

test('the model that is pinned is taken', async () => {
  const sha256 = createHash('sha256').update(readFileSync(join(folder, 'model.onnx'))).digest('hex');
  expect(await refused(RECIPE.replace('model: model.onnx', `model: { from: model.onnx, sha256: ${sha256} }`))).toBe('nothing is wrong');
});

test('where the cache cannot be written, that is said, and the run goes on with a store of its own', async () => {
  writeFileSync(join(folder, '.onnxpress'), 'a file in its way');
  const plan = await planOf(RECIPE);
  expect(said.join('\n')).toContain('cache-unwritable');
  for await (const _ of run(plan, services, new AbortController().signal));
  expect(weights()).toEqual([2, 4, 6, 8]);
  expect(existsSync(plan.store.folder)).toBe(false);
});

test('a reporter that fails as it starts leaves no store behind', async () => {
  const plan = await planOf(`${RECIPE}reports: [toy/broken]\n`, { cache: { mode: 'none' } });
  mkdirSync(plan.store.folder);
  await expect((async () => {
    for await (const _ of run(plan, services, new AbortController().signal));
  })()).rejects.toThrow('no paper');
  expect(existsSync(plan.store.folder)).toBe(false);
});

test('an output that is a folder is told before anything runs', async () => {
  mkdirSync(join(folder, 'out/result.onnx'), { recursive: true });
  const failed = await planOf(RECIPE).catch((e: unknown) => e);
  expect(failed).toMatchObject({ name: 'RecipeError', diagnostics: [{ code: 'not-a-file' }] });
  expect(calls).toEqual([]);
});

test('files that belong to the model travel to a folder, and not to a file of another name', async () => {
  writeFileSync(join(folder, 'tokenizer.json'), '{}');
  await runAll(RECIPE.replace('out/result.onnx', 'out/my-model.onnx'));
  expect(existsSync(join(folder, 'out/tokenizer.json'))).toBe(false);
  await runAll(RECIPE.replace('out/result.onnx', 'folder'));
  expect(readdirSync(join(folder, 'folder')).sort()).toEqual(['model.onnx', 'report.json', 'tokenizer.json']);
});

test('a mistake that all candidates of a matrix share is told once', async () => {
  const text = `${RECIPE.replace('times: 1', 'times: "${{ matrix.times }}"').replace('  sum:', '  summ:')}\nmatrix: { times: [0, 1, 2] }\n`;
  expect(await planOf(text).catch((e: unknown) => e)).toMatchObject({ diagnostics: [{ code: 'unknown-metric' }] });
});

test('a source that is changed during the run is told, and nothing of it is kept', async () => {
  const plan = await planOf(RECIPE);
  const running = run(plan, services, new AbortController().signal);
  await expect((async () => {
    for await (const event of running) if (event.type === 'step-started' && event.index === 1) appendFileSync(join(folder, 'model.onnx'), ' ');
  })()).rejects.toMatchObject({ diagnostic: { code: 'source-changed' } });
  expect(existsSync(join(folder, 'out/result.onnx'))).toBe(false);
  expect((await plan.store.list()).filter((e) => e.kind === 'step').map((e) => e.label)).toEqual(['toy/nothing']);
});
