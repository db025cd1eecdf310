import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test('finds a word with a letter too many, too few, wrong, or two swapped', () => {
  for (const typo of ['sparsityy', 'sparsty', 'sparsiti', 'spasrity']) expect(nearest(typo, ['ops', 'sparsity'])).toBe('sparsity');
});

test('takes the nearest, and of equals the first', () => {
  expect(nearest('bites', ['bits', 'bytes', 'sites'])).toBe('bits');
});

test('does not count case, dashes and camelCase', () => {
  expect(nearest('maxLength', ['max-length'])).toBe('max-length');
  expect(nearest('AT_LEAST', ['at-most', 'at-least'])).toBe('at-least');
});

test('finds a full name by the part after its prefix', () => {
  expect(nearest('dynamic', ['quant/static', 'quant/dynamic'])).toBe('quant/dynamic');
});

test('keeps silent about words that are merely short, or altogether different', () => {
  expect(nearest('k', ['ab', 'ops'])).toBeUndefined();
  expect(nearest('banana', ['sparsity', 'ops'])).toBeUndefined();
  expect(nearest('', ['a'])).toBeUndefined();
  expect(nearest('x'.repeat(5000), ['x'])).toBeUndefined();
  expect(nearest('word', [])).toBeUndefined();
});
