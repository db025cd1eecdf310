import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace. */
export const root = fileURLToPath(new URL('..', import.meta.url));
/** The built command line. */
export const cli = join(root, 'packages/cli/bin/onnxpress.js');
/** Where assembled models are. */
export const fixtures = process.env.ONNXPRESS_FIXTURES ?? join(homedir(), '.cache', 'onnxpress-fixtures');
/** Where shared data is, if anywhere. */
export const shared = process.env.ONNXPRESS_SHARED;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Runs a command as a whole process and gives its milliseconds and output. Throws where it fails. */
export function time(command, args, options = {}) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26, ...options });
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return { ms, stdout, stderr };
}

/** A line of the result: what, how much, against which goal. */
export function show(what, value, unit, goal) {
  const verdict = goal === undefined ? '' : value <= goal ? `   goal: at most ${+goal.toFixed(2)} ${unit}: met` : `   goal: at most ${+goal.toFixed(2)} ${unit}: MISSED`;
  console.log(`${what.padEnd(58)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit}${verdict}`);
}
