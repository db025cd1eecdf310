import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { inOrder, positionOf } from '../diagnostics/diagnostic.ts';
import type { Files } from '../services/tokens.ts';
import { checkRecipe } from './check.ts';
import { readRecipe } from './extends.ts';
import type { Recipe } from './recipe.ts';
import { registry } from './recipes.fixture.ts';

/** Files that exist nowhere, by path relative to the working directory. */
function files(texts: Readonly<Record<string, string>>): Files {
  const byPath = new Map(Object.entries(texts).map(([path, text]) => [resolve(path), text]));
  return {
    readText: async (path) => {
      const text = byPath.get(path);
      if (text === undefined) throw Object.assign(new Error('not there'), { code: path.endsWith('folder') ? 'EISDIR' : 'ENOENT' });
      return text;
    },
    exists: async (path) => byPath.has(path),
    writeText: async () => {
      throw new Error('Nothing is written.');
    },
  };
}

async function open(texts: Readonly<Record<string, string>>): Promise<{ recipe: Recipe | undefined; told: string[] }> {
  const first = Object.keys(texts)[0]!;
  const { source, diagnostics } = await readRecipe(first, files(texts));
  const checked = checkRecipe(source, registry);
  const all = inOrder([...diagnostics, ...checked.diagnostics], [source.file]);
  return { recipe: checked.recipe, told: all.map((d) => `${d.at ? `${d.at.file}:${positionOf(d.at).line}:${positionOf(d.at).column} ` : ''}${d.code}: ${d.message}`) };
}

test('a recipe overrides by key: lists and entries are replaced whole, sections are joined', async () => {
  const { recipe, told } = await open({
    'r.yaml': 'extends: base.yaml\nseed: 2\nsteps: [demo/gemm]\ngates: { size: { at-most: 10% } }\nruntime: { threads: 4 }\n',
    'base.yaml': 'model: m\nseed: 1\nsteps: [demo/magnitude, demo/gemm]\ngates: { size: { at-least: 1, sure: off }, f1: { at-least: 97% } }\nruntime: { provider: webgpu }\n',
  });
  expect(told).toEqual([]);
  expect(recipe).toMatchObject({ seed: 2, model: { from: 'm' }, runtime: { provider: 'webgpu', threads: 4 }, steps: [{ use: 'demo/gemm' }] });
  expect(recipe?.gates.map((g) => g.with)).toEqual([{ metric: 'size', 'at-most': '10%', inconclusive: 'fail' }, { metric: 'f1', 'at-least': '97%', inconclusive: 'fail' }]);
});

test('bases have bases', async () => {
  const { recipe } = await open({ 'a.yaml': 'extends: b.yaml\nname: a', 'b.yaml': 'extends: c.yaml\nname: b\nseed: 2', 'c.yaml': 'name: c\nseed: 3\nmodel: m' });
  expect(recipe).toMatchObject({ name: 'a', seed: 2, model: { from: 'm' } });
});

test('mistakes point into the file that makes them', async () => {
  const { told } = await open({
    'r.yaml': 'extends: base.yaml\ndata: { b: { use: demo/texts, with: { file: b, take: 0 } } }\n',
    'base.yaml': 'model: m\nsed: 1\ndata:\n  a: { use: demo/texts, with: { file: a, take: 0 } }\nsteps: [demo/gem]\n',
  });
  expect(told).toEqual([
    'r.yaml:2:54 bad-option: "take" of demo/texts must be at least 1, but is 0.',
    'base.yaml:2:1 unknown-key: A recipe has no key "sed".',
    'base.yaml:4:48 bad-option: "take" of demo/texts must be at least 1, but is 0.',
    'base.yaml:5:9 unknown-pass: No installed plugin offers a pass "demo/gem".',
  ]);
});

test('what a recipe replaces is not checked', async () => {
  expect((await open({ 'r.yaml': 'extends: base.yaml\nsteps: [demo/gemm]', 'base.yaml': 'model: m\nsteps: [demo/gem]' })).told).toEqual([]);
});

test('paths are relative to the file that says them', async () => {
  const { recipe, told } = await open({
    'project/r.yaml': 'extends: ../shared/base.yaml\ndata: { b: { use: demo/texts, with: { file: data/b.jsonl } } }\n',
    'shared/base.yaml': 'model: models/m.onnx\noutput: /abs/out.onnx\ndata:\n  a: { use: demo/texts, with: { file: data/a.jsonl } }\n',
  });
  expect(told).toEqual([]);
  expect([recipe?.model.from, recipe?.output, recipe?.data['a']?.with['file'], recipe?.data['b']?.with['file']]).toEqual(['../shared/models/m.onnx', '/abs/out.onnx', '../shared/data/a.jsonl', 'data/b.jsonl']);
});

test('a model that is no path stays what it is', async () => {
  expect((await open({ 'a/r.yaml': 'extends: ../b/base.yaml', 'b/base.yaml': 'model: hf:org/repo' })).recipe?.model.from).toBe('hf:org/repo');
});

test('circles, missing files and folders are told where they are asked for', async () => {
  expect((await open({ 'r.yaml': 'extends: r.yaml\nmodel: m' })).told).toEqual(['r.yaml:1:10 extends-cycle: The recipe extends itself: r.yaml → r.yaml.']);
  expect((await open({ 'x/a.yaml': 'extends: b.yaml\nmodel: m', 'x/b.yaml': 'extends: ./a.yaml' })).told).toEqual(['x/b.yaml:1:10 extends-cycle: The recipe extends itself: x/a.yaml → x/b.yaml → x/a.yaml.']);
  expect((await open({ 'r.yaml': 'model: m\nextends: ../no.yaml' })).told).toEqual(['r.yaml:2:10 no-such-file: The recipe ../no.yaml does not exist.']);
  expect((await open({ 'r.yaml': 'model: m\nextends: folder' })).told).toEqual(['r.yaml:2:10 not-a-file: folder is a folder, and a file is needed.']);
});

test('a chain without end is told', async () => {
  const chain = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`r${i}.yaml`, `extends: r${i + 1}.yaml\nmodel: m`]));
  expect((await open(chain)).told).toEqual(['r7.yaml:1:10 extends-too-deep: More than 8 recipes extend each other in a row.']);
});

test('a recipe that is not there has no place to point at', async () => {
  const { source, diagnostics } = await readRecipe('nowhere.yaml', files({}));
  expect(diagnostics.map((d) => [d.code, d.at, d.message])).toEqual([['no-such-file', undefined, 'The recipe nowhere.yaml does not exist.']]);
  expect(source.data).toBeUndefined();
});

test('a base with broken YAML is told, and the recipe alone is checked', async () => {
  expect((await open({ 'r.yaml': 'extends: base.yaml\nmodel: m\nsed: 1', 'base.yaml': 'a: @x' })).told).toEqual([
    'r.yaml:3:1 unknown-key: A recipe has no key "sed".',
    'base.yaml:1:4 yaml-syntax: A text may not start with this character.',
  ]);
});
