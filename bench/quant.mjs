/**
 * Quantizers on real models: each named recipe is run by the built command line, and what comes out is measured against the original and the goals. All
 * recipes are in quant-recipes.mjs, all measures in quant-measures.mjs.
 * Usage: ONNXPRESS_SHARED=… node bench/quant.mjs [--only part-of-a-name,…] [--windows 4] [--skip measure,…] [--list]
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, root, shared, time } from './harness.mjs';

const option = (name, otherwise) => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : otherwise);
if (!shared) {
  console.log('This needs the shared data (ONNXPRESS_SHARED) and the assembled models (ONNXPRESS_FIXTURES). Nothing was measured.');
  process.exit(2);
}
const { MODELS, RECIPES } = await import('./quant-recipes.mjs');
const { MEASURES } = await import('./quant-measures.mjs');
const wanted = option('only', '').split(',');
const skipped = option('skip', '').split(',');
const names = Object.keys(RECIPES).filter((name) => wanted.some((part) => name.includes(part)));
if (process.argv.includes('--list')) {
  console.log(names.join('\n'));
  process.exit(0);
}
const windows = Number(option('windows', '4'));

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-quant-'));
const table = new Map();
let missed = 0;
try {
  for (const name of names) await measure(name, RECIPES[name]);
} finally {
  rmSync(folder, { recursive: true });
}
if (missed > 0) console.log(`\n${missed} goals missed.`);

async function measure(name, { model, steps, goals = {} }) {
  const { path, data, measures } = MODELS[model];
  if (!existsSync(path)) return console.log(`${name}: no model at ${path}`);
  const recipe = join(folder, `${name}.yaml`);
  const output = join(folder, name, 'model.onnx');
  writeFileSync(recipe, JSON.stringify({ name, model: path, output, ...(JSON.stringify(steps).includes('"data"') ? { data } : {}), steps }, null, 1)); // JSON is YAML
  const { ms } = time(process.execPath, [cli, 'run', recipe, '--no-cache'], { cwd: root });
  const given = { original: originalIn(path), result: output, windows };
  const found = { seconds: ms / 1000 };
  for (const measure of measures.filter((m) => !skipped.includes(m))) Object.assign(found, await MEASURES[measure](given));
  table.set(name, found);
  console.log(`${name.padEnd(34)} ${Object.entries(found).map(([metric, value]) => `${metric} ${value.toFixed(value < 10 ? 4 : 1)}`).join(' · ')}`);
  for (const [metric, goal] of Object.entries(goals)) judge(name, metric, goal);
  rmSync(join(folder, name), { recursive: true });
}

/** A bound on a metric, or on how much more it is than another recipe's. */
function judge(name, goalName, goal) {
  const [metric, other] = goalName.split(' beyond ');
  const own = table.get(name)[metric];
  const base = other ? table.get(other)?.[metric] : 0;
  if (own === undefined || base === undefined) return;
  const met = goal.atLeast === undefined ? own - base <= goal : own - base >= goal.atLeast;
  if (!met) missed++;
  console.log(`${''.padEnd(34)}   ${goalName} ${(own - base).toFixed(4)}, goal ${goal.atLeast === undefined ? `at most ${goal}` : `at least ${goal.atLeast}`}: ${met ? 'met' : 'MISSED'}`);
}

function originalIn(path) {
  const inside = existsSync(join(path, 'onnx')) ? join(path, 'onnx') : path;
  return join(inside, readdirSync(inside).find((file) => file.endsWith('.onnx')));
}
