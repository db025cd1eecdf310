import { expect, test } from 'vitest';
import { json } from './json.ts';

test('what JSON lacks is made plain', () => {
  expect(JSON.parse(json({ a: NaN, b: 3n, c: 2n ** 60n, d: new Map([['x', 1]]), e: undefined }))).toEqual({ a: null, b: 3, c: '1152921504606846976', d: { x: 1 } });
});

test('JSON ends with a line break', () => {
  expect(json([])).toBe('[]\n');
});
