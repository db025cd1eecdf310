/**
 * Nodes, bytes and speed of real models after fusion/simplify, and after fusion/transformers behind it, against the original: runs of all take turns in one
 * process on one thread, and the ratio is that of the medians of the processor's time, which other work on the machine hardly moves. Usage: node bench/fusion.mjs [name…]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCount, openModel, OrtRuntime, randomFeeds, seeded, weightBytes } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import plugin from '@onnxpress/plugin-fusion';
import { fixtures, median, shared, show } from './harness.mjs';

const ROUNDS = 25;
const WARM_UP = 3;
/** The result is never slower than the original, within what two sessions of the same file differ by. */
const GOAL = 1.03;

const graphs = shared ? ['bert-dynamo', 'roberta-legacy', 'llama-optimum', 'resnet18-dynamo', 'efficientnet-lite0-unfolded', 'ppocr-rec'].map((name) => [name, join(shared, 'models/graphs', `${name}.onnx`)]) : [];
const retriever = shared ? [['retriever-small', join(shared, 'models/retriever-small/onnx/model.onnx')]] : [];
const subjects = [['all-minilm-l6-v2', join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx')], ...retriever, ...graphs, ['smollm2-135m', join(fixtures, 'smollm2-135m/model.onnx')]];
const sizes = [{ batch: 1, length: 32 }, { batch: 8, length: 64 }];

const runtime = new OrtRuntime();
const [simplify, transformers] = ['fusion/simplify', 'fusion/transformers'].map((name) => plugin.passes.find((p) => p.name === name));
const wanted = process.argv.slice(2);

for (const [name, path] of subjects) {
  if (!existsSync(path) || (wanted.length > 0 && !wanted.includes(name))) continue;
  const original = openModel(path);
  const simple = original.clone();
  await simplify.run(simple, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
  const fused = simple.clone();
  await transformers.run(fused, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext());
  console.log(`\n${name}: nodes ${[original, simple, fused].map(nodeCount).join(' → ')}, weights ${[original, simple, fused].map((m) => (weightBytes(m) / 1e6).toFixed(1)).join(' → ')} MB`);
  const fastest = simple.clone();
  await transformers.run(fastest, { target: 'onnxruntime', prefer: 'fastest', opset: 'auto', exclude: [] }, testPassContext());
  const sessions = [];
  for (const model of [original, simple, fused, fastest]) sessions.push(await runtime.load(model, { threads: 1 }));
  for (const { batch, length } of sizes) {
    const feeds = randomFeeds(original, { random: seeded('bench'), dims: dimsOf(original, batch, length) });
    const times = sessions.map(() => []);
    for (let round = 0; round < ROUNDS + WARM_UP; round++) {
      for (const [i, session] of sessions.entries()) {
        const started = process.cpuUsage();
        await session.run(feeds);
        const { user, system } = process.cpuUsage(started);
        if (round >= WARM_UP) times[i].push((user + system) / 1000);
      }
    }
    const [before, ...after] = times.map(median);
    show(`  ${batch} x ${length}: simplified / original (${before.toFixed(1)} ms)`, after[0] / before, 'times', GOAL);
    show(`  ${batch} x ${length}: and fused to the fewest operators / original`, after[1] / before, 'times', GOAL);
    show(`  ${batch} x ${length}: and fused to the fastest / original`, after[2] / before, 'times', GOAL);
  }
  for (const session of sessions) await session.dispose();
}

/** A size for every name: of batches, lengths, and caches that are empty; of images, what such models take. */
function dimsOf(model, batch, length) {
  const dims = {};
  for (const v of model.graph.inputs) (v.dims ?? []).forEach((d, i) => typeof d === 'string' && (dims[d] = i === 0 ? batch : d.includes('past') && !d.includes('+') ? 0 : v.dims.length === 4 && !v.name.startsWith('past') ? 320 : length));
  return dims;
}
