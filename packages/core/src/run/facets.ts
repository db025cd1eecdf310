import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { Evaluator, Pass } from '../plugin/kinds.ts';
import { formattedIn } from '../plugin/formats.ts';
import type { Kind, Registry } from '../plugin/registry.ts';
import type { Call, Recipe } from '../recipe/recipe.ts';
import { Machine, Runtime } from '../services/tokens.ts';
import type { ContextParts } from './context.ts';
import { hashFile } from './store.ts';

/** The version of this package, part of every key. */
export const coreVersion = (createRequire(import.meta.url)('@onnxpress/core/package.json') as { version: string }).version; // every package.json has one

/** All that the numbers of a call depend on besides the model: code, options, the data and files that these name, and, where it runs models, what they run on. */
export async function facetsOf(call: Call, contribution: Pass | Evaluator, recipe: Recipe, registry: Registry, parts: ContextParts, usesRuntime: boolean): Promise<unknown> {
  const contents = [];
  for (const { format, text, path } of formattedIn(contribution.options, call.with)) {
    if (format === 'data') contents.push([path, versionOf(registry, 'dataset', recipe.data[text]?.use), (await parts.dataset(text, [])).fingerprint]);
    if (format === 'path') contents.push([path, await contentOf(resolve(parts.folder, text))]);
  }
  return [call.use, versionOf(registry, contribution.kind, call.use), coreVersion, call.with, contents, usesRuntime ? [parts.services.get(Runtime).version, parts.settings.provider, parts.services.get(Machine).features] : []];
}

const versionOf = (registry: Registry, kind: Kind, use: string | undefined): string | undefined => (use === undefined ? undefined : registry.entry(kind, use)?.origin.version);

/** A name for what lies at a path: a file's bytes, or every file of a folder with its name but for hidden ones; undefined where nothing can be read. */
async function contentOf(path: string): Promise<unknown> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) return info && hashFile(path).catch(() => undefined);
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  const contents = [];
  for (const name of names) contents.push([name, await contentOf(join(path, name))]);
  return contents;
}
