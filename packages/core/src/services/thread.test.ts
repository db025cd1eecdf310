import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseModel, writeModel } from '@onnxpress/onnx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Thread } from './thread.ts';

const modules = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));
const run = promisify(execFile);
/** Below the packages' own modules, so that a bundle in it finds onnxruntime-node. */
let folder: string;

/** Loads a model that takes tens of seconds to run. */
const begin = `
  const thread = new Thread();
  await thread.call('load', { path: process.argv[2], options: { logSeverityLevel: 4, intraOpNumThreads: 1 } });
  const matrix = (n) => ({ feeds: { x: { dtype: 'float32', dims: [n, n], data: new Float32Array(n * n) } }, fetch: ['y'], options: {} });
`;

beforeAll(async () => {
  folder = mkdtempSync(join(modules, '.onnxpress-thread-'));
  await writeModel(parseModel(`<ir_version: 8, opset_import: ["" : 17]> agraph (float[N, N] x) => (float[N, N] y) { ${Array.from({ length: 40 }, (_, i) => `t${i + 1} = MatMul (${i === 0 ? 'x' : `t${i}`}, x)`).join(' ')} y = Identity (t40) }`), join(folder, 'model.onnx'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A process of its own that runs a bundle of `code`, after \`begin\`. */
async function bundled(name: string, code: string): Promise<{ stdout: string; code: number | null; signal: string | null; ms: number }> {
  const [entry, out] = [join(folder, `${name}.mjs`), join(folder, `${name}.out.mjs`)];
  writeFileSync(entry, `import { Thread } from ${JSON.stringify(fileURLToPath(new URL('./thread.ts', import.meta.url)))};\n${begin}\n${code}`);
  await run(process.execPath, [join(modules, 'rolldown/bin/cli.mjs'), entry, '--platform', 'node', '--file', out]);
  const started = performance.now();
  const ended = await run(process.execPath, [out, join(folder, 'model.onnx')], { timeout: 60_000 }).then(({ stdout }) => ({ stdout, code: 0, signal: null }), (e: ExecFileException & { stdout: string }) => ({ stdout: e.stdout, code: typeof e.code === 'number' ? e.code : null, signal: e.signal ?? null }));
  return { ...ended, ms: performance.now() - started };
}

test('a bundle works as the sources do, and an idle thread keeps no process alive', async () => {
  const { stdout, code } = await bundled('idle', "const { outputs } = await thread.call('run', matrix(3)); console.log(outputs.y.dims.join());");
  expect([stdout.trim(), code]).toEqual(['3,3', 0]);
});

test('a process that ends while a model runs waits for it, and keeps its exit code', async () => {
  const { stdout, code } = await bundled('waits', "void thread.call('run', matrix(500)); setTimeout(() => { console.log('bye'); process.exit(3); }, 20);");
  expect([stdout.trim(), code]).toEqual(['bye', 3]);
});

test.skipIf(process.platform === 'win32')('an interrupted process does not wait', async () => {
  const { stdout, code, signal, ms } = await bundled('leaves', "void thread.call('run', matrix(4000)).catch(() => {}); setTimeout(() => { thread.abandon(new Error('enough')); console.log('bye'); process.exitCode = 130; }, 3000);");
  expect([stdout.trim(), code, signal]).toEqual(['bye', null, 'SIGINT']);
  expect(ms).toBeLessThan(30_000); // the run takes minutes
});

test('a thread that fails on its own fails its calls, and is told from one that works', async () => {
  const thread = new Thread();
  const text = 'x'.repeat(2 ** 20);
  await expect(thread.call('no such act', {})).rejects.toThrow('is not a function');
  expect(thread.works).toBe(true);
  expect(await thread.call('providers', { text })).toContain('cpu');
  thread.end();
  await thread.over;
  expect([thread.works, thread.busy]).toEqual([false, false]);
  await expect(thread.call('providers', {})).rejects.toThrow('the thread that runs models');
});
