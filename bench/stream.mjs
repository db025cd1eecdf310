/**
 * Quantizing a model to 4 bits from file to file, against reading the same file: two `dd` side by side, cold page cache where the system lets us drop it.
 * Then a sparse file of 30 GB with tensors of 5 GiB: opening it, and quantizing one of them.
 * Usage: node bench/stream.mjs [GB]   (6.4 by default; the disk needs 1.3 times as much)
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, lazyTensor, Model, Node, tensorType, Value, writeModel } from '@onnxpress/onnx';
import { median, root, show } from './harness.mjs';

const GB = Number(process.argv[2] ?? 6.4);
const ROUNDS = 5;
const [K, N] = [4096, 11008]; // a matrix of a language model of seven billion weights: 180 MB
const folder = mkdtempSync(join(process.env.ONNXPRESS_BENCH_FOLDER ?? tmpdir(), 'onnxpress-bench-'));
try {
  const path = join(folder, 'large.onnx');
  const count = Math.max(1, Math.round((GB * 1e9) / (K * N * 4)));
  await generate(path, count);
  const data = `${path}.data`;
  const bytes = statSync(data).size;
  console.log(`${(bytes / 1e9).toFixed(2)} GB in ${count} tensors of [${K}, ${N}] float32 → int4, block 32; ${dropCaches() ? 'page cache dropped before each round' : 'WARM page cache: it cannot be dropped here'}`);
  const rates = { dd: [], direct: [], quantize: [] };
  const processor = [];
  const memory = [];
  for (let round = 0; round < ROUNDS; round++) {
    dropCaches();
    rates.dd.push(bytes / 1e9 / (await twoReaders(data, bytes)));
    if (process.platform === 'linux') rates.direct.push(bytes / 1e9 / (await twoReaders(data, bytes, ['iflag=direct'])));
    dropCaches();
    const run = quantize(path, join(folder, 'out.onnx'));
    rates.quantize.push(bytes / 1e9 / run.seconds);
    memory.push(run.peakMb);
    processor.push(run.processor);
  }
  console.log(`two dd side by side        ${median(rates.dd).toFixed(2)} GB/s   [${Math.min(...rates.dd).toFixed(2)} … ${Math.max(...rates.dd).toFixed(2)}]`);
  if (rates.direct.length > 0) console.log(`the same, past the cache   ${median(rates.direct).toFixed(2)} GB/s   [${Math.min(...rates.direct).toFixed(2)} … ${Math.max(...rates.direct).toFixed(2)}]   what the disk gives to whoever has no processor time`);
  console.log(`read, quantize and write   ${median(rates.quantize).toFixed(2)} GB/s   [${Math.min(...rates.quantize).toFixed(2)} … ${Math.max(...rates.quantize).toFixed(2)}]`);
  const ratio = median(rates.quantize) / median(rates.dd);
  console.log(`ratio                      ${ratio.toFixed(2)}   goal: at least 0.75: ${ratio >= 0.75 ? 'met' : 'MISSED'}`);
  show('processor time of all threads, for each GB', median(processor) / (bytes / 1e9), 's');
  show('peak resident memory', median(memory), 'MB', 300);
  rmSync(data);
  sparse(join(folder, 'sparse.onnx'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function generate(path, count) {
  const values = new Float32Array(K * N).map((_, i) => ((i * 2654435761) % 4096) / 2048 - 1);
  const graph = new Graph('large', new Map([['', 17]]));
  const x = graph.addInput(new Value('x', { type: tensorType('float32', ['n', K]) }));
  for (let i = 0; i < count; i++) {
    const w = graph.addInitializer(`layers.${i}.weight`, lazyTensor('float32', [K, N], () => values));
    const y = graph.add(new Node('MatMul', [x, w], { name: `layers.${i}` })).output;
    y.type = tensorType('float32', ['n', N]);
    graph.addOutput(y);
  }
  await writeModel(new Model(graph), path, { external: 'always' });
}

function dropCaches() {
  spawnSync('sync');
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    return true;
  } catch {
    return false;
  }
}

/** Seconds that two processes take to read a half each. */
async function twoReaders(file, bytes, flags = []) {
  const blocks = Math.ceil(bytes / 2 ** 23 / 2);
  const started = performance.now();
  await Promise.all([0, 1].map((half) => new Promise((resolve, reject) => {
    const dd = spawn('dd', [`if=${file}`, 'of=/dev/null', 'bs=8M', `skip=${half * blocks}`, `count=${blocks}`, ...flags], { stdio: 'ignore' });
    dd.on('error', reject).on('exit', resolve);
  })));
  return (performance.now() - started) / 1000;
}

/** In a process of its own: seconds from opening to the renamed result, and the most memory it held. */
function quantize(from, to) {
  const script = `
    import { openModel, writeModel } from '@onnxpress/core';
    import { testPassContext } from '@onnxpress/core/testing';
    import quant from '@onnxpress/plugin-quant';
    const started = performance.now();
    const model = openModel(${JSON.stringify(from)});
    const pass = quant.passes.find((p) => p.name === 'quant/weights');
    const copy = model.clone();
    const defaults = Object.fromEntries(Object.entries(pass.options).flatMap(([name, o]) => ('default' in o ? [[name, o.default]] : [])));
    await pass.run(copy, { ...defaults, bits: 4, block: 32, mode: 'asymmetric' }, testPassContext());
    await writeModel(copy, ${JSON.stringify(to)}, { external: 'always' });
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage();
    // Linux counts the memory of the process that started this one into maxRSS; VmHWM begins anew.
    const { readFileSync } = await import('node:fs');
    const own = /VmHWM:\\s+(\\d+)/.exec(process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '')?.[1];
    console.log(JSON.stringify({ seconds, processor: (user + system) / 1e6, peakMb: Number(own ?? process.resourceUsage().maxRSS) / 1000 }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Six tensors of 5 GiB in a file that takes no room; the second has a pattern at its end, beyond 2^32. */
function sparse(path) {
  const script = `
    import { Graph, Model, Node, tensorType, Value, writeModel, fromReader } from '@onnxpress/core';
    const [K, N] = [16384, 81920];
    const graph = new Graph('sparse', new Map([['', 17]]));
    const x = graph.addInput(new Value('x', { type: tensorType('float32', ['n', K]) }));
    for (let i = 0; i < 6; i++) {
      const w = graph.addInitializer('w' + i, fromReader('float32', [K, N], K * N * 4, (into) => into.length));
      w.type;
      const y = graph.add(new Node('MatMul', [x, w], { name: 'product' + i })).output;
      y.type = tensorType('float32', ['n', N]);
      graph.addOutput(y);
    }
    const { structureBytes } = await import('@onnxpress/core');
    let offset = 0;
    const places = new Map([...graph.initializers.values()].map((v) => { const place = { location: 'sparse.onnx.data', offset }; offset += v.constant.byteLength; return [v.constant, place]; }));
    const { writeFileSync } = await import('node:fs');
    writeFileSync(${JSON.stringify(path)}, structureBytes(new Model(graph), (t) => places.get(t)));
    console.log(offset);`;
  const made = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const total = Number(made.stdout);
  const tensor = total / 6;
  const descriptor = openSync(`${path}.data`, 'w');
  ftruncateSync(descriptor, total);
  writeSync(descriptor, new Uint8Array(Float32Array.of(7.5).buffer), 0, 4, 2 * tensor - 4); // the last number of the second tensor
  closeSync(descriptor);
  const script2 = `
    import { openModel, quantizedBlocks } from '@onnxpress/core';
    import { closeSync, openSync, readSync } from 'node:fs';
    const started = performance.now();
    const model = openModel(${JSON.stringify(path)});
    const openMs = performance.now() - started;
    const w = model.graph.initializers.get('w1').constant;
    const { codes, scales, zeroPoints } = quantizedBlocks('w1', w, { block: 32, bits: 4, mode: 'asymmetric', transposed: true });
    const out = openSync(${JSON.stringify(`${path}.codes`)}, 'w+');
    const began = performance.now();
    await Promise.all([codes.writeTo(out, 0), scales.writeTo(out, codes.byteLength), zeroPoints.writeTo(out, codes.byteLength + scales.byteLength)]);
    const seconds = (performance.now() - began) / 1000;
    const last = new Uint8Array(1), scale = new Float32Array(1), zero = new Uint8Array(1);
    readSync(out, last, 0, 1, codes.byteLength - 1);
    readSync(out, scale, 0, 4, codes.byteLength + scales.byteLength - 4);
    readSync(out, zero, 0, 1, codes.byteLength + scales.byteLength + zeroPoints.byteLength - 1);
    closeSync(out);
    const code = last[0] >> 4, zeroPoint = zero[0] >> 4;
    console.log(JSON.stringify({ openMs, seconds, bytes: w.byteLength, value: (code - zeroPoint) * scale[0] }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script2], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const { openMs, seconds, bytes, value } = JSON.parse(stdout);
  show(`open a sparse file of ${(total / 2 ** 30).toFixed(0)} GiB with tensors of 5 GiB`, openMs, 'ms', 50);
  console.log(`one of them quantized in ${seconds.toFixed(1)} s (${(bytes / 1e9 / seconds).toFixed(2)} GB/s); its last number, at byte ${2 * bytes - 4} of the file, was 7.5 and is ${value.toFixed(4)}: ${Math.abs(value - 7.5) < 0.01 ? 'right' : 'WRONG'}`);
}
