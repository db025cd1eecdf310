import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { quote } from '../diagnostics/words.ts';
import type { Pointing } from '../recipe/source.ts';
import type { Plugin } from './kinds.ts';
import { entryOf, findPackage, isPath, manifestOf, packageFolder, versionOf } from './packages.ts';
import { Registry, type PluginOrigin } from './registry.ts';

/** What a host says about its own plugins. */
export interface PluginHost {
  /** `import.meta.url` of the host: where its plugins are looked for. */
  readonly url: string;
  /** Package names of official plugins. One that is not installed is left out, and a recipe that needs it is told so. */
  readonly official: readonly string[];
  /** `(specifier) => import(specifier)`, written in the host, so that a bundle or another loader finds what the host would find. */
  import(specifier: string): Promise<unknown>;
  /** The version of plugins that lie in no package of their own: in a bundle. */
  readonly version?: string | undefined;
}

/** The package that an official plugin's prefix belongs to. */
export const OFFICIAL = '@onnxpress/plugin-';

export interface LoadedPlugins {
  readonly registry: Registry;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Loads the host's official plugins, those that the recipe names under `plugins:`, and those among the dependencies of the nearest
 * package.json that carry the keyword "onnxpress-plugin". Of a package found twice the first counts: two copies of core would not know
 * each other. Never throws; whatever went wrong is told, and the others are there.
 */
export async function loadPlugins(host: PluginHost, recipe?: Pointing): Promise<LoadedPlugins> {
  const official = await Promise.all(host.official.map((name) => loadOfficial(host, name)));
  const named = recipe ? await Promise.all(namedBy(recipe).map(({ specifier, folder, at }) => loadFrom(folder, specifier, at))) : [];
  const folder = recipe && packageFolder(dirname(recipe.originOf([])));
  const present = new Set([...official, ...named].flatMap((l) => (l.kind === 'plugin' ? [l.origin.packageName] : [])));
  const found = folder === undefined ? [] : await Promise.all(dependencies(folder).filter((name) => !present.has(name)).map((name) => loadFrom(folder, name)));

  const absent = official.flatMap((l) => (l.kind === 'absent' ? [l.specifier.replace(OFFICIAL, '')] : []));
  const registry = new Registry(absent);
  const diagnostics = [...official, ...named, ...found].flatMap((l) => (l.kind === 'plugin' ? registry.add(l.plugin, l.origin, l.at) : l.kind === 'failed' ? [l.diagnostic] : []));
  return { registry, diagnostics };
}

type Loaded =
  | { readonly kind: 'plugin'; readonly plugin: Plugin; readonly origin: PluginOrigin; readonly at: Span | undefined }
  | { readonly kind: 'absent'; readonly specifier: string }
  | { readonly kind: 'failed'; readonly diagnostic: Diagnostic };

async function loadOfficial(host: PluginHost, name: string): Promise<Loaded> {
  const home = dirname(fileURLToPath(host.url));
  const folder = findPackage(name, home);
  const loaded = await load(name, () => host.import(name), () => versionAt(entryOf(name, home)) ?? (folder && manifestOf(folder)?.version) ?? host.version);
  // A bundle holds its plugins without a folder, so only a failure says that there is none.
  return loaded.kind === 'failed' && folder === undefined ? { kind: 'absent', specifier: name } : loaded;
}

async function loadFrom(folder: string, specifier: string, at?: Span): Promise<Loaded> {
  const entry = entryOf(specifier, folder);
  if (entry === undefined) return { kind: 'failed', diagnostic: say.pluginNotFound(specifier, folder, at) };
  return load(specifier, () => import(pathToFileURL(entry).href), () => versionAt(entry), at);
}

async function load(specifier: string, open: () => Promise<unknown>, version: () => string | undefined, at?: Span): Promise<Loaded> {
  try {
    const module = await open();
    const plugin = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
    if (!isPlugin(plugin)) return { kind: 'failed', diagnostic: say.notAPlugin(specifier, describe(plugin), at) };
    return { kind: 'plugin', plugin, origin: originOf(specifier, version), at };
  } catch (e) {
    return { kind: 'failed', diagnostic: say.pluginLoadFailed(specifier, e instanceof Error ? e.message : String(e), at) };
  }
}

const versionAt = (entry: string | undefined): string | undefined => (entry === undefined ? undefined : versionOf(entry));

/** The version is found out when asked for: a check never asks. */
function originOf(specifier: string, find: () => string | undefined): PluginOrigin {
  let version: string | undefined;
  return {
    packageName: isPath(specifier) ? specifier : packageNameOf(specifier),
    get version(): string {
      return (version ??= find() ?? '0.0.0');
    },
  };
}

const packageNameOf = (specifier: string): string => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');

const LISTS = ['passes', 'evaluators', 'datasets', 'gates', 'reporters'] as const;

function isPlugin(x: unknown): x is Plugin {
  if (typeof x !== 'object' || x === null || !('name' in x) || typeof x.name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(x.name)) return false;
  const lists = x as Readonly<Record<string, unknown>>; // any object is; the next line looks
  return LISTS.every((list) => lists[list] === undefined || Array.isArray(lists[list])) && [...LISTS, 'services'].some((key) => lists[key] !== undefined);
}

function describe(x: unknown): string {
  if (x === undefined) return 'missing';
  if (typeof x !== 'object' || x === null) return typeof x === 'function' ? 'a function' : quote(x);
  if (!('name' in x)) return 'an object without a name';
  return typeof x.name === 'string' && /^[a-z][a-z0-9-]*$/.test(x.name) ? 'an object that offers nothing' : `an object named ${quote(x.name)}, and a prefix is made of small letters, digits and "-"`;
}

/** The entries under `plugins:`, as far as they are texts: the rest is told when the recipe's shape is checked. */
function namedBy(recipe: Pointing): readonly { readonly specifier: string; readonly folder: string; readonly at: Span }[] {
  const { data } = recipe;
  const listed: unknown = typeof data === 'object' && data !== null && 'plugins' in data ? data.plugins : undefined;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((specifier: unknown, i) =>
    typeof specifier === 'string' && specifier !== '' ? [{ specifier, folder: dirname(recipe.originOf(['plugins', i])), at: recipe.at(['plugins', i]) }] : []);
}

const KEYWORD = 'onnxpress-plugin';

/** Those dependencies of a package that say they are plugins. */
function dependencies(folder: string): readonly string[] {
  const { dependencies: needed, devDependencies: forWork, optionalDependencies: optional } = manifestOf(folder) ?? {};
  return Object.keys({ ...needed, ...forWork, ...optional }).filter((name) => {
    const found = findPackage(name, folder);
    const keywords: unknown = found && manifestOf(found)?.keywords;
    return Array.isArray(keywords) && keywords.includes(KEYWORD);
  });
}
