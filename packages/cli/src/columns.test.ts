import { expect, test } from 'vitest';
import { colorsFor } from './colors.ts';
import { columns, fit, pad, width, wrap } from './columns.ts';

const colors = colorsFor(true);

test('colours take no cells, wide characters take two, marks none', () => {
  expect([width(colors.red('ab')), width('模型'), width('e\u0301'), width('✔')]).toEqual([2, 4, 1, 1]);
});

test('columns are as wide as their widest cell', () => {
  expect(columns([['a', 'bb', 'c'], ['aaa', 'b', '']], { indent: '  ' })).toEqual(['  a    bb  c', '  aaa  b']);
});

test('a coloured cell lines up with a plain one', () => {
  expect(columns([[colors.green('ok'), 'x'], ['long', 'y']])).toEqual([`${colors.green('ok')}    x`, 'long  y']);
});

test('columns may end together', () => {
  expect(columns([['a', '1'], ['b', '100']], { right: [1] })).toEqual(['a    1', 'b  100']);
});

test('a text that does not fit is cut, and says so', () => {
  expect([fit('abcdef', 4), fit('abc', 4), fit('模型模型', 5)]).toEqual(['abc…', 'abc', '模型…']);
});

test('a cut text closes its colours', () => {
  expect(fit(`${colors.red('abcdef')}g`, 4)).toBe('\u001b[31mabc\u001b[39m…');
});

test('padding counts cells', () => {
  expect(pad('模', 4)).toBe('模  ');
});

test('a long text is broken between words', () => {
  expect(wrap('one two three fourteen-letters five', 9)).toEqual(['one two', 'three', 'fourteen-letters', 'five']);
});
