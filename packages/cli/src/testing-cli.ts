import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { parseModel, writeModel, type Services } from '@onnxpress/core';
import { main } from './cli.ts';

export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is typed; standard output and input are then a terminal. */
  readonly answers?: readonly string[];
  readonly signal?: AbortSignal;
  readonly services?: (services: Services) => void;
}

/** The command line in this process, with everything it writes. */
export async function call(argv: readonly string[], { cwd, env = {}, answers, signal = new AbortController().signal, services }: CallOptions): Promise<Called> {
  let [stdout, stderr] = ['', ''];
  const stdin = Object.assign(new PassThrough(), { isTTY: answers !== undefined });
  const left = [...(answers ?? [])];
  const out = new PassThrough();
  out.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (/\] $/.test(chunk.toString().replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')) && left.length) stdin.write(`${left.shift()}\n`); // eslint-disable-line no-control-regex -- readline moves the cursor
  });
  const code = await main(argv, {
    stdout: Object.assign(out, { isTTY: answers !== undefined, columns: 100, rows: 40 }),
    stderr: { write: (text: string) => (stderr += text) },
    stdin,
    cwd,
    env: { NO_COLOR: '1', ...env },
    signal,
    ...(services ? { services } : {}),
  });
  await new Promise((resolve) => setImmediate(resolve)); // the stream's last chunk
  return { code, stdout, stderr };
}

/** A folder of a user: files by path, and a small model at model.onnx. */
export async function project(files: Readonly<Record<string, string>> = {}, model = MODEL): Promise<{ readonly cwd: string; readonly remove: () => void }> {
  const cwd = mkdtempSync(join(tmpdir(), 'onnxpress-cli-'));
  await writeModel(parseModel(model), join(cwd, 'model.onnx'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  return { cwd, remove: () => rmSync(cwd, { recursive: true, force: true }) };
}

export const MODEL = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> {
  a = Identity(x)
  y = MatMul(a, w)
}`;

/** One product whose weight is large enough to be worth quantizing. */
export const LARGER_MODEL = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 32] x) => (float[N, 32] y) <float[32, 32] w = {${Array.from({ length: 1024 }, (_, i) => i % 7).join(', ')}}> {
  y = MatMul(x, w)
}`;

/** A plugin without dependencies: passes that double a weight, that fail, and that wait. */
export const PLUGIN = `
const contribution = (name, more) => ({ kind: 'pass', name, summary: 'For tests.', options: {}, numerics: 'lossy', ...more });
export default {
  name: 'acme',
  passes: [
    contribution('acme/note', {
      options: { text: { type: 'string', default: 'seen', description: 'What is noted.' }, only: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Which nodes.' } },
      numerics: 'exact',
      run(model, { text }, ctx) {
        model.metadata.set('note', text);
        ctx.count('notes');
        ctx.missed('Everything else stays: it is good.');
      },
    }),
    contribution('acme/fails', { run() { throw new Error('the weights are on strike'); } }),
    contribution('acme/waits', { run: (model, options, ctx) => new Promise((_, reject) => {
      ctx.progress(1, 2, 'waiting');
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
    }) }),
  ],
};
`;
