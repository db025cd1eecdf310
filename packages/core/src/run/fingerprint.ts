import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Model } from '@onnxpress/onnx';
import { filesOf } from './facts.ts';
import { keyOf } from './keys.ts';
import { hashFile, type Store } from './store.ts';

/** Hashing less than this takes no time that anyone notices, so nothing is remembered of smaller files. */
const REMEMBER_BYTES = 256 * 2 ** 20;

/**
 * A name for a model's content: sha256 over the bytes of its files and of the files that travel with it. The hash of a large file is remembered
 * in the store with its size, place and times of change to the nanosecond.
 */
export async function fingerprintOf(model: Model, store: Store): Promise<string> {
  const hashes: string[] = [];
  for (const file of filesOf(model)) hashes.push(await hashOf(file, store));
  const travelling = [...model.files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, file]) => [name, createHash('sha256').update(file.bytes()).digest('hex')]);
  return keyOf(['model', hashes, travelling]);
}

async function hashOf(file: string, store: Store): Promise<string> {
  const info = await stat(file, { bigint: true });
  if (info.size < REMEMBER_BYTES) return hashFile(file);
  const key = keyOf(['file', file, String(info.size), String(info.mtimeNs), String(info.ctimeNs), String(info.ino)]);
  const known = await store.get(key);
  if (typeof known?.value === 'string') return known.value;
  const hash = await hashFile(file);
  await store.put({ key, kind: 'file', label: file, value: hash, blobs: [] });
  return hash;
}
