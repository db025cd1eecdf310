import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hostServices, nodeFiles } from './host.ts';
import { Clock, Files, Log, Machine, Runtime } from './tokens.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-host-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a host offers everything that has a token, and each may be replaced', () => {
  const services = hostServices();
  for (const service of [Clock, Files, Log, Machine, Runtime]) expect(services.has(service), String(service)).toBe(true);
  expect(services.set(Clock, { now: () => 1, ticks: () => 2 }).get(Clock).now()).toBe(1);
});

test('one clock tells the date, the other never goes back', () => {
  const clock = hostServices().get(Clock);
  expect(clock.now()).toBeGreaterThan(Date.UTC(2020, 0));
  const [first, second] = [clock.ticks(), clock.ticks()];
  expect(second).toBeGreaterThanOrEqual(first);
});

test('messages go to standard error, one per line', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const log = hostServices().get(Log);
  log.info('one');
  log.warn('two');
  expect(write.mock.calls.map(([text]) => text)).toEqual(['one\n', 'two\n']);
  write.mockRestore();
});

test('a written text can be read, in folders that were not there', async () => {
  const path = join(folder, 'a', 'b', 'r.json');
  await nodeFiles.writeText(path, 'größer\n');
  expect(await nodeFiles.readText(path)).toBe('größer\n');
  expect([await nodeFiles.exists(path), await nodeFiles.exists(join(folder, 'no'))]).toEqual([true, false]);
});

test('a new text replaces the old one and leaves nothing beside it', async () => {
  const path = join(folder, 'r.json');
  await nodeFiles.writeText(path, 'old');
  await nodeFiles.writeText(path, 'new');
  expect([readFileSync(path, 'utf8'), readdirSync(folder)]).toEqual(['new', ['r.json']]);
});

test('a text that cannot be put in place leaves what was there, and nothing beside it', async () => {
  const path = join(folder, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'x');
  await expect(nodeFiles.writeText(path, 'new')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
  expect([readdirSync(folder), readdirSync(path)]).toEqual([['taken'], ['inside']]);
});

test('writers at the same time do not mix', async () => {
  const path = join(folder, 'r.txt');
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
  await Promise.all(texts.map((text) => nodeFiles.writeText(path, text)));
  expect(texts).toContain(readFileSync(path, 'utf8'));
  expect(readdirSync(folder)).toEqual(['r.txt']);
});
