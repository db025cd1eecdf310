import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { positionOf } from '../diagnostics/diagnostic.ts';
import { Source } from '../recipe/source.ts';
import { loadPlugins, type LoadedPlugins, type PluginHost } from './load.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder with these files. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnxpress-load-'));
  made.push(folder);
  for (const [name, text] of Object.entries({ 'package.json': '{}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const pass = (name: string): string => `{ kind: 'pass', name: '${name}', summary: 'Does nothing.', numerics: 'exact', options: {}, run() {} }`;
const plugin = (prefix: string): string => `export default { name: '${prefix}', passes: [${pass(`${prefix}/a`)}] };`;
/** An installed package. */
const installed = (name: string, code: string, more: object = {}): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.2.3', type: 'module', exports: { types: './index.d.ts', import: './index.js' }, keywords: ['onnxpress-plugin'], ...more }),
  [`node_modules/${name}/index.js`]: code,
});

const noHost: PluginHost = { url: import.meta.url, official: [], import: () => Promise.reject(new Error('There is nothing official here.')) };
const load = (folder: string, recipe = 'model: m'): Promise<LoadedPlugins> => loadPlugins(noHost, new Source('onnxpress.yaml', recipe, join(folder, 'onnxpress.yaml')));
const told = ({ diagnostics }: LoadedPlugins): string[] => diagnostics.map((d) => `${d.at ? `${positionOf(d.at).line}:${positionOf(d.at).column} ` : ''}${d.code}: ${d.message}`);
const passes = ({ registry }: LoadedPlugins): readonly string[] => registry.names('pass');
const versionOf = ({ registry }: LoadedPlugins, name: string): string | undefined => registry.entry('pass', name)?.origin.version;

test('a recipe names packages, which are found from its own folder', async () => {
  const found = await load(project(installed('onnxpress-plugin-acme', plugin('acme'))), 'plugins: [onnxpress-plugin-acme]');
  expect([told(found), passes(found), versionOf(found, 'acme/a')]).toEqual([[], ['acme/a'], '1.2.3']);
});

test('a recipe names files, relative to the file that says so; their version changes with their code', async () => {
  const folder = project({ 'mine/plugin.mjs': `import { name } from './name.mjs';\nexport default { name, passes: [${pass('mine/a')}] };`, 'mine/name.mjs': "export const name = 'mine';" });
  const found = await load(folder, 'plugins: [./mine/plugin.mjs]');
  expect([told(found), passes(found)]).toEqual([[], ['mine/a']]);
  const first = versionOf(found, 'mine/a');
  expect(first).toMatch(/^0\.0\.0\+[0-9a-f]{12}$/);
  expect(versionOf(await load(folder, 'plugins: [./mine/plugin.mjs]'), 'mine/a')).toBe(first);
  writeFileSync(join(folder, 'mine/name.mjs'), "export const name = 'mine'; // changed");
  expect(versionOf(await load(folder, 'plugins: [./mine/plugin.mjs]'), 'mine/a')).not.toBe(first);
});

test('dependencies that say they are plugins are found, others are left alone', async () => {
  const folder = project({
    'package.json': JSON.stringify({ dependencies: { 'onnxpress-plugin-acme': '*', lodash: '*', absent: '*' }, devDependencies: { '@org/onnxpress-other': '*' } }),
    ...installed('onnxpress-plugin-acme', plugin('acme')), ...installed('@org/onnxpress-other', plugin('other')), ...installed('lodash', 'throw new Error("loaded");', { keywords: [] }),
  });
  const found = await load(folder);
  expect([told(found), passes(found)]).toEqual([[], ['acme/a', 'other/a']]);
});

test('a plugin that is both named and a dependency is one plugin', async () => {
  const folder = project({ 'package.json': JSON.stringify({ dependencies: { 'onnxpress-plugin-acme': '*' } }), ...installed('onnxpress-plugin-acme', plugin('acme')) });
  expect(told(await load(folder, 'plugins: [onnxpress-plugin-acme]'))).toEqual([]);
});

test('a linked package counts as work in progress: its version holds a hash', async () => {
  const elsewhere = project({ 'package.json': '{ "name": "acme", "version": "2.0.0", "type": "module", "main": "lib/main.js" }', 'lib/main.js': plugin('acme') });
  const folder = project({});
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(elsewhere, join(folder, 'node_modules', 'acme'));
  expect(versionOf(await load(folder, 'plugins: [acme]'), 'acme/a')).toMatch(/^2\.0\.0\+[0-9a-f]{12}$/);
});

test('what is missing, broken, or no plugin is told at its line, and the others are there', async () => {
  const folder = project({
    ...installed('onnxpress-plugin-acme', plugin('acme')), ...installed('throws', 'throw new Error("too old");'), ...installed('function', 'export default () => 1;'),
    ...installed('nothing', 'export const x = 1;'), ...installed('nameless', 'export default { passes: [] };'), ...installed('idle', "export default { name: 'idle' };"), ...installed('loud', "export default { name: 'LOUD', passes: [] };"),
  });
  const found = await load(folder, 'plugins:\n  - absent\n  - ./absent.js\n  - throws\n  - function\n  - nothing\n  - nameless\n  - idle\n  - loud\n  - onnxpress-plugin-acme\n');
  expect(told(found)).toEqual([
    `2:5 plugin-not-found: The plugin "absent" is not found from ${folder}.`,
    `3:5 plugin-not-found: The plugin "./absent.js" is not found from ${folder}.`,
    '4:5 plugin-load-failed: The plugin "throws" failed while it was loaded: too old',
    '5:5 not-a-plugin: "function" is no plugin: its default export is a function.',
    '6:5 not-a-plugin: "nothing" is no plugin: its default export is missing.',
    '7:5 not-a-plugin: "nameless" is no plugin: its default export is an object without a name.',
    '8:5 not-a-plugin: "idle" is no plugin: its default export is an object that offers nothing.',
    '9:5 not-a-plugin: "loud" is no plugin: its default export is an object named "LOUD", and a prefix is made of small letters, digits and "-".',
  ]);
  expect(found.diagnostics[0]?.hint).toBe('Install it: npm install absent');
  expect(passes(found)).toEqual(['acme/a']);
});

test('two plugins with one prefix are told where the second is named', async () => {
  const folder = project({ ...installed('first', plugin('acme')), ...installed('second', plugin('acme')) });
  expect(told(await load(folder, 'plugins: [first, second]'))).toEqual(['1:18 duplicate-plugin: Two plugins want the prefix "acme": first and second.']);
});

test('the host’s plugins come first; one that is not installed is known to be absent', async () => {
  const folder = project(installed('@onnxpress/plugin-quant', ''));
  const host: PluginHost = {
    url: pathToFileURL(join(folder, 'main.js')).href, official: ['@onnxpress/plugin-quant', '@onnxpress/plugin-prune'],
    import: async (specifier) => (specifier.endsWith('quant') ? { default: { name: 'quant', passes: [] } } : Promise.reject(new Error('Cannot find it'))),
  };
  const { registry, diagnostics } = await loadPlugins(host);
  expect(diagnostics).toEqual([]);
  expect([registry.isAbsent('quant/x'), registry.isAbsent('prune/x')]).toEqual([false, true]);
  expect(registry.plugins.map((p) => [p.plugin.name, p.origin.packageName, p.origin.version])).toEqual([['quant', '@onnxpress/plugin-quant', '1.2.3']]);
});

test('an installed official plugin that fails is broken, not absent; in a bundle it has the bundle’s version', async () => {
  const folder = project(installed('@onnxpress/plugin-quant', ''));
  const official = ['@onnxpress/plugin-quant'];
  const broken = await loadPlugins({ url: pathToFileURL(join(folder, 'main.js')).href, official, import: () => Promise.reject(new Error('half installed')) });
  expect(told(broken)).toEqual(['plugin-load-failed: The plugin "@onnxpress/plugin-quant" failed while it was loaded: half installed']);
  const bundled = await loadPlugins({ url: pathToFileURL(join(project({}), 'bundle.js')).href, official, version: '9.9.9', import: async () => ({ default: { name: 'quant', passes: [] } }) });
  expect(bundled.registry.plugins[0]?.origin.version).toBe('9.9.9');
});

test('entries under plugins that are no texts are left to the check of the recipe', async () => {
  expect(told(await load(project({}), 'plugins: [5, null, {}, ""]'))).toEqual([]);
  expect(told(await load(project({}), 'plugins: 5'))).toEqual([]);
});
