import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkRecipe, Files, hostServices, inOrder, loadPlugins, Log, OFFICIAL, readRecipe, RecipeError, say,
  type Diagnostic, type PluginHost, type Pointing, type Recipe, type Registry, type RuntimeSettings, type Services,
} from '@onnxpress/core';
import { showWarnings } from './failure.ts';
import { wholeNumber } from './numbers.ts';
import type { Shell } from './shell.ts';
import { version } from './version.ts';

/* Where the command line meets core's recipes, plugins and services. */

export const RECIPE_FILE = 'onnxpress.yaml';

/** A recipe that holds, and what it may use. */
export interface Opened {
  readonly recipe: Recipe;
  readonly registry: Registry;
  /** The recipe's path as the user would say it. */
  readonly shown: string;
}

/** Plugins that come with the command line are found by name like anybody's; one that is missing is no mistake until a recipe wants it. */
const pluginHost: PluginHost = {
  url: import.meta.url,
  official: ['eval', 'fusion', 'quant', 'prune', 'tune', 'distill'].map((name) => OFFICIAL + name),
  import: (specifier) => import(specifier) as Promise<unknown>,
  version: version(),
};

/** Uses the services of this process, with those of plugins, and disposes of them. Messages go to standard error until a display takes them. */
export async function withServices<T>(shell: Shell, use: (services: Services) => Promise<T>, registry?: Registry): Promise<T> {
  const services = hostServices();
  services.set(Log, { info: (message) => shell.note(message), warn: (message) => shell.note(message) });
  registry?.bind(services);
  shell.host.services?.(services);
  try {
    return await use(services);
  } finally {
    await services.dispose();
  }
}

/** What is installed, as seen from the working directory or its recipe. */
export async function registryHere(shell: Shell): Promise<Registry> {
  const here = shell.path(RECIPE_FILE);
  const source = existsSync(here) ? (await withServices(shell, (services) => readRecipe(here, services.get(Files)))).source : undefined;
  const { registry, diagnostics } = await loadPlugins(pluginHost, source);
  showWarnings(diagnostics, shell); // a broken plugin must not hide the others
  return registry;
}

/** Reads and checks recipes: those given, folders standing for the recipe in them, or the one that is here. Throws RecipeError with every mistake of all of them. */
export async function openRecipes(shell: Shell, given: readonly string[], flags: { readonly threads?: string | undefined }): Promise<Opened[]> {
  const all = await withServices(shell, async (services) => {
    const found = [];
    for (const path of recipeFiles(shell, given)) {
      const { source, diagnostics } = await readRecipe(path, services.get(Files));
      found.push(await checked(source, diagnostics));
    }
    return found;
  });
  return settle(shell, all, flags.threads);
}

/** Checks a recipe that was just made up. */
export async function openSource(shell: Shell, source: Pointing, problems: readonly Diagnostic[], flags: { readonly threads?: string | undefined }): Promise<Opened> {
  const [opened] = settle(shell, [await checked(source, problems)], flags.threads);
  return opened!; // one in, one out
}

interface Checked {
  readonly source: Pointing;
  readonly registry: Registry;
  readonly recipe: Recipe | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

async function checked(source: Pointing, problems: readonly Diagnostic[]): Promise<Checked> {
  const plugins = await loadPlugins(pluginHost, source);
  const { recipe, diagnostics } = checkRecipe(source, plugins.registry);
  return { source, registry: plugins.registry, recipe, diagnostics: [...problems, ...plugins.diagnostics, ...diagnostics] };
}

function settle(shell: Shell, all: readonly Checked[], threads: string | undefined): Opened[] {
  const diagnostics = inOrder(all.flatMap((c) => c.diagnostics), all.map((c) => c.source.file));
  if (diagnostics.some((d) => d.severity === 'error')) throw new RecipeError(diagnostics);
  showWarnings(diagnostics, shell);
  return all.map(({ recipe, registry, source }) => {
    if (!recipe) throw new Error(`Nothing is wrong with ${source.file}, and there is no recipe.`);
    return { recipe: threads === undefined ? recipe : withRuntime(recipe, { ...recipe.runtime, threads: wholeNumber('--threads', threads) }), registry, shown: shell.shown(source.file) };
  });
}

function recipeFiles(shell: Shell, given: readonly string[]): string[] {
  if (given.length > 0) return given.map((name) => (isFolder(shell.path(name)) ? join(shell.path(name), RECIPE_FILE) : shell.path(name)));
  const here = shell.path(RECIPE_FILE);
  if (existsSync(here)) return [here];
  throw new RecipeError([say.badCall(`There is no ${RECIPE_FILE} in ${shell.host.cwd}.`, 'Name a recipe, or let onnxpress init <model> write one.')]);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function withRuntime(recipe: Recipe, runtime: RuntimeSettings): Recipe {
  const { matrix } = recipe;
  return { ...recipe, runtime, matrix: matrix && { ...matrix, variants: matrix.variants.map((v) => ({ ...v, recipe: withRuntime(v.recipe, runtime) })) } };
}
