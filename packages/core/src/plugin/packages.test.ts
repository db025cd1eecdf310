import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entryOf, isPath, manifestOf, packageFolder, versionOf } from './packages.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'onnxpress-packages-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Installs a package "p" whose package.json says this; every file named `*.js` in `files` is there. */
function install(manifest: object, ...files: string[]): void {
  const home = join(folder, 'node_modules', 'p');
  mkdirSync(join(home, 'lib'), { recursive: true });
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  for (const file of files) writeFileSync(join(home, file), '');
}
const found = (specifier = 'p'): string | undefined => entryOf(specifier, folder)?.slice(folder.length + 1).split('\\').join('/');

test.each([
  ['exports as a text', { exports: './lib/a.js' }],
  ['exports for import alone', { exports: { import: './lib/a.js', require: './lib/b.cjs' } }],
  ['the first condition that holds, in the order of the package', { exports: { browser: './lib/b.cjs', node: './lib/a.js', default: './lib/b.cjs' } }],
  ['conditions within a subpath', { exports: { '.': { types: './x.d.ts', default: { import: './lib/a.js' } }, './other': './lib/b.cjs' } }],
  ['a list of alternatives', { exports: [{ browser: './no.js' }, './lib/a.js'] }],
  ['main', { main: 'lib/a.js' }],
])('finds the entry by %s', (_, manifest) => {
  install(manifest, 'lib/a.js', 'lib/b.cjs');
  expect(found()).toBe('node_modules/p/lib/a.js');
});

test('without exports and main the entry is index.js', () => {
  install({}, 'index.js');
  expect(found()).toBe('node_modules/p/index.js');
});

test('a subpath is what exports says, and nothing else', () => {
  install({ exports: { '.': './lib/a.js', './more': './lib/b.js' } }, 'lib/a.js', 'lib/b.js', 'lib/c.js');
  expect([found('p/more'), found('p/lib/c.js')]).toEqual(['node_modules/p/lib/b.js', undefined]);
});

test('what is not there is not found', () => {
  install({ exports: { require: './lib/a.js' }, main: 'lib/a.js' }, 'lib/a.js');
  expect([found(), found('q'), found('./no.js'), entryOf('p', tmpdir())]).toEqual([undefined, undefined, undefined, undefined]);
});

test('packages are found from folders below, and files from where they are', () => {
  install({ main: 'lib/a.js' }, 'lib/a.js');
  mkdirSync(join(folder, 'x', 'y'), { recursive: true });
  writeFileSync(join(folder, 'x', 'z.js'), '');
  expect(entryOf('p', join(folder, 'x', 'y'))).toBe(join(folder, 'node_modules/p/lib/a.js'));
  expect(entryOf('../z.js', join(folder, 'x', 'y'))).toBe(join(folder, 'x', 'z.js'));
});

test('paths and package names are told apart', () => {
  expect(['./a', '../a', '/a', '.', '..', 'C:\\a'].map(isPath)).toEqual(Array(6).fill(true));
  expect(['a', '@a/b', 'a/b', '.a'].map(isPath)).toEqual(Array(4).fill(false));
});

test('a broken package.json is none', () => {
  writeFileSync(join(folder, 'package.json'), '{ broken');
  expect(manifestOf(folder)).toBeUndefined();
  writeFileSync(join(folder, 'package.json'), '5');
  expect(manifestOf(folder)).toBeUndefined();
});

test('an installed package has its version, whatever its files say', () => {
  install({ version: '3.1.4' }, 'index.js');
  expect(versionOf(join(folder, 'node_modules/p/index.js'))).toBe('3.1.4');
  expect(packageFolder(join(folder, 'node_modules/p/lib'))).toBe(join(folder, 'node_modules/p'));
});

test('code in work has a hash over all that it imports by relative paths, circles included', () => {
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.0.0" }');
  writeFileSync(join(folder, 'a.js'), "import { b } from './b.js';\nexport const c = () => import('./c.js');");
  writeFileSync(join(folder, 'b.js'), "import './a.js';");
  writeFileSync(join(folder, 'c.js'), '1');
  writeFileSync(join(folder, 'd.js'), '1');
  const first = versionOf(join(folder, 'a.js'));
  writeFileSync(join(folder, 'd.js'), '2');
  expect(versionOf(join(folder, 'a.js'))).toBe(first);
  writeFileSync(join(folder, 'c.js'), '2');
  expect(versionOf(join(folder, 'a.js'))).not.toBe(first);
});
