import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PluginHost } from '../plugin/load.ts';
import { nodeFiles } from '../services/host.ts';
import { openRecipe } from './open.ts';
import { demo } from './recipes.fixture.ts';

const host: PluginHost = {
  url: import.meta.url, official: ['@onnxpress/plugin-demo', '@onnxpress/plugin-missing'], version: '1.0.0',
  import: async (name) => (name.endsWith('demo') ? { default: demo } : Promise.reject(new Error(`Cannot find package '${name}'`))),
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-open-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test('a recipe is read, its plugins are loaded, and it is checked against them', async () => {
  write('mine.mjs', "export default { name: 'mine', passes: [{ kind: 'pass', name: 'mine/a', summary: 'Mine.', numerics: 'exact', options: {}, run() {} }] };");
  const { recipe, registry, diagnostics } = await openRecipe(write('r.yaml', 'model: m\nplugins: [./mine.mjs]\nsteps: [demo/gemm, mine/a]\n'), nodeFiles, host);
  expect(diagnostics).toEqual([]);
  expect(recipe?.steps.map((s) => s.use)).toEqual(['demo/gemm', 'mine/a']);
  expect(registry.names('pass')).toContain('mine/a');
});

test('mistakes of the file, its base, its plugins and its options come in one list, sorted', async () => {
  write('base.yaml', 'model: m\nmodel: n\n');
  const { recipe, diagnostics } = await openRecipe(write('r.yaml', 'extends: base.yaml\nsteps: [missing/x]\nplugins: [./absent.mjs]\nsed: 1\n'), nodeFiles, host);
  expect(recipe).toBeUndefined();
  expect(diagnostics.map((d) => d.code)).toEqual(['missing-plugin', 'plugin-not-found', 'unknown-key', 'duplicate-key']);
});

test('a file that is not there, or a folder, is told and nothing else', async () => {
  expect((await openRecipe(join(folder, 'no.yaml'), nodeFiles, host)).diagnostics.map((d) => d.code)).toEqual(['no-such-file']);
  mkdirSync(join(folder, 'sub'));
  expect((await openRecipe(join(folder, 'sub'), nodeFiles, host)).diagnostics.map((d) => d.code)).toEqual(['not-a-file']);
});
