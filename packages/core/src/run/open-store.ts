import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cacheDamaged, cacheUnwritable } from '../diagnostics/catalogue.ts';
import { render } from '../diagnostics/diagnostic.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Log } from '../services/tokens.ts';
import { Store } from './store.ts';

/** `folder`: by default .onnxpress/cache beside the recipe. `fresh`: measure anew, steps from the cache. `none`: neither is read, and nothing is kept. */
export interface CacheRequest {
  readonly folder?: string | undefined;
  readonly mode: 'use' | 'fresh' | 'none';
}

export interface OpenedStore {
  readonly store: Store;
  /** Whether the store goes when the run ends. */
  readonly temporary: boolean;
}

/** The store for a run. Where nothing can be written in the cache, that is said, and the run has a store of its own. */
export async function openStore(recipe: Recipe, { folder, mode }: CacheRequest = { mode: 'use' }, log: Log): Promise<OpenedStore> {
  const place = resolve(folder ?? join(dirname(recipe.file), '.onnxpress', 'cache'));
  const problem = mode === 'none' ? undefined : await whyNotWritable(place);
  if (problem !== undefined) log.warn(render(cacheUnwritable(place, problem)));
  const temporary = mode === 'none' || problem !== undefined;
  const store = new Store(temporary ? join(tmpdir(), `onnxpress-${randomUUID()}`) : place, (what) => log.warn(render(cacheDamaged(what))));
  return { store, temporary };
}

/** Why no folder can be made or written at a path, as far as that can be known without writing: a disk may still be full. */
async function whyNotWritable(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((e: NodeJS.ErrnoException) => e);
  if (!(found instanceof Error)) return found.isDirectory() ? access(path, constants.W_OK).then(() => undefined, (e: Error) => e.message) : `${path} is a file.`;
  return found.code === 'ENOENT' || found.code === 'ENOTDIR' ? whyNotWritable(dirname(path)) : found.message;
}
