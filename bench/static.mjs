/**
 * quant/static beside onnxruntime's quantize_static, on the same simplified models with the same images: decibels of the float32 output over the error on images that
 * neither was calibrated on, processor time relative to float32 (runs of all take turns on one thread), and bytes. Peers: quantize_static by its defaults, and as well as its options
 * go (a scale per channel, uint8 activations). Needs ONNXPRESS_SHARED and a Python (PYTHON) with onnx and onnxruntime.
 * Usage: node bench/static.mjs [--only part-of-a-name] [--images 16]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine, normal, openModel, OrtRuntime, raiseOpset, seeded, hostServices, writeModel } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import fusion from '@onnxpress/plugin-fusion';
import quant from '@onnxpress/plugin-quant';
import { median, shared } from './harness.mjs';
import { hasPython, python } from './peers.mjs';

const ROUNDS = 15;
const WARM_UP = 3;
const HELD_OUT = 8;
const MODELS = [
  { name: 'ppocr-det', input: 'x', dims: [1, 3, 320, 320] },
  { name: 'ppocr-rec', input: 'x', dims: [1, 3, 48, 320] },
  { name: 'efficientnet-lite0-unfolded', input: 'input', dims: [1, 3, 224, 224] },
];
const QUANTIZE_STATIC = `
import json, sys, numpy as np
from onnxruntime.quantization import quantize_static, CalibrationDataReader, QuantType
given = json.loads(sys.argv[1])
images = np.fromfile(given["images"], np.float32).reshape([-1] + given["dims"][1:])
class Reader(CalibrationDataReader):
    def __init__(self): self.all = iter([{given["input"]: images[i:i + 1]} for i in range(len(images))])
    def get_next(self): return next(self.all, None)
quantize_static(given["model"], given["default"], Reader())
quantize_static(given["model"], given["best"], Reader(), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
`;

const option = (name, otherwise) => (process.argv.includes(`--${name}`) ? process.argv[process.argv.indexOf(`--${name}`) + 1] : otherwise);
if (!shared || !hasPython('onnx', 'onnxruntime')) {
  console.log('Not run: this takes ONNXPRESS_SHARED and a Python (PYTHON) with onnx and onnxruntime.');
  process.exit(0);
}
const count = Number(option('images', '16'));
const runtime = new OrtRuntime();
const pass = (plugin, name) => plugin.passes.find((p) => p.name === name);
const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-static-'));
try {
  for (const model of MODELS) if (model.name.includes(option('only', ''))) await compare(model);
} finally {
  rmSync(folder, { recursive: true });
}

async function compare({ name, input, dims }) {
  const size = dims.reduce((a, b) => a * b, 1);
  const images = smoothImages(seeded('calibration', name), count, dims);
  const original = openModel(join(shared, 'models/graphs', `${name}.onnx`));
  await pass(fusion, 'fusion/simplify').run(original, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
  raiseOpset(original, Math.max(13, original.opsets.get('')));
  const path = (kind) => join(folder, `${name}.${kind}.onnx`);
  await writeModel(original, path('float'));
  writeFileSync(join(folder, 'images'), images);
  const peers = spawnSync(python, ['-c', QUANTIZE_STATIC, JSON.stringify({ model: path('float'), images: join(folder, 'images'), dims, input, default: path('default'), best: path('best') })], { encoding: 'utf8' });
  if (peers.status !== 0) throw new Error(peers.stderr);
  const data = { kind: 'tensors', fingerprint: name, count, async *feeds() { for (let i = 0; i < images.length; i += size) yield { [input]: { dtype: 'float32', dims, data: images.slice(i, i + size) } }; } };
  for (const [kind, corrected] of [['ours', true], ['uncorrected', false]]) {
    const result = original.clone();
    const started = performance.now();
    await pass(quant, 'quant/static').run(result, { ...defaultsOf(pass(quant, 'quant/static')), data: 'images', 'bias-correction': corrected }, testPassContext({ data: { images: data }, services: (s) => s.set(Machine, hostServices().get(Machine)) }));
    console.log(`${name}: quantized ${corrected ? 'with' : 'without'} bias correction in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    await writeModel(result, path(kind));
  }
  const kinds = ['float', 'ours', 'uncorrected', 'default', 'best'];
  const sessions = [];
  for (const kind of kinds) sessions.push(await runtime.load(openModel(path(kind)), { threads: 1 }));
  const unseen = smoothImages(seeded('unseen', name), HELD_OUT, dims);
  const feeds = Array.from({ length: HELD_OUT }, (_, i) => ({ [input]: { dtype: 'float32', dims, data: unseen.slice(i * size, (i + 1) * size) } }));
  const outputs = [];
  for (const session of sessions) outputs.push(await Promise.all(feeds.map(async (f) => Object.values(await session.run(f))[0].data)));
  const times = sessions.map(() => []);
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const [i, session] of sessions.entries()) {
      const started = process.cpuUsage();
      await session.run(feeds[0]);
      const { user, system } = process.cpuUsage(started);
      if (round >= WARM_UP) times[i].push(user + system);
    }
  }
  for (const session of sessions) await session.dispose();
  const measured = Object.fromEntries(kinds.map((kind, i) => [kind, { sqnr: decibels(outputs[0], outputs[i]), time: median(times[i]) / median(times[0]), bytes: statSync(path(kind)).size }]));
  const titles = { ours: 'quant/static', uncorrected: 'the same without bias correction', default: 'quantize_static by its defaults', best: 'quantize_static, per channel, uint8' };
  for (const [kind, title] of Object.entries(titles)) console.log(`  ${title.padEnd(40)} ${measured[kind].sqnr.toFixed(1).padStart(6)} dB   ${measured[kind].time.toFixed(3)} of float32's time   ${(measured[kind].bytes / 1e6).toFixed(2)} MB`);
  for (const kind of ['ours', 'uncorrected']) for (const peer of ['default', 'best']) {
    const met = measured[kind].sqnr >= measured[peer].sqnr && measured[kind].time <= measured[peer].time * 1.03;
    console.log(`  ${titles[kind]} against ${titles[peer]}: ${(measured[kind].sqnr - measured[peer].sqnr).toFixed(1)} dB, ${(measured[kind].time / measured[peer].time).toFixed(2)} of its time   goal: at least 0 dB, at most 1.03: ${met ? 'met' : 'MISSED'}`);
  }
}

/** Noise at several sizes, blended: what photographs have in common. Between -1 and 1. */
function smoothImages(random, images, [, channels, height, width]) {
  const all = new Float32Array(images * channels * height * width);
  for (let plane = 0; plane < images * channels; plane++) {
    for (const step of [4, 8, 16, 32]) {
      const [rows, columns] = [Math.ceil(height / step) + 2, Math.ceil(width / step) + 2];
      const grid = Float32Array.from({ length: rows * columns }, () => normal(random) * Math.sqrt(step / 32) * 0.5);
      for (let y = 0; y < height; y++) {
        const [top, down] = [Math.floor(y / step), (y % step) / step];
        for (let x = 0; x < width; x++) {
          const [left, right] = [Math.floor(x / step), (x % step) / step];
          const at = top * columns + left;
          all[(plane * height + y) * width + x] += (grid[at] * (1 - right) + grid[at + 1] * right) * (1 - down) + (grid[at + columns] * (1 - right) + grid[at + columns + 1] * right) * down;
        }
      }
    }
  }
  return all.map((v) => Math.max(-1, Math.min(1, v)));
}

function decibels(own, other) {
  let [signal, error] = [0, 0];
  own.forEach((values, i) => values.forEach((v, j) => ([signal, error] = [signal + v * v, error + (v - other[i][j]) ** 2])));
  return 10 * Math.log10(signal / error);
}

function defaultsOf({ options }) {
  return Object.fromEntries(Object.entries(options).flatMap(([name, schema]) => ('default' in schema ? [[name, schema.default]] : [])));
}
