import { expect, test } from 'vitest';
import { rowWeights } from './padding.ts';

const padding = { rows: 2, length: 3, mask: Uint8Array.of(1, 1, 0, 1, 0, 0) };

test('rows of tokens follow the mask', () => {
  expect(rowWeights([2, 3, 8], padding)).toEqual(Uint8Array.of(1, 1, 0, 1, 0, 0));
  expect(rowWeights([6, 8], padding)).toEqual(Uint8Array.of(1, 1, 0, 1, 0, 0));
});

test('time may come first', () => {
  expect(rowWeights([3, 2, 8], padding)).toEqual(Uint8Array.of(1, 1, 1, 0, 0, 0));
});

test('heads stand before or behind the tokens', () => {
  expect(rowWeights([2, 2, 3, 4], padding)).toEqual(Uint8Array.of(1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0));
  expect(rowWeights([2, 3, 2, 4], padding)).toEqual(Uint8Array.of(1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0));
});

test('rows that are no tokens all count', () => {
  expect(rowWeights([2, 8], padding)).toBeUndefined();
  expect(rowWeights([2, 8], undefined)).toBeUndefined();
});
