import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/**
 * The picture of the house: each package, and what it may import. An arrow only ever points down.
 * README.md and docs show the same picture; the dependencies in package.json and every import are compared with it here.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  onnx: ['kernels'],
  text: [],
  core: ['kernels', 'onnx', 'text'],
  'plugin-fusion': ['core'],
  'plugin-quant': ['core', 'kernels'],
  'plugin-eval': ['core', 'text'],
  cli: ['core'],
};

/** Found by name at run time, so in package.json but in no import. */
const FOUND_BY_NAME: Readonly<Record<string, readonly string[]>> = { cli: ['kernels', 'plugin-eval', 'plugin-fusion', 'plugin-quant'] }; // kernels: a peer of plugins

/** What only tests import: to embed texts as users do. */
const TESTS_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = { 'plugin-quant': ['text'] };

const packages = readdirSync('packages').filter((name) => statSync(join('packages', name)).isDirectory());
const shortName = (name: string): string => (name === 'onnxpress' ? 'cli' : name.replace('@onnxpress/', ''));
const isOurs = (name: string): boolean => name === 'onnxpress' || name.startsWith('@onnxpress/');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}
const manifestOf = (name: string): Manifest => JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8')) as Manifest; // our own files

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts')).map((f) => join(folder, f));
}

/** The specifiers in import, export-from and import(). */
const importsOf = (file: string): string[] => ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles.map((f) => f.fileName);
const packageOf = (specifier: string): string => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

test('the picture shows every package', () => {
  expect(packages.toSorted()).toEqual(Object.keys(MAY_IMPORT).toSorted());
});

describe.each(packages)('%s', (name) => {
  const manifest = manifestOf(name);
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };

  test('depends on what the picture shows, and on nothing else of ours', () => {
    const ours = Object.keys(declared).filter(isOurs).map(shortName);
    expect(ours.toSorted()).toEqual([...MAY_IMPORT[name]!, ...(FOUND_BY_NAME[name] ?? [])].toSorted());
  });

  test('imports only downwards, by package name, and only what its package.json declares', () => {
    for (const file of sources(join('packages', name, 'src'))) {
      const isTest = file.endsWith('.test.ts') || (name !== 'core' && /\/src\/testing\b/.test(file)); // core's is the conformance kit, which ships
      for (const specifier of importsOf(file)) {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) continue;
        const from = packageOf(specifier);
        if (isOurs(from)) expect([...MAY_IMPORT[name]!, ...(isTest ? (TESTS_MAY_IMPORT[name] ?? []) : []), name], `${file} imports ${specifier}`).toContain(shortName(from));
        else if (!isTest) expect(Object.keys(declared), `${file} imports ${specifier}`).toContain(from);
      }
    }
  });

  test('leaves its folder through no relative import', () => {
    for (const file of sources(join('packages', name, 'src'))) {
      const depth = file.split('/').length - 4; // packages/<name>/src/<file>
      for (const specifier of importsOf(file)) expect((specifier.match(/\.\.\//g) ?? []).length, `${file} imports ${specifier}`).toBeLessThanOrEqual(depth);
    }
  });

  test('has the one version, and exact versions of everything', () => {
    expect(manifest.version).toBe(manifestOf('core').version);
    for (const [dependency, version] of Object.entries(declared)) expect(version, dependency).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

test('a plugin shares the core of its host', () => {
  for (const name of packages.filter((p) => p.startsWith('plugin-'))) expect(Object.keys(manifestOf(name).dependencies ?? {}).filter(isOurs), name).toEqual([]);
});
