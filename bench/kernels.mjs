/**
 * Kernels beside memcpy of the same bytes, one thread: a 4096 × 4096 matrix of float32 (64 MiB) in the memory of the kernels, results written there too. Each round runs memcpy and
 * each kernel once; a ratio is the median time of memcpy by that of the kernel. The second column is the same by processor time, which a busy machine disturbs less.
 * Where python3 has numpy, its time for the same work follows, taken in the same rounds. Then the same kernels over pieces of the matrix on one worker and on two:
 * what computes gains by the second, what only moves memory does not.
 * Usage: node bench/kernels.mjs [rounds] [name,name…]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as kernels from '@onnxpress/kernels';
import { median } from './harness.mjs';

const ROUNDS = Number(process.argv[2] ?? 11);
const only = process.argv[3]?.split(',');
const SIDE = 4096;
const COUNT = SIDE * SIDE;
const shape = { rows: SIDE, columns: SIDE };

const from = new Float32Array(COUNT).fill(1);
const to = new Float32Array(COUNT).fill(2);
const numpy = spawnSync('python3', ['-c', 'import numpy']).status === 0 ? startNumpy() : undefined;

await kernels.withArena(async (arena) => {
  const w = arena.float32(COUNT);
  fill(w);
  const out = arena.float32(COUNT);
  const half = new Uint16Array(out.buffer, out.byteOffset, COUNT);
  const halves = arena.uint16(COUNT);
  kernels.toFloat16(w, halves);
  const brains = new Uint16Array(COUNT);
  kernels.toBfloat16(w, brains);
  const int8 = { codes: arena.int8(COUNT), scales: arena.float32(SIDE) };
  const blocks = (block) => ({ codes: arena.uint8(COUNT / 2), scales: arena.float32(COUNT / block), zeroPoints: arena.uint8(COUNT / block / 2) });
  const [blocks32, blocks128] = [blocks(32), blocks(128)];
  const nf4 = { codes: arena.uint8(COUNT / 2), absMax: arena.float32(COUNT / 64) };
  const middle = kernels.kthMagnitude(w, COUNT / 2);
  const quantized = kernels.quantizeBlocks(w, { ...shape, block: 32, bits: 4, mode: 'asymmetric', transposed: true }, blocks32);

  /** Name, work, goal. */
  const works = [
    ['min, max and absmax of each row', () => kernels.ranges(w, SIDE, SIDE, { per: 'row' }), 0.8],
    ['min, max and absmax of each column', () => kernels.ranges(w, SIDE, SIDE, { per: 'column' })],
    ['first NaN or infinity', () => kernels.checkFinite(w)],
    ['int8 per row, with absmax', () => kernels.quantizeInt8PerAxis(w, SIDE, SIDE, {}, int8), 0.8],
    ['int8 per column, with absmax', () => kernels.quantizeInt8PerAxis(w, SIDE, SIDE, { axis: 1 }, int8)],
    ['int4 block 32, transposed and packed', () => kernels.quantizeBlocks(w, { ...shape, block: 32, bits: 4, mode: 'asymmetric', transposed: true }, blocks32), 0.25],
    ['int4 block 128, transposed and packed', () => kernels.quantizeBlocks(w, { ...shape, block: 128, bits: 4, mode: 'asymmetric', transposed: true }, blocks128), 0.25],
    ['int4 block 32, along the rows', () => kernels.quantizeBlocks(w, { ...shape, block: 32, bits: 4, mode: 'asymmetric' }, blocks32)],
    ['int4 block 32, dequantized', () => kernels.dequantizeBlocks(quantized, { ...shape, block: 32, bits: 4 }, out)],
    ['float32 to bfloat16', () => kernels.toBfloat16(w, half), 0.8],
    ['float32 to float16', () => kernels.toFloat16(w, half), 0.35],
    ['float16 to float32', () => kernels.fromFloat16(halves, out), 0.35],
    ['float32 to float8 e4m3fn', () => kernels.toFloat8E4M3FN(w, new Uint8Array(out.buffer, out.byteOffset, COUNT))],
    ['NF4 block 64', () => kernels.encodeNf4(w, { block: 64 }, nf4), 0.2],
    ['histogram of magnitudes, 2048 bins', () => kernels.histogram(w, { bins: 2048, from: 0, to: 0.2, absolute: true })],
    ['k-th magnitude of 16.8 million', () => kernels.kthMagnitude(w, COUNT / 2), 0.25, 'kth'],
    ['mask below the k-th', () => kernels.maskBelow(w, middle.magnitude, { into: out }), 0.8],
    ['2:4 along the rows', () => kernels.keepNofM(w, SIDE, SIDE, { n: 2, m: 4, into: out }), 0.5, '2:4'],
    ['2:4 down the columns', () => kernels.keepNofM(w, SIDE, SIDE, { n: 2, m: 4, along: 'column', into: out })],
    ['transpose', () => kernels.transpose(w, SIDE, SIDE, out)],
    ['float32 to bfloat16, ordinary arrays', () => kernels.toBfloat16(to, brains)],
  ].filter(([name]) => only === undefined || only.some((o) => name.includes(o)));

  const copies = [];
  const times = works.map(() => []);
  const peers = works.map(() => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, [, work, , peer]] of works.entries()) {
      const copy = measure(() => to.set(from));
      const own = measure(work);
      const other = peer && numpy ? await numpy(peer) : undefined;
      if (round < 0) continue; // the first round compiles and touches memory
      copies.push(copy);
      times[i].push(own);
      if (other !== undefined) peers[i].push(other);
    }
  }
  const wall = (runs) => median(runs.map((r) => r.wall));
  const cpu = (runs) => median(runs.map((r) => r.cpu));
  console.log(`memcpy of 64 MiB: ${wall(copies).toFixed(1)} ms, ${cpu(copies).toFixed(1)} ms of processor time`);
  for (const [i, [name, , goal]] of works.entries()) {
    const [ratio, byCpu] = [wall(copies) / wall(times[i]), cpu(copies) / cpu(times[i])];
    const verdict = goal === undefined ? '' : `   goal: at least ${goal}: ${ratio >= goal ? 'met' : 'MISSED'}`;
    const numpyTime = peers[i].length === 0 ? '' : `   numpy: ${median(peers[i]).toFixed(1)} ms, ${(median(peers[i]) / wall(times[i])).toFixed(1)} times as long`;
    console.log(`${name.padEnd(42)} ${wall(times[i]).toFixed(1).padStart(7)} ms ${ratio.toFixed(2).padStart(6)} of memcpy ${byCpu.toFixed(2).padStart(6)} by processor${verdict}${numpyTime}`);
  }
});
numpy?.stop();
await onTwoThreads();

/** Weights: the sum of four uniform values, always the same. */
function fill(w) {
  let state = 12345;
  for (let i = 0; i < w.length; i++) {
    let sum = 0;
    for (let j = 0; j < 4; j++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      sum += (state >>> 0) / 2 ** 32;
    }
    w[i] = (sum - 2) * 0.03;
  }
}

function measure(work) {
  const [started, used] = [performance.now(), process.cpuUsage()];
  work();
  const [wall, { user, system }] = [performance.now() - started, process.cpuUsage(used)];
  return { wall, cpu: (user + system) / 1000 };
}

/** A process that does the same with numpy and says how many milliseconds it took. */
function startNumpy() {
  const script = `
import sys, time, numpy as np
w = ((np.random.default_rng(0).random((4, ${COUNT}), dtype=np.float32).sum(axis=0) - 2) * np.float32(0.03))
def kth(): np.partition(np.abs(w), ${COUNT / 2} - 1)[${COUNT / 2} - 1]
def two_of_four():
  g = w.reshape(-1, 4)
  o = g.copy()
  np.put_along_axis(o, np.argpartition(np.abs(g), 2, axis=1)[:, :2], 0, axis=1)
for line in sys.stdin:
  t = time.perf_counter()
  kth() if line.strip() == 'kth' else two_of_four()
  print((time.perf_counter() - t) * 1000, flush=True)
`;
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (what) => {
    child.stdin.write(`${what}\n`);
    return Number((await lines.next()).value);
  };
  ask.stop = () => child.stdin.end();
  return ask;
}

/** Kernels on pieces of the matrix that do not depend on each other, by workers; a round runs each with one worker and with two. */
async function onTwoThreads() {
  const PIECES = 16;
  const rows = SIDE / PIECES;
  const count = COUNT / PIECES;
  await kernels.withArena(async (arena) => {
    const w = arena.float32(COUNT);
    fill(w);
    const halves = arena.uint16(COUNT);
    kernels.toFloat16(w, halves);
    const [out, scales, zeros] = [arena.float32(COUNT), arena.float32(COUNT / 16), arena.uint8(COUNT / 32)].map((view) => view.byteOffset);
    const [from, half] = [w.byteOffset, halves.byteOffset];
    const scratch = 2 ** 17;
    const own = kernels.inScratch();
    const blocks = (block) => (i) => [['blocksTransposed', from, SIDE, SIDE, i * rows, (i + 1) * rows, block, 4, 1, 0, SIDE / block, out + (i * count) / 2, scales + ((i * count) / block) * 4, zeros + (i * count) / block / 2, own]];
    const works = [
      ['int4 block 32, transposed and packed', blocks(32), 1.6],
      ['int4 block 128, transposed and packed', blocks(128)],
      ['int8 per row, with absmax', (i) => [['int8Rows', from + i * count * 4, rows, SIDE, 127, out + i * count, scales + i * rows * 4]]],
      ['float32 to bfloat16', (i) => [['toBfloat16', from + i * count * 4, count, out + i * count * 2]]],
      ['float32 to float16', (i) => [['toFloat16', from + i * count * 4, count, out + i * count * 2]]],
      ['float16 to float32', (i) => [['fromFloat16', half + i * count * 2, count, out + i * count * 4]]],
      ['NF4 block 64', (i) => [['codebookEncode', from + i * count * 4, count, 64, 1, out + (i * count) / 2, scales + ((i * count) / 64) * 4, own]]],
      ['mask below 0.02', (i) => [['maskBelow', from + i * count * 4, count, 0x3ca3d70a, 0, out + i * count * 4]]],
      ['2:4 along the rows', (i) => [['keepInRows', from + i * count * 4, rows, SIDE, 2, 4, out + i * count * 4]]],
    ].filter(([name]) => only === undefined || only.some((o) => name.includes(o)));
    const pools = [1, 2].map((workers) => new kernels.WorkerPool({ workers }));
    const times = works.map(() => [[], []]);
    const gains = works.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [i, [, piece]] of works.entries()) {
        const tasks = Array.from({ length: PIECES }, (_, p) => piece(p));
        const walls = [];
        for (const pool of pools) {
          const started = performance.now();
          await pool.run(tasks, { scratch });
          walls.push(performance.now() - started);
        }
        if (round < 0) continue; // the first round starts the workers
        walls.forEach((wall, p) => times[i][p].push(wall));
        gains[i].push(walls[0] / walls[1]);
      }
    }
    console.log('\nOne worker and two');
    for (const [i, [name, , goal]] of works.entries()) {
      const [one, two] = times[i].map(median);
      const gain = one / two;
      const verdict = goal === undefined ? '' : `   goal: at least ${goal}: ${gain >= goal ? 'met' : 'MISSED'}`;
      console.log(`${name.padEnd(42)} ${one.toFixed(1).padStart(7)} ms ${two.toFixed(1).padStart(7)} ms ${gain.toFixed(2).padStart(6)} times as fast, ${Math.max(...gains[i]).toFixed(2)} in the best round${verdict}`);
    }
    await Promise.all(pools.map((pool) => pool.dispose()));
  });
}
