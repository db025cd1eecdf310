import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { evict } from './evict.ts';
import { Store } from './store.ts';

let folder: string;
let damaged: string[];
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-store-'));
  damaged = [];
  store = new Store(folder, (what) => damaged.push(what));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const keep = (into: Store, ...values: number[]): ReturnType<Store['keep']> => into.keep((write) => write(bytes(...values)));
const files = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' });

test('names bytes by their sha256, whatever pieces they came in', () => {
  const ref = store.keep((write) => {
    write(bytes(1, 2));
    write(bytes(3));
  });
  expect(ref).toEqual({ sha256: createHash('sha256').update(bytes(1, 2, 3)).digest('hex'), size: 3 });
  expect([...readFileSync(store.path(ref.sha256))]).toEqual([1, 2, 3]);
});

test('gives back what was put, to another process too', async () => {
  const entry = { key: 'ab'.repeat(32), kind: 'memo', label: 'x', value: { n: [1, 2] }, blobs: [] };
  await store.put(entry);
  expect(await new Store(folder).get(entry.key)).toEqual(entry);
});

test('a flipped byte in an object is noticed, said, and counts as missing', async () => {
  const ref = keep(store, 1, 2, 3);
  writeFileSync(store.path(ref.sha256), bytes(1, 2, 7));
  expect(await new Store(folder, (what) => damaged.push(what)).open(ref)).toBeUndefined();
  expect(damaged).toEqual([`the object ${ref.sha256.slice(0, 12)}`]);
  expect(await store.open(ref)).toBeUndefined();
});

test('a flipped byte in an entry is noticed, said, and counts as missing', async () => {
  const key = 'cd'.repeat(32);
  await store.put({ key, kind: 'memo', label: 'x', value: 'right', blobs: [] });
  const [path] = files().filter((f) => f.endsWith('.json'));
  writeFileSync(join(folder, path!), readFileSync(join(folder, path!), 'utf8').replace('right', 'wrong'));
  expect(await store.get(key)).toBeUndefined();
  expect(damaged).toHaveLength(1);
});

test('a list tells a damaged entry, drops it, and gives the others', async () => {
  const [bad, good] = ['ab'.repeat(32), 'cd'.repeat(32)];
  for (const key of [bad, good]) await store.put({ key, kind: 'memo', label: 'x', value: 'right', blobs: [] });
  const path = join(folder, files().find((f) => f.endsWith(`${bad.slice(2)}.json`))!);
  writeFileSync(path, readFileSync(path, 'utf8').replace('right', 'wrong'));
  expect((await store.list()).map((e) => e.key)).toEqual([good]);
  expect(damaged).toEqual([`the entry ${bad.slice(0, 12)}`]);
  expect(files().filter((f) => f.endsWith('.json'))).toHaveLength(1);
});

test('work that fails half-way leaves nothing behind', () => {
  expect(() => store.keep((write) => {
    write(bytes(1));
    throw new Error('ENOSPC');
  })).toThrow('ENOSPC');
  expect(files().filter((f) => f.includes('.tmp'))).toEqual([]);
});

test('two stores on one folder keep the same bytes at once', async () => {
  const other = new Store(folder);
  const refs = await Promise.all([store, other].map(async (s) => keep(s, 5, 6)));
  expect(refs[0]).toEqual(refs[1]);
  expect(await other.open(refs[0]!)).toBeDefined();
});

test('forgets what was used longest ago until the rest fits, and the objects only that named', async () => {
  const clock = Date.parse('2030-01-01');
  const [a, b, shared] = [keep(store, 1, 1, 1), keep(store, 2, 2, 2), keep(store, 9)];
  await store.put({ key: 'aa'.repeat(32), kind: 'step', label: 'old', value: 0, blobs: [a, shared] });
  await new Promise((resolve) => setTimeout(resolve, 20)); // the order of use is told by files' times
  await store.put({ key: 'bb'.repeat(32), kind: 'step', label: 'new', value: 0, blobs: [b, shared] });
  expect(await evict(store, 5, clock)).toEqual({ entries: 1, bytes: 3 });
  expect((await store.list()).map((e) => e.label)).toEqual(['new']);
  expect([await store.open(a), await store.open(b), await store.open(shared)].map((p) => p !== undefined)).toEqual([false, true, true]);
});

test('an object that no entry names yet stays: another run may be about to name it', async () => {
  const ref = keep(store, 4);
  expect(await evict(store, 1e9, Date.now())).toEqual({ entries: 0, bytes: 0 });
  expect(await store.open(ref)).toBeDefined();
});

test('a full disk is told in numbers, however the bytes come', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const failures = [
    await store.keepFile(() => Promise.reject(full), 5_000_000).catch((e: unknown) => e),
    await Promise.resolve().then(() => store.keep(() => { throw full; }, 5_000_000)).catch((e: unknown) => e),
  ];
  for (const failure of failures) expect(failure).toMatchObject({ diagnostic: { code: 'disk-full', message: expect.stringContaining('it needs 5.0 MB') as string } });
  expect(files().filter((f) => f.includes('.tmp'))).toEqual([]);
});
