import { createHash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ifDiskFull } from '../diagnostics/failure.ts';

/** Names a blob: sha256 of its bytes, and how many they are. */
export interface BlobRef {
  readonly sha256: string;
  readonly size: number;
}

/** One JSON value under a key, and the blobs it needs. */
export interface Entry {
  readonly key: string;
  /** "step", "measured", "memo", "checkpoint": for `cache list`. */
  readonly kind: string;
  readonly label: string;
  readonly value: unknown;
  readonly blobs: readonly BlobRef[];
}

export interface StoredEntry extends Entry {
  /** When it was last used, in milliseconds since 1970. */
  readonly used: number;
}

/**
 * A content-addressed store in a folder: `objects/` holds bytes by their sha256, `entries/` JSON by key. Everything is written under a temporary
 * name and renamed, so two runs may share a store and a killed run leaves nothing half-written. What is read is verified: bytes that no longer
 * match their name are dropped and count as missing.
 */
export class Store {
  readonly folder: string;
  readonly #onDamage: (what: string) => void;
  readonly #verified = new Set<string>();

  constructor(folder: string, onDamage: (what: string) => void = () => {}) {
    this.folder = folder;
    this.#onDamage = onDamage;
  }

  /** The entry of a key, if it is there and whole. Its blobs are not checked yet: see `open`. */
  async get(key: string): Promise<Entry | undefined> {
    const path = this.#entryPath(key);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      return undefined;
    }
    const entry = parseEntry(text);
    if (entry?.key !== key) {
      await this.#drop(key);
      return undefined;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => {}); // only the order of eviction depends on it
    return entry;
  }

  async put(entry: Entry): Promise<void> {
    const path = this.#entryPath(entry.key);
    const body = JSON.stringify(entry);
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, `${digest(body)}\n${body}`, { flush: true });
      await rename(temporary, path);
    } catch (e) {
      await rm(temporary, { force: true });
      throw ifDiskFull(e, this.folder, () => Buffer.byteLength(body));
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#entryPath(key), { force: true });
  }

  /** Keeps bytes that `produce` writes piece by piece, and returns their name. Nothing is held in memory. `expected` is how many there will be, for a disk that is full. */
  keep(produce: (write: (bytes: Uint8Array) => void) => void, expected?: number): BlobRef {
    const temporary = join(this.folder, 'objects', `${randomUUID()}.tmp`);
    const hash = createHash('sha256');
    let size = 0;
    try {
      mkdirSync(join(this.folder, 'objects'), { recursive: true });
      const fd = openSync(temporary, 'wx');
      try {
        produce((bytes) => {
          for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
          hash.update(bytes);
          size += bytes.length;
        });
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      return this.#take(temporary, hash.digest('hex'), size);
    } catch (e) {
      rmSync(temporary, { force: true });
      throw ifDiskFull(e, this.folder, () => expected);
    }
  }

  /** The same for bytes that `fill` writes into an open file, in any order; they are read once more for their name. */
  async keepFile(fill: (descriptor: number, path: string) => Promise<void>, expected?: number): Promise<BlobRef> {
    const temporary = join(this.folder, 'objects', `${randomUUID()}.tmp`);
    try {
      mkdirSync(join(this.folder, 'objects'), { recursive: true });
      const descriptor = openSync(temporary, 'wx');
      try {
        await fill(descriptor, temporary);
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      return this.#take(temporary, await hashFile(temporary), statSync(temporary).size);
    } catch (e) {
      rmSync(temporary, { force: true });
      throw ifDiskFull(e, this.folder, () => expected);
    }
  }

  /** Makes a finished file of this store's folder a blob: it is moved. The caller knows what it holds. */
  adopt(path: string, { sha256, size }: BlobRef): BlobRef {
    return this.#take(path, sha256, size);
  }

  #take(temporary: string, sha256: string, size: number): BlobRef {
    const path = this.path(sha256);
    mkdirSync(dirname(path), { recursive: true });
    renameSync(temporary, path);
    this.#verified.add(sha256);
    return { sha256, size };
  }

  /** The file that holds a blob, once its bytes are known to be right; undefined where they are gone or damaged. */
  async open({ sha256, size }: BlobRef): Promise<string | undefined> {
    const path = this.path(sha256);
    const found = await stat(path).catch(() => undefined);
    if (!found) return undefined;
    if (this.#verified.has(sha256)) return path;
    if (found.size === size && (await hashFile(path)) === sha256) {
      this.#verified.add(sha256);
      return path;
    }
    this.#onDamage(`the object ${sha256.slice(0, 12)}`);
    await rm(path, { force: true });
    return undefined;
  }

  /** Where a blob lies, whether or not it is there. */
  path(sha256: string): string {
    return join(this.folder, 'objects', sha256.slice(0, 2), sha256.slice(2));
  }

  /** The blob that lies in that file, if it is one of this store's and still there: another run may have made room. */
  refAt(path: string): BlobRef | undefined {
    const name = relative(join(this.folder, 'objects'), path).replaceAll(/[\\/]/g, '');
    const found = /^[0-9a-f]{64}$/.test(name) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return found && { sha256: name, size: found.size };
  }

  /** Every entry, the one used longest ago first. Damaged ones are told and dropped, as `get` does. */
  async list(): Promise<StoredEntry[]> {
    const folder = join(this.folder, 'entries');
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    const entries: StoredEntry[] = [];
    for (const file of files.filter((f) => f.endsWith('.json')).sort()) {
      const path = join(folder, file);
      const [text, info] = await Promise.all([readFile(path, 'utf8').catch(() => undefined), stat(path).catch(() => undefined)]);
      if (text === undefined || !info) continue; // another run has dropped it meanwhile
      const key = file.slice(0, -'.json'.length).replaceAll(/[\\/]/g, '');
      const entry = parseEntry(text);
      if (entry?.key === key) entries.push({ ...entry, used: info.mtimeMs });
      else await this.#drop(key);
    }
    return entries.sort((a, b) => a.used - b.used);
  }

  async #drop(key: string): Promise<void> {
    this.#onDamage(`the entry ${key.slice(0, 12)}`);
    await this.remove(key);
  }

  #entryPath(key: string): string {
    return join(this.folder, 'entries', key.slice(0, 2), `${key.slice(2)}.json`);
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The first line is the digest of the second. */
function parseEntry(text: string): Entry | undefined {
  const [sum, body] = text.split('\n', 2);
  return body !== undefined && digest(body) === sum ? (JSON.parse(body) as Entry) : undefined; // only `put` writes bodies with a right digest
}

/** sha256 of a file's bytes, in hex, read as a stream. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer); // streams without an encoding give Buffers
  return hash.digest('hex');
}
