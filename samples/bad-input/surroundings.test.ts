import { chmodSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { built, ifBuilt } from '../testing/cli.ts';
import { canGoOffline, ifAllowed, OFFLINE } from '../testing/namespaces.ts';
import type { Project } from '../testing/project.ts';
import { RECIPE, tinyProject } from '../testing/tiny.ts';
import { refused } from './refused.ts';

const OUTPUT = 'result/tiny.onnx';
const isRoot = process.getuid?.() === 0;

let project: Project;
beforeEach(async () => {
  project = await tinyProject();
});
afterEach(() => project.remove());

/** Changes one byte in the middle of each of the store's files. */
function damage(folder: 'objects' | 'entries'): number {
  const files = project.files().filter((f) => f.startsWith(`.onnxpress/cache/${folder}/`));
  for (const file of files) {
    const bytes = project.bytes(file);
    bytes[bytes.length >> 1]! ^= 1;
    project.write(file, bytes);
  }
  return files.length;
}

describe.skipIf(!built)(`a cache that is damaged${ifBuilt}`, () => {
  test.each(['objects', 'entries'] as const)('a flipped byte in its %s is said, what depends on it is made anew, and the result is the same', async (folder) => {
    await project.run('run');
    const whole = project.bytes(OUTPUT);
    expect(damage(folder)).toBeGreaterThan(0);
    const { code, stdout, stderr } = await project.delete('result').run('run');
    expect([code, stdout + stderr]).toEqual([0, expect.stringMatching(/cache-damaged: The cached (object|entry|the entry).* made anew/)]);
    expect(project.bytes(OUTPUT).equals(whole)).toBe(true);
    expect((await project.run('run')).stdout).toMatch(/quant\/dynamic +cached/);
  });

  test('with --json, that is said on standard error', async () => {
    await project.run('run');
    damage('objects');
    const { stdout, stderr } = await project.run('run --json');
    expect([JSON.parse(stdout), stderr]).toMatchObject([{ ok: true }, expect.stringContaining('cache-damaged')]);
  });

  test('cache verify finds it', async () => {
    await project.run('run');
    damage('objects');
    expect((await project.run('cache verify')).stdout).toMatch(/damaged/);
    expect((await project.run('run')).code).toBe(0);
  });
});

describe.skipIf(!built)(`what is around a run${ifBuilt}`, () => {
  test.skipIf(!canGoOffline)(`no network is needed${ifAllowed(canGoOffline)}`, async () => {
    expect(await project.run('run', { through: OFFLINE })).toMatchObject({ code: 0, stderr: '' });
  });

  test('a reader that goes away stops nothing: the result is there', async () => {
    expect(await project.run('run', { deaf: true })).toMatchObject({ code: 0, stderr: '' });
    expect(project.has(OUTPUT)).toBe(true);
  });

  test.skipIf(isRoot)(`a folder that may not be written: which${isRoot ? ' (skipped: root may write everywhere)' : ''}`, async () => {
    project.write(OUTPUT, '');
    chmodSync(project.path('result'), 0o555);
    try {
      expect(await project.run('run')).toMatchObject({ code: 3, stderr: expect.stringMatching(/error no-access: .*result.* may not be written/) as string });
    } finally {
      chmodSync(project.path('result'), 0o755);
    }
  });

  test('a line of data that is broken: which line of which file', async () => {
    const line = `{"x": {"dims": [1, 16], "data": [${Array.from({ length: 16 }, (_, i) => i).join(', ')}]}}\n`;
    project.write('noise.jsonl', `${line}${line}{"x": {"dims": [1, 16], "data": [1, 2\n${line}`);
    project.write('onnxpress.yaml', RECIPE.replace(/use: eval\/random.*/, 'use: eval/tensors, with: { file: noise.jsonl } }'));
    expect(await refused(project, 3)).toMatch(/error data-broken: .*noise\.jsonl:3: .*Expected/s);
  });

  test('a plugin that throws: which, at which step, and no output', async () => {
    project.write('wait.mjs', project.bytes('wait.mjs').toString().replace("model.metadata.set('waited', 'yes')", "throw new Error('the weights are sour')"));
    expect(await refused(project, 3)).toContain('error plugin-failed: wait/here, step 2: the weights are sour');
  });
});

describe.skipIf(!built)(`--json prints JSON and nothing else${ifBuilt}`, () => {
  const jsonOf = async (command: string): Promise<unknown> => {
    const { code, stdout } = await project.run(command);
    return [code, JSON.parse(stdout)];
  };

  test('when all is well', async () => expect(await jsonOf('run --json')).toMatchObject([0, { schema: 'onnxpress/report/1', ok: true }]));

  test('when a gate fails', async () => {
    project.write('onnxpress.yaml', RECIPE.replace('at-least: 0.9', 'at-least: 1.1'));
    expect(await jsonOf('run --json')).toMatchObject([1, { schema: 'onnxpress/report/1', ok: false }]);
  });

  test('when the model is none', async () => {
    project.write('model.onnx', 'no model');
    expect(await jsonOf('run --json')).toMatchObject([3, { ok: false, diagnostics: [{ severity: 'error' }] }]);
  });

  test('when the call is wrong', async () => expect(await jsonOf('run --jsn --json')).toMatchObject([2, { ok: false, diagnostics: [{ code: 'bad-call' }] }]));

  test('when a report to merge is none', async () => {
    project.write('report.json', '{}');
    expect(await jsonOf('merge report.json --json')).toMatchObject([2, { ok: false }]);
  });
});
