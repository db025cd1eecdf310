import type { Dataset } from '@onnxpress/core';
import { testContext } from '@onnxpress/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { all, folderWith } from '../testing/files.ts';
import { texts } from './texts.ts';

type Texts = Extract<Dataset, { kind: 'texts' }>;
type Options = Parameters<typeof texts.open>[0];

const ten = Array.from({ length: 10 }, (_, index) => `text ${index}`);

async function open(name: string, lines: readonly string[], options: Partial<Options> = {}): Promise<Texts> {
  const folder = folderWith({ [name]: lines }, onTestFinished);
  return (await texts.open({ file: name, field: 'text', shuffle: false, seed: 0, skip: 0, ...options }, testContext({ folder }))) as Texts; // the only kind it opens
}
const read = async (data: Texts): Promise<string[]> => (await all(data.texts())).map(({ text }) => text);

test('each line of a .txt file that is not blank is a text', async () => {
  const data = await open('a.txt', ['one', '', '  two ', '   ']);
  expect(await all(data.texts())).toEqual([{ id: '1', text: 'one' }, { id: '3', text: 'two' }]);
  expect(data.count).toBe(2);
});

test('of a .jsonl file one field is the text', async () => {
  const lines = ['{"text": "one", "title": "I"}', '{"text": "", "title": "II"}'];
  expect(await read(await open('a.jsonl', lines))).toEqual(['one', '']);
  expect(await read(await open('a.jsonl', lines, { field: 'title' }))).toEqual(['I', 'II']);
});

test('skip and take choose a range, and the count is that of what is chosen', async () => {
  const data = await open('a.txt', ten, { skip: 3, take: 2 });
  expect(await read(data)).toEqual(['text 3', 'text 4']);
  expect(data.count).toBe(2);
  expect((await open('a.txt', ten, { skip: 8, take: 5 })).count).toBe(2);
});

test('shuffled texts are the same ones in another order, which the seed decides', async () => {
  const first = await read(await open('a.txt', ten, { shuffle: true, seed: 1 }));
  expect([...first].sort()).toEqual(ten);
  expect(first).not.toEqual(ten);
  expect(await read(await open('a.txt', ten, { shuffle: true, seed: 1 }))).toEqual(first);
  expect(await read(await open('a.txt', ten, { shuffle: true, seed: 2 }))).not.toEqual(first);
});

test('skip and take come after the shuffle', async () => {
  const shuffled = await read(await open('a.txt', ten, { shuffle: true }));
  expect(await read(await open('a.txt', ten, { shuffle: true, skip: 2, take: 3 }))).toEqual(shuffled.slice(2, 5));
});

test('the length limit is handed on', async () => {
  expect((await open('a.txt', ten, { 'max-length': 128 })).maxLength).toBe(128);
});

test('the fingerprint is of the contents and of every option that matters', async () => {
  const of = async (options: Partial<Options>, lines = ten): Promise<string> => (await open('a.txt', lines, options)).fingerprint;
  const plain = await of({});
  expect(await of({})).toBe(plain);
  expect(await of({ seed: 5 })).toBe(plain); // without shuffle a seed decides nothing
  const others = [await of({ take: 3 }), await of({ skip: 1 }), await of({ shuffle: true }), await of({ shuffle: true, seed: 5 }), await of({ 'max-length': 8 }), await of({}, [...ten, 'more'])];
  expect(new Set([plain, ...others]).size).toBe(others.length + 1);
});

test('what is broken is named', async () => {
  await expect(open('a.csv', ten)).rejects.toThrow(/a\.csv is neither \.txt nor \.jsonl\./);
  await expect(open('a.txt', ['', ' '])).rejects.toThrow(/a\.txt has no entries\./);
  await expect(open('a.txt', ten, { skip: 10 })).rejects.toThrow(/a\.txt: all of its 10 texts are skipped\./);
  await expect(open('a.jsonl', ['{"text": "x"}', '{"body": "y"}']).then(read)).rejects.toThrow(/a\.jsonl:2: has no "text" \(it has "body"\)\. Expected a JSON object whose "text" is the text/);
});

const whole = async (data: Texts): Promise<string> => (await all(data.windows!.text())).join('');

test('with windows, a .txt file is one text as it stands', async () => {
  const data = await open('a.txt', ['\ufeffone\r', '', '  two '], { window: 8, skip: 1, take: 2 });
  expect(await whole(data)).toBe('one\n\n  two \n');
  expect(data.windows).toMatchObject({ tokens: 8, skip: 1, take: 2 });
});

test('with windows, the texts of a .jsonl file are lines of one text', async () => {
  expect(await whole(await open('a.jsonl', ['{"text": "one"}', '', '{"text": "two"}'], { window: 8 }))).toBe('one\ntwo');
});

test('a character or a line end on the edge of two reads is one', async () => {
  const line = `${'x'.repeat(2 ** 20 - 1)}é\r`; // é begins on the last byte of the first mebibyte
  const ended = `${'x'.repeat(2 ** 20 - 1)}\r`;
  expect(await whole(await open('a.txt', [line], { window: 8 }))).toBe(`${line.slice(0, -1)}\n`);
  expect(await whole(await open('a.txt', [ended], { window: 8 }))).toBe(`${ended.slice(0, -1)}\n`);
});

test('other windows are other data', async () => {
  const fingerprints = await Promise.all([{}, { window: 8 }, { window: 9 }, { window: 8, skip: 1 }].map(async (options) => (await open('a.txt', ten, options)).fingerprint));
  expect(new Set(fingerprints).size).toBe(4);
});

test('windows of shuffled texts are refused', async () => {
  await expect(open('a.txt', ten, { window: 8, shuffle: true })).rejects.toThrow('"window" and "shuffle" do not go together');
});
