import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Clock } from '@onnxpress/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alike } from './commands/plan.ts';
import { call, PLUGIN, project, type Called, type CallOptions } from './testing-cli.ts';

let cwd: string;
let remove: () => void;
beforeEach(async () => {
  ({ cwd, remove } = await project({ 'acme.mjs': PLUGIN, 'onnxpress.yaml': RECIPE }));
});
afterEach(() => remove());

const RECIPE = `
name: tiny
model: model.onnx
output: out/tiny.onnx
plugins: [./acme.mjs]
steps: [acme/note]
evaluate: [eval/size]
gates:
  nodes: { at-most: 2 }
`;
const cli = (argv: string, options: Partial<CallOptions> = {}): Promise<Called> => call(argv.split(' ').filter((word) => word !== ''), { cwd, ...options });
const write = (path: string, text: string): void => writeFileSync(join(cwd, path), text);

describe('the call', () => {
  test('nothing asked is help', async () => {
    const { code, stdout } = await cli('');
    expect([code, stdout.includes('Usage: onnxpress'), stdout.includes('Examples:')]).toEqual([0, true, true]);
  });

  test('a command has help with examples', async () => {
    const { code, stdout } = await cli('run --help');
    expect([code, stdout.includes('--shard'), stdout.includes('onnxpress run --shard 2/4')]).toEqual([0, true, true]);
  });

  test('the version is that of the package', async () => {
    expect((await cli('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('an unknown command is told what was meant', async () => {
    expect(await cli('chekc')).toEqual({ code: 2, stdout: '', stderr: 'error bad-call: Unknown command "chekc".\n  Did you mean check? onnxpress --help shows what there is.\n' });
  });

  test('an unknown flag is told what was meant', async () => {
    expect(await cli('run --frseh')).toEqual({ code: 2, stdout: '', stderr: 'error bad-call: Unknown option "--frseh".\n  Did you mean --fresh? onnxpress run --help shows what there is.\n' });
  });

  test('a missing argument is named', async () => {
    expect((await cli('inspect')).stderr).toContain('Missing required argument "model".');
  });

  test('with --json a mistake in the call is data too', async () => {
    const { code, stdout } = await cli('run --frseh --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { ok: false, diagnostics: [{ code: 'bad-call' }] }]);
  });

  test('what nobody foresaw is called a mistake of ours, with its stack, and is never exit code 0', async () => {
    const { code, stderr } = await cli('run', { services: () => { throw new TypeError('surprise'); } });
    expect([code, stderr.includes('error internal: Something went wrong that should not: surprise'), stderr.includes('TypeError: surprise\n    at ')]).toEqual([3, true, true]);
  });
});

describe('check', () => {
  test('a right recipe passes', async () => {
    expect(await cli('check')).toEqual({ code: 0, stdout: '✔ onnxpress.yaml\n', stderr: '' });
  });

  test('every mistake is shown with its line', async () => {
    write('onnxpress.yaml', RECIPE.replace('acme/note', 'acme/nota').replace('at-most', 'at-mots'));
    const { code, stdout, stderr } = await cli('check');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('error unknown-pass: No installed plugin offers a pass "acme/nota".\n  --> onnxpress.yaml:6:9');
    expect(stderr).toContain('at-mots');
  });

  test('mistakes are data with --json: file, line, column', async () => {
    write('onnxpress.yaml', RECIPE.replace('acme/note', 'acme/nota'));
    const { code, stdout } = await cli('check --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { ok: false, diagnostics: [{ code: 'unknown-pass', file: 'onnxpress.yaml', line: 6, column: 9 }] }]);
  });

  test('several recipes are checked at once, and folders stand for the recipe in them', async () => {
    write('other.yaml', RECIPE);
    expect((await cli('check . other.yaml')).stdout).toBe('✔ onnxpress.yaml\n✔ other.yaml\n');
  });

  test('a folder without a recipe suggests init', async () => {
    const { code, stderr } = await cli('check', { cwd: join(cwd, 'node_modules', '..', '..') });
    expect([code, stderr.includes('onnxpress init')]).toEqual([2, true]);
  });
});

describe('run', () => {
  test('a passed run shows steps, the table, where the result lies, and what to try next', async () => {
    const { code, stdout, stderr } = await cli('run', { services: (s) => s.set(Clock, { now: () => 0, ticks: () => 0 }) });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "tiny  model.onnx  123 B · 4 weights · opset 17
        ✔ acme/note       0 ms  1 notes · outputs are bit-equal; at N 1, 2, 3
        ✔ eval/size       0 ms

                original  result  change   gate
        size    123 B     137 B   111.4 %
        params  4         4       100.0 %
        nodes   2         2       100.0 %  ≤ 2   ✔
        → out/tiny.onnx   report: out/report.json
      next: onnxpress inspect out/tiny.onnx
      "
    `);
    expect(existsSync(join(cwd, 'out/tiny.onnx'))).toBe(true);
  });

  test('two recipes that would write one report are refused before either runs', async () => {
    write('other.yaml', RECIPE.replace('out/tiny.onnx', 'out/other.onnx'));
    const { code, stderr } = await cli('run onnxpress.yaml other.yaml');
    expect([code, existsSync(join(cwd, 'out'))]).toEqual([2, false]);
    expect(stderr).toMatch(/error same-place: other\.yaml and onnxpress\.yaml would both write out.report\.json\.\n {2}--> other\.yaml:\d+/);
  });

  test('a second run takes everything from the cache, and says how old its numbers are', async () => {
    await cli('run');
    const hour = 3600_000;
    const { stdout } = await cli('run', { services: (s) => s.set(Clock, { now: () => Date.now() + 3 * hour, ticks: () => 0 }) });
    expect(stdout).toContain('✔ acme/note     cached');
    expect(stdout).toContain('eval/size: measured 3 h ago, from the cache (--fresh measures anew)');
  });

  test('--fresh measures anew and keeps the steps', async () => {
    await cli('run');
    const { stdout } = await cli('run --fresh');
    expect([stdout.includes('acme/note     cached'), stdout.includes('measured')]).toEqual([true, false]);
  });

  test('--no-cache leaves no cache behind', async () => {
    await cli('run --no-cache');
    expect(existsSync(join(cwd, '.onnxpress'))).toBe(false);
  });

  test('a failed gate is exit code 1, a line that says why, and no output', async () => {
    write('onnxpress.yaml', RECIPE.replace('at-most: 2', 'at-most: 1'));
    const { code, stdout } = await cli('run');
    expect([code, /^✘ .*nodes.*$/m.test(stdout), existsSync(join(cwd, 'out/tiny.onnx'))]).toEqual([1, true, false]);
  });

  test('--json is the report and nothing else', async () => {
    const { code, stdout, stderr } = await cli('run --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { schema: 'onnxpress/report/1', name: 'tiny', ok: true }]);
    expect(stderr).toContain('acme/note');
  });

  test('a failed gate with --json is exit code 1 and a report', async () => {
    write('onnxpress.yaml', RECIPE.replace('at-most: 2', 'at-most: 1'));
    const { code, stdout } = await cli('run --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { ok: false }]);
  });

  test('a pass that fails is exit code 3, says which, and shows no stack', async () => {
    write('onnxpress.yaml', RECIPE.replace('acme/note', 'acme/fails'));
    const { code, stdout, stderr } = await cli('run');
    expect([code, stdout.includes('✘ acme/fails'), stderr]).toEqual([3, true, 'error plugin-failed: acme/fails, step 1: the weights are on strike\n']);
  });

  test('--verbose and DEBUG show the stack', async () => {
    write('onnxpress.yaml', RECIPE.replace('acme/note', 'acme/fails'));
    expect((await cli('run --verbose')).stderr).toContain('caused by Error: the weights are on strike\n    at ');
    expect((await cli('run', { env: { DEBUG: '1' } })).stderr).toContain('caused by');
  });

  test('a model that is none is exit code 3', async () => {
    write('model.onnx', 'version https://git-lfs.github.com/spec/v1\n');
    const { code, stderr } = await cli('run');
    expect([code, stderr.startsWith('error not-onnx')]).toEqual([3, true]);
  });

  test('Ctrl-C is one line and exit code 130', async () => {
    write('onnxpress.yaml', RECIPE.replace('acme/note', 'acme/waits'));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const { code, stderr } = await cli('run', { signal: stop.signal });
    expect([code, stderr]).toEqual([130, 'Interrupted. What is finished is kept: the next run goes on from there.\n']);
  });

  test('--model and --out are paths from where the user is', async () => {
    const { code } = await cli('run --model model.onnx --out elsewhere/small.onnx');
    expect([code, existsSync(join(cwd, 'elsewhere/small.onnx')), existsSync(join(cwd, 'out'))]).toEqual([0, true, false]);
  });

  test('one recipe that fails does not keep the others from running, and the worst exit code wins', async () => {
    write('bad.yaml', RECIPE.replace('acme/note', 'acme/fails').replace('out/', 'bad/'));
    const { code, stdout } = await cli('run bad.yaml onnxpress.yaml --json');
    expect([code, JSON.parse(stdout)]).toMatchObject([3, [{ ok: false, diagnostics: [{ code: 'plugin-failed' }] }, { ok: true, name: 'tiny' }]]);
  });

  test('a shard that is none is refused', async () => {
    expect(await cli('run --shard 5/4')).toMatchObject({ code: 2, stderr: expect.stringContaining('"5/4"') as string });
  });

  test('a terminal gets the live display', async () => {
    const { code, stdout } = await cli('run', { answers: [], env: { TERM: 'xterm' } });
    expect([code, stdout.includes('\u001b['), stdout.includes('acme/note')]).toEqual([0, true, true]);
  });
});

describe('plan', () => {
  test('shows steps with what they will do, what is measured, and what must hold', async () => {
    const { code, stdout } = await cli('plan');
    expect(code).toBe(0);
    expect(stdout).toContain('1 notes');
    expect(stdout).toMatch(/measure\s+eval\/size/);
    expect(stdout).toMatch(/gate\s+nodes\s+at-most: 2/);
    expect(existsSync(join(cwd, 'out'))).toBe(false);
  });

  test('shows what patterns match, and with --why what is left alone', async () => {
    write('onnxpress.yaml', RECIPE.replace('[acme/note]', '[{ use: acme/note, with: { only: ["op:MatMul"] } }]'));
    const { stdout } = await cli('plan --why');
    expect(stdout).toContain('only "op:MatMul" matches 1:');
    expect(stdout).toContain('Everything else stays: it is good.');
  });

  test('--json is data: keys, cache hits, and the size that the file will have', async () => {
    await cli('run');
    const { size } = statSync(join(cwd, 'out/tiny.onnx'));
    const { stdout } = await cli('plan --json');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'tiny', variants: [{ steps: [{ use: 'acme/note', cached: true, with: { text: 'seen' } }], predictedBytes: size }] });
  });
});

test('reasons that differ in names and numbers only are one', () => {
  expect(alike(['Cast "a" is not folded: it grows by 12 bytes', 'Cast "b" is not folded: it grows by 7 bytes', 'Add "c" stays'])).toEqual([{ first: 'Cast "a" is not folded: it grows by 12 bytes', count: 2 }, { first: 'Add "c" stays', count: 1 }]);
});

describe('merge', () => {
  const MATRIX = `${RECIPE}matrix: { text: [a, b] }\n`.replace('[acme/note]', '[{ use: acme/note, with: { text: "${{ matrix.text }}" } }]');

  test('shards become one report with one verdict', async () => {
    write('onnxpress.yaml', MATRIX);
    for (const part of [1, 2]) expect((await cli(`run --shard ${part}/2 --out out/${part}/tiny.onnx`)).code).toBe(0);
    const { code, stdout } = await cli('merge out/1/report.json out/2/report.json --out merged.json');
    expect([code, stdout.includes('text=a'), stdout.includes('text=b')]).toEqual([0, true, true]);
    expect(JSON.parse(readFileSync(join(cwd, 'merged.json'), 'utf8'))).toMatchObject({ ok: true, variants: [{ name: 'text=a' }, { name: 'text=b' }] });
  });

  test('a file that is no report is named', async () => {
    expect(await cli('merge acme.mjs')).toMatchObject({ code: 2, stderr: expect.stringContaining('acme.mjs is no report') as string });
  });

  test('a file that is not there is said', async () => {
    expect(await cli('merge nothing.json')).toMatchObject({ code: 3, stderr: expect.stringContaining('nothing.json') as string });
  });
});
