import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changedSince, stateOf } from './sources.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-sources-'));
  file = join(folder, 'model.onnx');
  writeFileSync(file, 'weights');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('files that nobody touched have not changed, however often they are read', async () => {
  const noted = await stateOf([file]);
  readFileSync(file);
  expect(await changedSince(noted)).toBeUndefined();
});

test.each([
  ['grew', () => appendFileSync(file, '!')],
  ['was written over with as many bytes', () => writeFileSync(file, 'WEIGHTS')],
  ['was replaced', () => {
    writeFileSync(join(folder, 'other'), 'weights');
    renameSync(join(folder, 'other'), file);
  }],
  ['is gone', () => rmSync(file)],
])('a file that %s has changed', async (_, change) => {
  const noted = await stateOf([file]);
  await new Promise((resolve) => setTimeout(resolve, 20)); // times of files move in steps
  change();
  expect(await changedSince(noted)).toBe(file);
});
