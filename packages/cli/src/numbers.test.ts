import { expect, test } from 'vitest';
import { byteCount, wholeNumber } from './numbers.ts';

test('sizes are read in powers of ten', () => {
  expect(['0', '512', '500 MB', '2GB', '1.5 kb'].map((text) => byteCount('--keep', text))).toEqual([0, 512, 5e8, 2e9, 1500]);
});

test('what is no size or no whole number is refused with the flag', () => {
  expect(() => byteCount('--keep', '2 GiB')).toThrow('--keep must be a size, but is "2 GiB"');
  expect(() => wholeNumber('--threads', '-1')).toThrow('--threads must be a whole number, but is "-1"');
});
