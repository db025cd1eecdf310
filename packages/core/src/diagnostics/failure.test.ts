import { OnnxError } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { render } from './diagnostic.ts';
import { exitCodeOf, isInterruption, RecipeError, RunError } from './errors.ts';
import { asRunError, freeBytes, type Doing } from './failure.ts';
import * as say from './catalogue.ts';

const told = (thrown: unknown, doing?: Doing): string => {
  const e = asRunError(thrown, doing);
  return e instanceof RunError ? render(e.diagnostic) : `unchanged: ${e.message}`;
};
const system = (code: string, more: object = {}): Error => Object.assign(new Error(`${code}: it failed`), { code, ...more });
const aborted = (): Error => new DOMException('This operation was aborted', 'AbortError');

test('a plugin’s failure names the step and the pass, and keeps the first error as its cause', () => {
  const first = new TypeError('weights is undefined');
  const e = asRunError(first, { use: 'acme/magnitude', step: 2 });
  expect(e.message).toBe('acme/magnitude, step 2: weights is undefined');
  expect(e.cause).toBe(first);
});

test('a mistake of our own is called that', () => {
  expect(told(new TypeError('x is undefined'))).toMatch(/^error internal: .*x is undefined/);
});

test('something thrown that is no error is still told', () => {
  expect(told('just words', { use: 'acme/x' })).toBe('error plugin-failed: acme/x: just words');
});

test('an error of the model library keeps its code and its message', () => {
  expect(told(new OnnxError('truncated', 'model.onnx ends early. Download it again.'))).toBe('error truncated: model.onnx ends early. Download it again.');
  expect(told(new OnnxError('bad-edit', 'Something still reads "x".'), { use: 'acme/cut', step: 1 })).toBe('error bad-edit: acme/cut, step 1: Something still reads "x".');
});

test('a full disk says how much is missing', () => {
  const message = told(system('ENOSPC'), { path: 'no-such-folder/model.onnx', bytes: 10 ** 18 });
  expect(message).toMatch(/^error disk-full: No space is left on the disk for no-such-folder\/model\.onnx: it needs 1000 PB, and [\d.]+ \w+ are free, so [\d.]+ PB are missing\./);
});

test('a full disk below the model library is a full disk', () => {
  expect(told(new OnnxError('io', 'out.onnx cannot be written.', { cause: system('ENOSPC', { path: 'out.onnx' }) }))).toMatch(/^error disk-full: out\.onnx cannot be written\.\n {2}Free some space/);
});

test('files that are missing, or not ours, are named', () => {
  expect(told(system('ENOENT', { path: 'a.jsonl' }))).toMatch(/^error no-such-file: The file a\.jsonl does not exist\./);
  expect(told(system('EACCES', { path: 'a.jsonl', syscall: 'open' }))).toMatch(/^error no-access: a\.jsonl may not be read/);
  expect(told(system('EROFS', { path: 'out' }))).toMatch(/^error no-access: out may not be written/);
});

test('a failed fetch is the network’s failure', () => {
  const failed = Object.assign(new TypeError('fetch failed'), { cause: system('ENOTFOUND') });
  expect(told(failed, { path: 'https://example.org/a.onnx' })).toMatch(/^error network-failed: https:\/\/example\.org\/a\.onnx could not be fetched: ENOTFOUND/);
});

test('interruptions and errors that are already told pass unchanged', () => {
  const [stop, wrong, run] = [aborted(), new RecipeError([say.badCall('No.')]), new RunError(say.internal('x'))];
  expect([stop, wrong, run].map((e) => asRunError(e, { use: 'acme/x', step: 1 }))).toEqual([stop, wrong, run]);
});

test('the free space of a path that does not exist yet is that of the folder it will be in', () => {
  expect(freeBytes('/no/such/folder')).toBe(freeBytes('/'));
});

test('each outcome has its exit code', () => {
  expect([
    exitCodeOf({ type: 'done', ok: true }), exitCodeOf({ type: 'done', ok: false }), exitCodeOf(new RecipeError([])), exitCodeOf(new RunError(say.internal(''))),
    exitCodeOf(new Error('anything')), exitCodeOf('a text'), exitCodeOf(undefined), exitCodeOf(aborted()), exitCodeOf(new RunError(say.interrupted(), { cause: aborted() })),
  ]).toEqual([0, 1, 2, 3, 3, 3, 3, 130, 130]);
});

test('only what an aborted signal throws is an interruption', () => {
  let thrown: unknown;
  try {
    AbortSignal.abort().throwIfAborted();
  } catch (e) {
    thrown = e;
  }
  expect(isInterruption(thrown)).toBe(true);
  expect(isInterruption(new Error('AbortError'))).toBe(false);
});
