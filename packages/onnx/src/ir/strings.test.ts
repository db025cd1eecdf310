import { expect, test } from 'vitest';
import { stringBytesOf, stringsOf, stringTensor } from './strings.ts';
import { memoryTensor } from './tensor.ts';

test('strings come back', () => {
  const words = ['', 'a', 'Größe', '\u{1f600}', '\ufeffx'];
  expect(stringsOf(stringTensor([5], words))).toEqual(words);
});

test('each element stands behind its length', () => {
  expect([...stringTensor([2], ['ab', '']).bytes()]).toEqual([2, 0, 0, 0, 97, 98, 0, 0, 0, 0]);
});

test('bytes that are not text are kept, and refused as text', () => {
  const t = stringTensor([1, 2], ['ok', Uint8Array.of(0xff)]);
  expect(stringBytesOf(t).map((b) => [...b])).toEqual([[111, 107], [255]]);
  expect(() => stringsOf(t)).toThrow('Element 1 of a string tensor of [1, 2] is not UTF-8');
});

test('as many strings as the shape says', () => {
  expect(() => stringTensor([2], ['a'])).toThrow('has 2 elements, not 1');
  expect(() => stringsOf(memoryTensor('string', [2], stringTensor([1], ['a']).bytes()))).toThrow('has 1 elements, not 2');
});

test.each([
  ['a length cut off', [1, 0]],
  ['an element longer than the rest', [9, 0, 0, 0, 97]],
])('damaged bytes are noticed: %s', (_, bytes) => {
  expect(() => stringsOf(memoryTensor('string', [1], Uint8Array.from(bytes)))).toThrow('damaged');
});

test('a tensor of numbers has no strings', () => {
  expect(() => stringsOf(memoryTensor('uint8', [1], Uint8Array.of(1)))).toThrow('numbersOf');
});
