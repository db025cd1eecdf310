/**
 * How long opening a model takes and how much memory the process then holds. Each model in a process of its own, nine rounds, median.
 * Usage: node bench/open.mjs
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, lazyTensor, Model, Node, tensorType, Value, writeModel } from '@onnxpress/onnx';
import { fixtures, median, root, show, time } from './harness.mjs';

const ROUNDS = 9;
const GOAL_MS = 50;
const GOAL_MB = 120;

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-'));
try {
  const large = join(folder, 'large.onnx');
  await generate(large, 12);
  const miniLm = join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx');
  const smolLm = join(fixtures, 'smollm2-135m/model.onnx');
  const models = [existsSync(miniLm) ? ['all-MiniLM-L6-v2, 90 MB', miniLm] : ['the example, 31 MB', join(root, 'examples/retriever/model/onnx/model.onnx')], ['generated, 1.5 GB', large], ...(existsSync(smolLm) ? [['SmolLM2-135M, 538 MB', smolLm]] : [])];
  for (const [name, path] of models) {
    const script = `
      import { openModel } from '@onnxpress/onnx';
      const started = performance.now();
      const model = openModel(${JSON.stringify(path)});
      const ms = performance.now() - started;
      console.log(JSON.stringify({ ms, mb: process.memoryUsage().rss / 1e6, nodes: model.graph.nodeCount }));`;
    const runs = Array.from({ length: ROUNDS }, () => JSON.parse(time(process.execPath, ['--input-type=module', '-e', script], { cwd: root }).stdout));
    show(`open ${name} (${runs[0].nodes} nodes)`, median(runs.map((r) => r.ms)), 'ms', GOAL_MS);
    show(`resident memory after it`, median(runs.map((r) => r.mb)), 'MB', GOAL_MB);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** A chain of products with `count` weights of 128 MB each. */
async function generate(path, count) {
  const size = 5657; // squared, times four bytes: 128 MB
  const graph = new Graph('large', new Map([['', 17]]));
  let x = graph.addInput(new Value('x', { type: tensorType('float32', ['n', size]) }));
  for (let i = 0; i < count; i++) {
    const w = graph.addInitializer(`w${i}`, lazyTensor('float32', [size, size], () => new Float32Array(size * size)));
    x = graph.add(new Node('MatMul', [x, w], { name: `product${i}` })).output;
  }
  x.type = tensorType('float32', ['n', size]);
  graph.addOutput(x);
  await writeModel(new Model(graph), path);
}
