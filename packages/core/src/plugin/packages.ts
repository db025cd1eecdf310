/* Where packages lie on the disk, and which version of their code is there. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly keywords?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The package.json of a folder; undefined where there is none that can be read. */
export function manifestOf(folder: string): Manifest | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The folder and everything above it, innermost first. */
function upwards(folder: string): readonly string[] {
  const at = resolve(folder);
  return at === dirname(at) ? [at] : [at, ...upwards(dirname(at))];
}

/** The nearest folder that is a package: that of the file or above it. */
export const packageFolder = (from: string): string | undefined => upwards(from).find((folder) => existsSync(join(folder, 'package.json')));

/** The installed package of that name as Node finds it from a folder. */
export const findPackage = (name: string, from: string): string | undefined =>
  upwards(from).map((folder) => join(folder, 'node_modules', name)).find((folder) => existsSync(join(folder, 'package.json')));

/**
 * The file that `import` of a package or a path would load, from a folder; undefined where there is none. Written out because Node 20
 * resolves ES modules only from the module that asks, and `require.resolve` refuses packages that are for `import` alone.
 */
export function entryOf(specifier: string, from: string): string | undefined {
  if (isPath(specifier)) {
    const path = resolve(from, specifier);
    if (!existsSync(path)) return undefined;
    return statSync(path).isDirectory() ? entryOfFolder(path, '.') : path;
  }
  const [name, rest] = splitName(specifier);
  const folder = findPackage(name, from);
  return folder === undefined ? undefined : entryOfFolder(folder, rest === '' ? '.' : `./${rest}`);
}

export const isPath = (specifier: string): boolean => /^(\.{0,2}\/|\.{1,2}$|[A-Za-z]:[\\/])/.test(specifier);

function splitName(specifier: string): readonly [name: string, rest: string] {
  const parts = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  return [parts.slice(0, length).join('/'), parts.slice(length).join('/')];
}

function entryOfFolder(folder: string, subpath: string): string | undefined {
  const { exports, main } = manifestOf(folder) ?? {};
  const target = exports === undefined ? (subpath === '.' ? main ?? 'index.js' : subpath) : targetOf(exports, subpath);
  const file = target === undefined ? undefined : join(folder, target);
  return file !== undefined && existsSync(file) && statSync(file).isFile() ? realpathSync(file) : undefined;
}

/** What `exports` says for a subpath under the conditions of an import in Node. */
function targetOf(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === 'string') return subpath === '.' ? exports : undefined;
  if (Array.isArray(exports)) return exports.map((e) => targetOf(e, subpath)).find((t) => t !== undefined);
  if (typeof exports !== 'object' || exports === null) return undefined;
  const entries = Object.entries(exports);
  if (entries.some(([key]) => key.startsWith('.'))) {
    const found = entries.find(([key]) => key === subpath);
    return found && targetOf(found[1], '.');
  }
  return entries.filter(([key]) => ['import', 'node', 'default'].includes(key)).map(([, to]) => targetOf(to, subpath)).find((t) => t !== undefined);
}

/**
 * The version of the code that an entry file leads to: the package's, and for code that is not installed from a package, a hash of it as
 * well, because it changes while its version stays. Imports are followed as far as they are relative.
 */
export function versionOf(entry: string): string {
  const folder = packageFolder(dirname(entry));
  const version = (folder && manifestOf(folder)?.version) ?? '0.0.0';
  return entry.includes(`${sep}node_modules${sep}`) ? version : `${version}+${hashOf(entry)}`;
}

function hashOf(entry: string): string {
  const hash = createHash('sha256');
  const files = new Set([entry]); // grows while it is walked
  for (const file of files) {
    const text = readText(file);
    hash.update(`${text.length}\n${text}`);
    for (const [, path] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g)) files.add(resolve(dirname(file), path!));
  }
  return hash.digest('hex').slice(0, 12);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
