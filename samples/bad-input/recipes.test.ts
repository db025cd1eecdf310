import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { built, ifBuilt } from '../testing/cli.ts';
import type { Project } from '../testing/project.ts';
import { RECIPE, tinyProject } from '../testing/tiny.ts';
import { refused } from './refused.ts';

let project: Project;
beforeEach(async () => {
  project = await tinyProject();
});
afterEach(() => project.remove());

/** "3:1 unknown-key", for every mistake that is told. */
const places = (said: string): string[] => [...said.matchAll(/^error ([a-z-]+): .*\n {2}--> onnxpress\.yaml:(\d+:\d+)/gm)].map(([, code, at]) => `${at} ${code}`);

const TEN = `name: ten
model: model.onnx
sed: 3
runtime: { threads: many }
data:
  noise: { use: eval/randm, with: { shapes: { x: [2, 16] } } }
  texts: { use: eval/texts, with: { fil: texts.txt } }
steps:
  - { use: quant/dynamic, with: { per-chanel: true } }
  - { use: quant/dynamic, with: { embeddings: 3 } }
  - prune/wanda
evaluate:
  - { use: eval/cosine, with: { data: nois } }
  - eval/size
gates:
  size: { at-mots: 30% }
  nodes: { sure: 95% }
`;

describe.skipIf(!built)(`a recipe that is wrong${ifBuilt}`, () => {
  test('ten mistakes are told at once, each with its line and column, and what was meant', async () => {
    const said = await refused(project.write('onnxpress.yaml', TEN), 2);
    expect(places(said)).toEqual([
      '3:1 unknown-key', '4:21 bad-value', '6:17 unknown-dataset', '7:37 unknown-option', '9:35 unknown-option', '10:47 bad-option',
      '11:5 missing-plugin', '13:39 unknown-data', '16:11 unknown-key', '17:3 gate-without-bound',
    ]);
    for (const meant of ['seed', 'eval/random', 'file', 'per-channel', 'noise', 'at-most']) expect(said).toContain(`Did you mean "${meant}"?`);
  });

  test('a bomb of aliases is refused at once', async () => {
    const bomb = Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]\n`).join('');
    expect(await refused(project.write('onnxpress.yaml', `model: model.onnx\na0: &a0 [x]\n${bomb}`), 2)).toContain('alias-nested');
  });

  test('a key that is given twice is pointed at', async () => {
    expect(places(await refused(project.write('onnxpress.yaml', `${RECIPE}seed: 1\nseed: 2\n`), 2))).toEqual(['17:1 duplicate-key']);
  });

  test('a byte order mark and carriage returns move no column', async () => {
    expect(places(await refused(project.write('onnxpress.yaml', `\ufeff${RECIPE.replace('quant/dynamic', 'quant/dynamc').replaceAll('\n', '\r\n')}`), 2))).toEqual(['10:5 unknown-pass']);
  });

  test('with a byte order mark and carriage returns a right recipe is right', async () => {
    expect(await project.write('onnxpress.yaml', `\ufeff${RECIPE.replaceAll('\n', '\r\n')}`).run('check')).toMatchObject({ code: 0, stderr: '' });
  });

  test('an empty recipe is told what the least is', async () => {
    expect(await refused(project.write('onnxpress.yaml', ''), 2)).toContain('The least is "model: model.onnx" and a list of steps.');
  });

  test('a megabyte is too much, and is not read through', async () => {
    expect(await refused(project.write('onnxpress.yaml', `${RECIPE}#${'x'.repeat(1e6)}\n`), 2)).toContain('At most 256 kB are allowed.');
  });

  test('UTF-16 is told as such', async () => {
    expect(await refused(project.write('onnxpress.yaml', Buffer.from(`\ufeff${RECIPE}`, 'utf16le')), 2)).toContain('Save it as UTF-8.');
  });

  test('a recipe that is not there is said to be missing', async () => {
    expect(await refused(project, 2, 'run other.yaml')).toContain('other.yaml does not exist');
  });

  test('a plugin that is not installed: what to install', async () => {
    expect(await refused(project.write('onnxpress.yaml', RECIPE.replace('quant/dynamic', 'prune/wanda')), 2)).toContain('Install it: npm install @onnxpress/plugin-prune');
  });

  test('a plugin of somebody else that is not there: where it was looked for', async () => {
    const said = await refused(project.write('onnxpress.yaml', RECIPE.replace('./wait.mjs', './wiat.mjs')), 2);
    expect(said).toContain('"./wiat.mjs" is not found');
    expect(places(said)).toContain('4:11 plugin-not-found');
  });

  test('a pattern that matches nothing: what is near', async () => {
    const said = await refused(project.write('onnxpress.yaml', RECIPE.replace('- quant/dynamic', '- { use: quant/dynamic, with: { exclude: [op:MatMull] } }')), 2);
    expect([places(said), said]).toEqual([['10:45 pattern-matches-nothing'], expect.stringContaining('op:MatMul')]);
  });

  test('a gate on what nobody measures: what is measured', async () => {
    const said = await refused(project.write('onnxpress.yaml', RECIPE.replace('  cosine:', '  cosin:')), 2);
    expect(said).toContain('Did you mean "cosine"?');
  });

  test('with --json the mistakes are data, and nothing else is said on standard output', async () => {
    const { code, stdout } = await project.write('onnxpress.yaml', TEN).run('run --json');
    const { ok, diagnostics } = JSON.parse(stdout) as { ok: boolean; diagnostics: unknown[] };
    expect([code, ok, diagnostics.length]).toEqual([2, false, 10]);
    expect(diagnostics[0]).toMatchObject({ code: 'unknown-key', file: 'onnxpress.yaml', line: 3, column: 1 });
  });
});
