/**
 * What fusion/simplify, and all fusions for onnxruntime, make of real models: nodes beside the smallest result of other tools, bytes, whether the results compute the
 * same (judged by check_equal.py), speed against the original, and the whole process beside OnnxSlim's and onnxruntime's own offline optimizer. Runs take turns.
 * Needs ONNXPRESS_SHARED (models and judges) and a Python (PYTHON) with onnx, onnxruntime, onnxruntime-extensions and pillow; what OnnxSlim takes is left out where it is not installed.
 * Usage: node bench/graph.mjs [--peers] [--no-times] [name…]      --peers runs the other tools that are installed, rather than taking their figures as noted
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { openModel, OrtRuntime, writeModel } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import plugin from '@onnxpress/plugin-fusion';
import { cli, fixtures, median, shared, show } from './harness.mjs';
import { checkEqual, count, feedsOf, hasPython, SMALLEST, TOOLS } from './peers.mjs';

/** Two sessions of one file differ by as much. */
const SLOWER = 1.03;
/** Raw exports of the newer PyTorch exporter hide every bias behind a CastLike, and so BatchNormalization survives in onnxruntime. */
const RAW_EXPORTS = { 'resnet18-dynamo': 1 / 2.5 };
/** Bytes that folding may add where it is said to be free. */
const UNLIMITED = 2 ** 40;
const PROCESS_ROUNDS = 3;
/** Each sample takes at least this much of the processor's time. */
const SAMPLE_MS = 15;
const SAMPLES = 31;

if (!shared || !hasPython('onnx', 'onnxruntime')) {
  console.log('Not run: this takes ONNXPRESS_SHARED and a Python (PYTHON) with onnx and onnxruntime.');
  process.exit(0);
}
const flags = process.argv.slice(2).filter((a) => a.startsWith('--'));
const wanted = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-'));
const slim = hasPython('onnxslim');
const runtime = new OrtRuntime();

const graphs = readdirSync(join(shared, 'models/graphs')).filter((f) => f.endsWith('.onnx')).map((f) => [basename(f, '.onnx'), join(shared, 'models/graphs', f), join(shared, 'models/graphs', f.replace('.onnx', '.inputs.json'))]);
const encoder = { cases: [{ b: 1, s: 16 }, { b: 2, s: 7 }, { b: 3, s: 32 }], inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['b', 's'], kind: 'integers', low: 0, high: 10000 }, { name: 'attention_mask', dtype: 'int64', shape: ['b', 's'], kind: 'mask' }, { name: 'token_type_ids', dtype: 'int64', shape: ['b', 's'], kind: 'constant', value: 0 }] };
const cache = Array.from({ length: 30 }, (_, i) => ['key', 'value'].map((what) => ({ name: `past_key_values.${i}.${what}`, dtype: 'float32', shape: ['b', 3, 'p', 64], kind: 'normal', std: 0.5 }))).flat();
const decoder = { cases: [{ b: 1, s: 8, p: 0, t: 8 }, { b: 2, s: 1, p: 9, t: 10 }, { b: 1, s: 3, p: 4, t: 7 }], inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['b', 's'], kind: 'integers', low: 0, high: 40000 }, { name: 'attention_mask', dtype: 'int64', shape: ['b', 't'], kind: 'constant', value: 1 }, { name: 'position_ids', dtype: 'int64', shape: ['b', 's'], kind: 'arange', start: '$p' }, ...cache] };
const subjects = [
  ...graphs,
  ['retriever-small', join(shared, 'models/retriever-small/onnx/model.onnx'), inputsFile('encoder', encoder)],
  ['all-minilm-l6-v2', join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), inputsFile('encoder', encoder)],
  ['smollm2-135m', join(fixtures, 'smollm2-135m/model.onnx'), inputsFile('decoder', decoder)],
].filter(([name, path]) => existsSync(path) && (wanted.length === 0 || wanted.includes(name)));

const table = [];
try {
  for (const [name, path, inputs] of subjects) await judge(name, path, inputs);
} finally {
  rmSync(folder, { recursive: true });
}
const columns = ['model', 'nodes', 'simplify', 'best', 'all', 'best', 'MB', 'simplify', 'all', 'equal', 'speed', 'all', 'OnnxSlim', 'onnxruntime'];
console.log(`\n| ${columns.join(' | ')} |\n|${columns.map(() => '--').join('|')}|\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);

async function judge(name, path, inputs) {
  const spec = JSON.parse(spawnSync('cat', [inputs], { encoding: 'utf8' }).stdout);
  console.log(`\n${name}`);
  const before = count(path);
  const [standard, fewest] = flags.includes('--peers') ? measurePeers(path, inputs, spec) : SMALLEST[name];
  const simple = await written(name, path, 'simplify', [['simplify', { 'fold-bytes': 0 }]]);
  const all = await written(name, path, 'all', [['simplify', { 'fold-bytes': 0 }], ['transformers', { target: 'onnxruntime', prefer: 'fewest', opset: 'auto' }], ['onnxruntime', {}]]);
  show(`  simplify: nodes, of ${before.nodes}`, simple.nodes, 'nodes', standard);
  show('  simplify, transformers, onnxruntime: nodes', all.nodes, 'nodes', fewest);
  show('  simplify: bytes', simple.bytes / before.bytes, 'times', 1);
  show('  simplify, transformers, onnxruntime: bytes', all.bytes / before.bytes, 'times', 1);
  for (const [what, result, goal] of [['simplify', simple, standard], ['simplify, transformers, onnxruntime', all, fewest]]) {
    if (result.nodes <= goal) continue;
    const free = await written(name, path, 'free', [['simplify', { 'fold-bytes': UNLIMITED }], ...(result === all ? [['transformers', { target: 'onnxruntime', prefer: 'fewest', opset: 'auto' }], ['onnxruntime', {}]] : [])]);
    show(`  ${what}: nodes, ${(free.bytes / before.bytes).toFixed(2)} times the bytes`, free.nodes, 'nodes', goal);
  }
  const verdicts = [simple, all].map((r) => checkEqual(path, r.path, inputs));
  verdicts.forEach((v, i) => show(`  ${['simplify', 'all'][i]}: different outputs${v.equal ? `, ${(v.max_rel ?? 0).toExponential(1)} apart` : `: ${v.why}`}`, v.equal ? 0 : 1, '', 0));
  for (const v of verdicts) show('  changed names, types or symbolic sizes', ['inputs', 'outputs'].reduce((sum, k) => sum + (v[`${k}_kept`] === false) + (v[`${k}_fixed`] ?? 0) + (v[`${k}_renamed`] ?? 0), 0), '', 0);
  const fast = spec.customOps ? undefined : await latencies(name, [path, simple.path, all.path], feedsOf(inputs, 0));
  const times = flags.includes('--no-times') ? {} : processes(path, spec.customOps ? ['custom'] : []);
  const shown = (x) => (x === undefined ? '–' : x.toFixed(2));
  const mb = (bytes) => (bytes / 1e6).toFixed(2);
  table.push([name, before.nodes, simple.nodes, standard, all.nodes, fewest, mb(before.bytes), mb(simple.bytes), mb(all.bytes), verdicts.every((v) => v.equal) ? 'yes' : 'NO', shown(fast?.[0]), shown(fast?.[1]), shown(times.slim), shown(times.ort)]);
}

/** A model after some passes, as a file. */
async function written(name, path, label, steps) {
  const model = openModel(path);
  for (const [pass, options] of steps) await plugin.passes.find((p) => p.name === `fusion/${pass}`).run(model, { 'keep-metadata': false, exclude: [], ...options }, testPassContext({ usesRuntime: true }));
  const to = join(folder, `${name}-${label}.onnx`);
  await writeModel(model, to);
  return { path: to, ...count(to) };
}

/**
 * Processor time of the results by that of the original: each sample runs each session often enough, they take turns, and the median
 * of the rounds' ratios counts. The original has two sessions, whose mean is what the others are held against, and whose ratio shows how much two of one file differ.
 */
async function latencies(name, [original, ...results], feeds) {
  const sessions = [];
  for (const p of [original, ...results, original]) sessions.push(await runtime.load(openModel(p), { threads: 1 }));
  const cost = async (session, runs) => {
    const started = process.cpuUsage();
    for (let i = 0; i < runs; i++) await session.run(feeds);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000 / runs;
  };
  for (const s of sessions) await cost(s, 2);
  const runs = Math.max(1, Math.ceil(SAMPLE_MS / (await cost(sessions[0], 3))));
  const rounds = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const costs = [];
    for (let i = 0; i < sessions.length; i++) {
      const at = (i + sample) % sessions.length;
      costs[at] = await cost(sessions[at], runs);
    }
    rounds.push(costs);
  }
  for (const s of sessions) await s.dispose();
  const [simple, all] = [1, 2].map((i) => median(rounds.map((costs) => (2 * costs[i]) / (costs[0] + costs[3]))));
  show(`  a run of the original, again, by the first (${median(rounds.map(([ms]) => ms)).toFixed(2)} ms)`, median(rounds.map((costs) => costs[3] / costs[0])), 'times');
  show('  simplify: a run by the original\'s', simple, 'times', RAW_EXPORTS[name] ?? SLOWER);
  show('  all: a run by the original\'s', all, 'times', RAW_EXPORTS[name] ?? SLOWER);
  return [simple, all];
}

/** Whole processes: ours without and with comparing outputs, OnnxSlim, and onnxruntime's extended optimizer. */
function processes(path, custom) {
  const to = join(folder, 'out.onnx');
  const recipe = (verify) => {
    const file = join(folder, `${verify}.yaml`);
    writeFileSync(file, `model: ${JSON.stringify(path)}\noutput: ${JSON.stringify(to)}\nverify: ${verify}\nsteps: [fusion/simplify]\n`);
    return [process.execPath, cli, 'run', '--no-cache', file];
  };
  const commands = { off: recipe('off'), auto: recipe('auto'), ...(slim ? { slim: TOOLS.onnxslim.command(path, to) } : {}), ort: TOOLS['ort-extended'].command(path, to, custom) };
  const spent = Object.fromEntries(Object.keys(commands).map((k) => [k, []]));
  for (let round = 0; round < PROCESS_ROUNDS; round++) for (const [k, [command, ...args]] of Object.entries(commands)) spent[k].push(wholeProcess(command, args));
  const least = Object.fromEntries(Object.entries(spent).map(([k, all]) => [k, all.every((t) => t !== undefined) ? Math.min(...all) : undefined]));
  if (least.slim !== undefined) show(`  process by OnnxSlim's (${least.slim.toFixed(2)} s), outputs not compared`, least.off / least.slim, 'times', 0.5);
  if (least.slim !== undefined) show("  process by OnnxSlim's, outputs compared", least.auto / least.slim, 'times', 0.5);
  if (least.ort !== undefined) show(`  process by onnxruntime's optimizer (${least.ort.toFixed(2)} s), outputs not compared`, least.off / least.ort, 'times');
  return { slim: least.slim && least.off / least.slim, ort: least.ort && least.off / least.ort };
}

/** Seconds of the processor that a process and its children took; undefined where it failed. */
function wholeProcess(command, args) {
  const { status, stderr } = spawnSync('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@" > /dev/null 2>&1', command, ...args], { encoding: 'utf8', cwd: dirname(folder) });
  const [user, system] = stderr.trim().split(/\s+/).map(Number);
  return status === 0 ? user + system : undefined;
}

/** The smallest correct results of the tools that are installed: standard operators, and any. */
function measurePeers(path, inputs, spec) {
  const best = [Infinity, Infinity];
  for (const [tool, { standard, command }] of Object.entries(TOOLS)) {
    const to = join(folder, `${tool}.onnx`);
    rmSync(to, { force: true });
    const [first, ...args] = command(path, to, spec.customOps ? ['custom'] : []);
    const failed = spawnSync(first, args, { timeout: 300_000 }).status !== 0 || !existsSync(to);
    const verdict = failed ? { equal: false, why: 'it fails' } : checkEqual(path, to, inputs);
    const nodes = failed ? undefined : count(to).nodes;
    console.log(`  ${tool.padEnd(14)} ${String(nodes ?? '').padStart(6)} ${verdict.equal ? `${(statSync(to).size / statSync(path).size).toFixed(2)} times the bytes` : `BROKEN: ${verdict.why}`}`);
    if (!verdict.equal) continue;
    best[1] = Math.min(best[1], nodes);
    if (standard) best[0] = Math.min(best[0], nodes);
  }
  return best;
}

function inputsFile(name, spec) {
  const file = join(folder, `${name}.inputs.json`);
  writeFileSync(file, JSON.stringify({ seed: 0, ...spec }));
  return file;
}
