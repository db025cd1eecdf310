import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { moveInto, workshopIn } from './place.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'onnxpress-place-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const put = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};
const read = (name: string): string => readFileSync(join(home, name), 'utf8');

test('files take their places, in folders too, and what lies beside them stays', () => {
  put(home, { 'model.onnx': 'old', '1_Pooling/config.json': 'old', '1_Pooling/notes.txt': 'mine' });
  const workshop = workshopIn(home);
  put(workshop, { 'model.onnx': 'new', '1_Pooling/config.json': 'new', 'report.json': '{}' });
  moveInto(home, workshop, 'model.onnx');
  expect(['model.onnx', '1_Pooling/config.json', '1_Pooling/notes.txt', 'report.json'].map(read)).toEqual(['new', 'new', 'mine', '{}']);
});

test('where one file cannot be placed, the old ones are back and none is new', () => {
  put(home, { 'model.onnx.data': 'old', 'model.onnx/file': 'a folder is in the way' });
  const workshop = workshopIn(home);
  put(workshop, { 'model.onnx': 'new', 'model.onnx.data': 'new', 'report.json': '{}' });
  expect(() => moveInto(home, workshop, 'model.onnx')).toThrow();
  rmSync(workshop, { recursive: true });
  expect(read('model.onnx.data')).toBe('old');
  expect(readdirSync(home).sort()).toEqual(['model.onnx', 'model.onnx.data']);
});

test('what a killed run left behind is removed by the next one; what runs at work have stays', () => {
  const mine = workshopIn(home);
  const dead = spawnSync(process.execPath, ['-e', 'console.log(process.pid)'], { encoding: 'utf8' }).stdout.trim();
  const left = join(home, basename(mine).replace(`-${process.pid}-`, `-${dead}-`));
  put(left, { 'model.onnx': 'half' });
  const other = workshopIn(home);
  expect(readdirSync(home).sort()).toEqual([mine, other].map((f) => basename(f)).sort());
});

test('what another machine left behind is not ours to remove', () => {
  const theirs = join(home, `.onnxpress-00000000-1-${'0'.repeat(8)}`);
  mkdirSync(theirs);
  workshopIn(home);
  expect(readdirSync(home)).toContain(basename(theirs));
});
