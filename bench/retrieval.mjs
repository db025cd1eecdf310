/**
 * The example's recipe on the full all-MiniLM-L6-v2 with the Cranfield collection: what INT8 costs in quality, and what it gains in size and time.
 * The original's figures are compared with trec_eval's. Usage: ONNXPRESS_SHARED=… node bench/retrieval.mjs [--small]  (--small: the example's model)
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, fixtures, root, shared, show, time } from './harness.mjs';

const small = process.argv.includes('--small');
const model = small ? join(root, 'examples/retriever/model') : join(fixtures, 'all-minilm-l6-v2');
if (!shared || !existsSync(model)) {
  console.log('This needs the shared data (ONNXPRESS_SHARED) and the assembled models (ONNXPRESS_FIXTURES). Nothing was measured.');
  process.exit(2);
}
/** nDCG@10, recall@10 and MRR@10 of the float32 model by trec_eval's rules, 256 tokens. */
const REFERENCE = small ? { 'ndcg@10': 0.3716, 'recall@10': 0.4117, 'mrr@10': 0.5295 } : { 'ndcg@10': 0.3733, 'recall@10': 0.4136, 'mrr@10': 0.5346 };

const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-'));
try {
  const recipe = join(folder, 'onnxpress.yaml');
  writeFileSync(recipe, `
name: retrieval
model: ${model}
output: out/int8.onnx
data:
  cranfield: { use: eval/beir, with: { folder: ${join(shared, 'data/cranfield')} } }
steps: [fusion/simplify, quant/dynamic]
evaluate:
  - { use: eval/retrieval, with: { data: cranfield, k: 10, pooling: mean, max-length: 256 } }
  - { use: eval/latency, with: { batch: 1, length: 128 } }
  - { use: eval/size, with: { reference: float32 } }
`);
  const { stdout, ms } = time(process.execPath, [cli, 'run', recipe, '--json'], { cwd: root });
  const [variant] = JSON.parse(stdout).variants;
  const row = (metric) => variant.metrics.find((m) => m.metric === metric);
  const ratio = (metric) => row(metric).result / row(metric).original;
  for (const [metric, reference] of Object.entries(REFERENCE)) {
    console.log(`${`${metric}, original; trec_eval's ${reference}`.padEnd(58)} ${row(metric).original.toFixed(4).padStart(8)} ${Math.abs(row(metric).original - reference) < 0.00005 ? 'equal to 4 decimals' : 'DIFFERS'}`);
  }
  show('nDCG@10 lost by INT8, of the original (negative: gained)', 100 * (1 - ratio('ndcg@10')), '%', 1);
  show('size, of the original file', 100 * ratio('size'), '%', small ? 52 : 27);
  show('size, of the same weights in float32', 100 * (row('size').result / row('size.float32').original), '%');
  show('latency p50, 1 × 128, of the original', 100 * ratio('latency.p50'), '%', 100 / 1.8);
  show('the whole run', ms / 1000, 's');
} finally {
  rmSync(folder, { recursive: true });
}
