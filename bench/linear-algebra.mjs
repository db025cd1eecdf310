/**
 * Products of matrices beside onnxruntime's, and GPTQ of one layer with as many tokens as inputs: X^T X, the inverse's factor, the loop. With numpy beside it
 * where python3 has it. Milliseconds are medians of interleaved rounds; "processor" is the time of all threads together, which others on the machine
 * lengthen less.
 * Usage: node bench/linear-algebra.mjs [--sizes 384,1024,2048] [--layer 4096] [--rounds 5]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { Gram, gptq, inverseCholeskyUpper, matmul, withArena, WorkerPool } from '../packages/kernels/dist/index.js';
import { modelBytes, parseModel } from '../packages/onnx/dist/index.js';
import { median, show } from './harness.mjs';

const { values: options } = parseArgs({ options: { sizes: { type: 'string', default: '384,1024,2048' }, layer: { type: 'string', default: '4096' }, rounds: { type: 'string', default: '5' } } });
const rounds = Number(options.rounds);
const GOAL_OF_4096 = 3000;
const pools = { 1: new WorkerPool({ workers: 1 }), 2: new WorkerPool({ workers: 2 }) };

function random(length, seed, scale = 1) {
  const out = new Float32Array(length);
  for (let i = 0, state = seed; i < length; i++) out[i] = ((state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31) * scale;
  return out;
}

/** Runs each of the techniques once per round, in turn, and gives the medians of what they return. */
async function interleaved(techniques, times) {
  const seen = Object.fromEntries(Object.keys(techniques).map((name) => [name, []]));
  for (const run of Object.values(techniques)) await run();
  for (let round = 0; round < times; round++) for (const [name, run] of Object.entries(techniques)) seen[name].push(await run());
  return Object.fromEntries(Object.entries(seen).map(([name, rows]) => [name, rows[0].map((_, i) => median(rows.map((row) => row[i])))]));
}

async function clocked(work) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return [performance.now() - wall, (user + system) / 1000];
}

async function products() {
  const model = modelBytes(parseModel('<ir_version: 8, opset_import: ["" : 17]> g (float[m,k] a, float[k,n] b) => (float[m,n] c) { c = MatMul(a, b) }'));
  // Threads that spin while they wait would be counted as work of whoever runs next.
  const session = (threads) => ort.InferenceSession.create(model, { intraOpNumThreads: threads, interOpNumThreads: 1, extra: { session: { intra_op: { allow_spinning: '0' } } } });
  const sessions = { 1: await session(1), 2: await session(2) };
  for (const n of options.sizes.split(',').map(Number)) await withArena(async (arena) => {
    const [a, b, out] = [arena.float32(n * n), arena.float32(n * n), arena.float32(n * n)];
    a.set(random(n * n, 1));
    b.set(random(n * n, 2));
    const feeds = { a: new ort.Tensor('float32', a.slice(), [n, n]), b: new ort.Tensor('float32', b.slice(), [n, n]) };
    const result = await interleaved({
      'kernels, 1 thread': () => clocked(() => matmul(a, b, [n, n, n], { out, pool: pools[1] })),
      'onnxruntime, 1 thread': () => clocked(() => sessions[1].run(feeds)),
      'kernels, 2 threads': () => clocked(() => matmul(a, b, [n, n, n], { out, pool: pools[2] })),
      'onnxruntime, 2 threads': () => clocked(() => sessions[2].run(feeds)),
    }, Math.max(rounds, 9));
    console.log(`\nProduct of two matrices ${n} x ${n}`);
    for (const [name, [wall, cpu]] of Object.entries(result)) {
      const flops = 2 * n ** 3 / 1e6;
      console.log(`${name.padEnd(34)} ${wall.toFixed(1).padStart(9)} ms ${(flops / wall).toFixed(1).padStart(8)} GFLOPS   ${(flops / cpu).toFixed(1).padStart(8)} GFLOPS per processor`);
    }
    const [ours, theirs] = ['kernels', 'onnxruntime'].map((who) => result[`${who}, 1 thread`][1]);
    show('kernels / onnxruntime, processor time on 1 thread', ours / theirs, '');
    show('kernels, 2 threads / 1', result['kernels, 2 threads'][0] / result['kernels, 1 thread'][0], '');
  });
  for (const s of Object.values(sessions)) await s.release();
}

async function layer(n) {
  await withArena(async (arena) => {
    const [x, w, h] = [arena.float32(n * n), arena.float32(n * n), arena.float32(n * n)];
    x.set(random(n * n, 7));
    for (let t = 0; t < n; t++) for (let j = 1; j < n; j++) x[t * n + j] = 0.7 * x[t * n + j - 1] + 0.7 * x[t * n + j];
    w.set(random(n * n, 8, 0.05));
    const ours = (pool) => async () => {
      const gram = new Gram(n, h);
      const products = await clocked(async () => {
        await gram.add(x, n, { pool });
        await gram.matrix({ pool });
      });
      const factor = await clocked(() => inverseCholeskyUpper(h, n, { out: h, pool }));
      const loop = await clocked(() => gptq(w, h, { inputs: n, outputs: n, bits: 4, groupSize: 128, block: 128, pool }));
      return [products[0], factor[0], loop[0], products[0] + factor[0] + loop[0], products[1] + factor[1] + loop[1]];
    };
    const result = await interleaved({ 'kernels, 1 worker': ours(pools[1]), 'kernels, 2 workers': ours(pools[2]), ...(numpy(2) ? { 'numpy': () => numpy(n) } : {}) }, rounds);
    console.log(`\nGPTQ of a layer ${n} x ${n}, ${n} tokens, 4 bits, block 128 (ms)\n${''.padEnd(22)}    X^T X   factor     loop    total  processor`);
    for (const [name, row] of Object.entries(result)) console.log(name.padEnd(22) + row.map((ms) => ms.toFixed(0).padStart(9)).join(''));
    show('kernels, 2 workers', result['kernels, 2 workers'][3], 'ms', n === 4096 ? GOAL_OF_4096 : undefined);
    show('half of its processor time: with two free processors', result['kernels, 2 workers'][4] / 2, 'ms', n === 4096 ? GOAL_OF_4096 : undefined);
    if (result.numpy) show('kernels, 2 workers / numpy, total', result['kernels, 2 workers'][3] / result.numpy[3], '');
  });
}

/** The same in numpy (scipy's LAPACK where it is installed); undefined where there is none. The inner loop is made per row of a block, as one would write it. */
function numpy(n) {
  const script = `
import json, time, resource, numpy as np
try:
    from scipy.linalg.lapack import spotrf, strtri
    factor = lambda a: strtri(spotrf(a, lower=1)[0], lower=1)[0]
except ImportError:
    factor = lambda a: np.linalg.inv(np.linalg.cholesky(a))
n = ${n}; r = np.random.default_rng(0); x = r.standard_normal((n, n), dtype=np.float32); w = r.standard_normal((n, n), dtype=np.float32) * 0.02
cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
t = [time.perf_counter()]; c = cpu(); h = x.T @ x; t.append(time.perf_counter())
h[np.arange(n), np.arange(n)] += 0.01 * np.mean(np.diag(h))
u = np.ascontiguousarray(np.tril(factor(np.ascontiguousarray(h[::-1, ::-1])))[::-1, ::-1]); t.append(time.perf_counter())
for b in range(0, n, 128):
    e = min(b + 128, n); s = (np.maximum(w[b:e].max(0), 0) - np.minimum(w[b:e].min(0), 0)) / 15; z = np.round(-np.minimum(w[b:e].min(0), 0) / s); err = np.empty((e - b, n), np.float32)
    for i in range(b, e):
        q = (np.clip(np.round(w[i] / s) + z, 0, 15) - z) * s; err[i - b] = (w[i] - q) / u[i, i]; w[i] = q
        w[i + 1:e] -= np.outer(u[i, i + 1:e], err[i - b])
    w[e:] -= u[b:e, e:].T @ err
t.append(time.perf_counter())
print(json.dumps([(t[i + 1] - t[i]) * 1e3 for i in range(3)] + [(t[3] - t[0]) * 1e3, (cpu() - c) * 1e3]))`;
  const { status, stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

await products();
if (Number(options.layer) > 0) await layer(Number(options.layer));
await Promise.all(Object.values(pools).map((pool) => pool.dispose()));
