import { expect, test } from 'vitest';
import { formattedIn, ofFormat } from './formats.ts';
import type { OptionsSchema } from './options.ts';

const options: OptionsSchema = {
  data: { type: 'string', format: 'data', description: 'One.' },
  more: { type: 'array', items: { type: 'string', format: 'data' }, description: 'Several.' },
  files: { type: 'object', additionalProperties: { type: 'string', format: 'path' }, description: 'By name.' },
  alpha: { anyOf: [{ const: 'auto' }, { type: 'string', format: 'data' }], description: 'A word or a data set.' },
  name: { type: 'string', description: 'Plain.' },
};

test('texts of a format are found at the top, in lists and in maps', () => {
  expect(formattedIn(options, { data: 'a', more: ['b', 'c'], files: { x: 'd.txt' }, name: 'e' })).toEqual([
    { format: 'data', text: 'a', path: ['data'] },
    { format: 'data', text: 'b', path: ['more', 0] },
    { format: 'data', text: 'c', path: ['more', 1] },
    { format: 'path', text: 'd.txt', path: ['files', 'x'] },
  ]);
});

test('a word that a branch names is no text of another branch', () => {
  expect(ofFormat('data', options, { alpha: 'auto' })).toEqual([]);
  expect(ofFormat('data', options, { alpha: 'calib' })).toEqual([{ format: 'data', text: 'calib', path: ['alpha'] }]);
});
