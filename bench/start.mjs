/**
 * The waiting that a user feels: `onnxpress check` as a whole process, and a second `onnxpress run` of an unchanged recipe.
 * Usage: node bench/start.mjs
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, median, root, show, time } from './harness.mjs';

const ROUNDS = 9;
const folder = mkdtempSync(join(tmpdir(), 'onnxpress-bench-'));
try {
  cpSync(join(root, 'examples/retriever'), folder, { recursive: true, filter: (path) => !/[\\/](\.onnxpress|out)$/.test(path) });
  const recipe = join(folder, 'onnxpress.yaml');
  const run = (...args) => time(process.execPath, [cli, ...args], { cwd: root });
  const empty = median(Array.from({ length: ROUNDS }, () => time(process.execPath, ['-e', '0']).ms));
  show('node that does nothing', empty, 'ms');
  show('onnxpress check', median(Array.from({ length: ROUNDS }, () => run('check', recipe).ms)), 'ms', 350);
  const first = run('run', recipe);
  show('onnxpress run, the first time', first.ms, 'ms');
  const again = Array.from({ length: ROUNDS }, () => run('run', recipe).ms);
  show('onnxpress run, unchanged', median(again), 'ms', 1500);
  show('ratio of the second to the first', median(again) / first.ms, '');
} finally {
  rmSync(folder, { recursive: true });
}
