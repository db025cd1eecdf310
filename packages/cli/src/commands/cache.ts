import { join } from 'node:path';
import { bytes, Clock, DEFAULT_CACHE_BYTES, evict, EXIT, plural, Store, storeBytes, type StoredEntry } from '@onnxpress/core';
import { columns } from '../columns.ts';
import { age } from '../format.ts';
import { byteCount } from '../numbers.ts';
import type { Shell } from '../shell.ts';
import { withServices } from '../workspace.ts';

interface CacheFlags {
  readonly cache?: string;
  readonly json?: boolean;
}

/** What the store holds, the latest first. */
export async function listCache(shell: Shell, flags: CacheFlags): Promise<number> {
  const store = storeOf(shell, flags);
  const entries = (await store.list()).reverse();
  const total = await storeBytes(store);
  if (shell.json) {
    shell.outJson({ folder: store.folder, bytes: total, entries: entries.map((e) => ({ key: e.key, kind: e.kind, label: e.label, bytes: bytesOf(e), used: e.used })) });
    return EXIT.passed;
  }
  const now = await nowOf(shell);
  const rows = entries.map((e) => [shell.colors.dim(e.key.slice(0, 12)), e.kind, e.label, bytes(bytesOf(e)), age(now - e.used)]);
  shell.out(...columns(rows, { indent: '  ', right: [3] }), `  ${shell.shown(store.folder)}: ${entries.length} entries, ${bytes(total)} of models and pieces`);
  return EXIT.passed;
}

/** Forgets what was used longest ago until the rest fits. */
export async function pruneCache(shell: Shell, flags: CacheFlags & { readonly keep?: string }): Promise<number> {
  const keep = flags.keep === undefined ? DEFAULT_CACHE_BYTES : byteCount('--keep', flags.keep);
  const store = storeOf(shell, flags);
  const evicted = await evict(store, keep, await nowOf(shell));
  if (shell.json) shell.outJson({ folder: store.folder, ...evicted });
  else shell.out(`  ${plural(evicted.entries, 'result')} forgotten, ${bytes(evicted.bytes)} freed; ${bytes(await storeBytes(store))} remain in ${shell.shown(store.folder)}`);
  return EXIT.passed;
}

/** Reads everything. What does not have the content it was stored with is dropped, and made anew by the next run. */
export async function verifyCache(shell: Shell, flags: CacheFlags): Promise<number> {
  const damaged: string[] = [];
  const store = storeOf(shell, flags, (what) => damaged.push(what));
  let whole = 0;
  for (const { key } of await store.list()) {
    shell.host.signal.throwIfAborted();
    const entry = await store.get(key);
    const blobs = [];
    for (const blob of entry?.blobs ?? []) blobs.push(await store.open(blob));
    if (entry && blobs.every((path) => path !== undefined)) whole++;
    else await store.remove(key);
  }
  if (shell.json) shell.outJson({ folder: store.folder, whole, damaged });
  else shell.out(...damaged.map((what) => `  ${shell.colors.yellow('!')} ${what} was damaged and is dropped`), `  ${whole} entries are whole, ${damaged.length} damaged pieces were dropped in ${shell.shown(store.folder)}`);
  return EXIT.passed;
}

const storeOf = (shell: Shell, { cache }: CacheFlags, onDamage?: (what: string) => void): Store => new Store(cache === undefined ? join(shell.host.cwd, '.onnxpress', 'cache') : shell.path(cache), onDamage);
const bytesOf = (e: StoredEntry): number => e.blobs.reduce((sum, b) => sum + b.size, 0);

const nowOf = (shell: Shell): Promise<number> => withServices(shell, (services) => Promise.resolve(services.get(Clock).now()));
