import { expect, test } from 'vitest';
import { bytes, list, plural, quote } from './words.ts';

test('the user’s word is quoted as it was written', () => {
  expect([quote('opps'), quote(1.5), quote(true), quote(null), quote(['a']), quote(Number.NaN), quote(undefined)]).toEqual(['"opps"', '1.5', 'true', 'null', '["a"]', 'NaN', 'undefined']);
});

test('a long text is cut and stays in quotes', () => {
  expect(quote('x'.repeat(500))).toBe(`"${'x'.repeat(78)}…"`);
});

test('control characters and writing directions are spelled out', () => {
  expect(quote('\u001b[31m\u202e\u009b')).toBe('"\\u001b[31m\\u202e\\u009b"');
});

test('a long list counts what it leaves out', () => {
  expect(list(['a', 'b'])).toBe('a, b');
  expect(list(Array.from({ length: 23 }, (_, i) => `n${i}`))).toMatch(/^n0, .*, n19 and 3 more$/);
});

test('bytes are counted in powers of a thousand', () => {
  expect([0, 999, 1000, 90_400_000, 62_000_000, 999_960, 1.5e9, 2e12, 3e18].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '90.4 MB', '62.0 MB', '1.0 MB', '1.5 GB', '2.0 TB', '3000 PB']);
});

test('one is not plural', () => {
  expect([plural(1, 'file'), plural(2, 'file')]).toEqual(['1 file', '2 files']);
});
