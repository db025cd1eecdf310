import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store } from './store.ts';

/** What a store holds before it forgets the oldest: 10 GB. */
export const DEFAULT_CACHE_BYTES = 10e9;

/** An object that no entry names, or a temporary file, older than this belongs to a run that was killed. */
const ABANDONED_MS = 24 * 3600 * 1000;

export interface Evicted {
  readonly entries: number;
  readonly bytes: number;
}

/** Forgets the entries that were used longest ago until the rest fits, then every object that no entry names. `now` in milliseconds since 1970. */
export async function evict(store: Store, limit: number, now: number): Promise<Evicted> {
  const entries = await store.list();
  const objects = await objectsOf(store);
  const kept = new Set<string>();
  const given = new Set<string>();
  let total = 0;
  let forgotten = 0;
  for (const entry of entries.reverse()) {
    const fresh = entry.blobs.filter((b) => !kept.has(b.sha256));
    const needs = fresh.reduce((sum, b) => sum + b.size, 0);
    if (total + needs > limit) {
      await store.remove(entry.key);
      for (const b of entry.blobs) given.add(b.sha256);
      forgotten++;
      continue;
    }
    total += needs;
    for (const b of fresh) kept.add(b.sha256);
  }
  let bytes = 0;
  for (const { path, name, size, modified } of objects) {
    if (kept.has(name) || (!given.has(name) && now - modified < ABANDONED_MS)) continue; // another run may be about to name it
    await rm(path, { force: true });
    bytes += size;
  }
  return { entries: forgotten, bytes };
}

/** The bytes that a store's objects take on disk. */
export async function storeBytes(store: Store): Promise<number> {
  return (await objectsOf(store)).reduce((sum, o) => sum + o.size, 0);
}

async function objectsOf(store: Store): Promise<{ path: string; name: string; size: number; modified: number }[]> {
  const found = [];
  for (const file of await filesIn(join(store.folder, 'objects'))) found.push({ ...file, name: file.name.replaceAll(/[\\/]/g, '') });
  for (const file of await filesIn(join(store.folder, 'entries'))) if (file.name.endsWith('.tmp')) found.push(file);
  return found;
}

async function filesIn(root: string): Promise<{ path: string; name: string; size: number; modified: number }[]> {
  const found = [];
  for (const name of await readdir(root, { recursive: true }).catch(() => [])) {
    const path = join(root, name);
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile()) found.push({ path, name, size: info.size, modified: info.mtimeMs });
  }
  return found;
}
