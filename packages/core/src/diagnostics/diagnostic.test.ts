import { expect, test } from 'vitest';
import { inOrder, positionOf, render, type Diagnostic, type Span } from './diagnostic.ts';

/** A span over the first `word` in a text. */
const at = (text: string, word: string, file = 'r.yaml'): Span => ({ file, text, start: text.indexOf(word), end: text.indexOf(word) + word.length });
const problem = (where?: Span, hint?: string): Diagnostic => ({ code: 'odd', severity: 'error', message: 'This is odd.', at: where, hint });
const rendered = (d: Diagnostic): string => `\n${render(d)}\n`;
const quoted = (text: string, word: string): string[] => render(problem(at(text, word))).split('\n').slice(2);

test('says what, where and what now', () => {
  expect(rendered(problem(at('a: 1\nbb: 22\n', '22'), 'Try 21.'))).toMatchInlineSnapshot(`
    "
    error odd: This is odd.
      --> r.yaml:2:5
    2 | bb: 22
      |     ^^
      Try 21.
    "
  `);
});

test('says only what it knows', () => {
  expect(render(problem())).toBe('error odd: This is odd.');
  expect(render({ ...problem(), severity: 'warning' })).toBe('warning odd: This is odd.');
});

test('the gutter grows with the line number', () => {
  const text = `${'\n'.repeat(99)}x: y`;
  expect(quoted(text, 'y')).toEqual(['100 | x: y', '    |    ^']);
});

test('carets stand under their word at any tab width, because tabs are repeated below', () => {
  expect(quoted('\ta:\tword', 'word')).toEqual(['1 | \ta:\tword', '  | \t  \t^^^^']);
});

test('letters that take two cells get two carets, and marks that take none get none', () => {
  expect(quoted('名: 値段', '値段')).toEqual(['1 | 名: 値段', '  |     ^^^^']);
  expect(quoted('e\u0301: x', 'x')).toEqual(['1 | e\u0301: x', '  |    ^']);
});

test('a line break of Windows is no part of the line', () => {
  expect(quoted('a: 1\r\nb: 2\r\n', '2')).toEqual(['2 | b: 2', '  |    ^']);
});

test('a long line is cut around its mistake', () => {
  const [line, carets] = quoted(`${'x'.repeat(500)}WORD${'y'.repeat(500)}`, 'WORD');
  expect(line).toBe(`1 | …${'x'.repeat(40)}WORD${'y'.repeat(54)}…`);
  expect(carets).toBe(`  | ${' '.repeat(41)}^^^^`);
});

test('a mistake longer than the line shown is marked as far as it is seen', () => {
  const [line, carets] = quoted('z'.repeat(5000), 'z'.repeat(5000));
  expect(line).toBe(`1 | ${'z'.repeat(98)}…`);
  expect(carets).toBe(`  | ${'^'.repeat(98)}`);
});

test('a mistake over several lines is marked on the first', () => {
  expect(quoted('a: |\n  b\n  c\n', '|\n  b\n  c')).toEqual(['1 | a: |', '  |    ^']);
});

test('a mistake at the end of the text has a caret of its own', () => {
  expect(quoted('', '')).toEqual(['1 | ', '  | ^']);
  expect(render(problem({ file: 'r.yaml', text: 'a:', start: 2, end: 2 })).split('\n').slice(1)).toEqual(['  --> r.yaml:1:3', '1 | a:', '  |   ^']);
});

test('characters that steer a terminal are shown as dots', () => {
  expect(quoted('a: \u001b[31mred\u202e', 'red')).toEqual(['1 | a: ·[31mred·', '  |         ^^^']);
});

test('a position counts lines and columns from one, and ends after the last character', () => {
  expect(positionOf(at('a\nbc\n', 'bc'))).toEqual({ line: 2, column: 1, endLine: 2, endColumn: 3 });
  expect(positionOf(at('a: |\n  b\nc', '|\n  b'))).toEqual({ line: 1, column: 4, endLine: 2, endColumn: 4 });
});

test('a position at a line break belongs to the line that it ends', () => {
  expect(positionOf({ file: '', text: 'ab\ncd', start: 2, end: 2 })).toMatchObject({ line: 1, column: 3 });
  expect(positionOf({ file: '', text: 'ab\ncd', start: 3, end: 3 })).toMatchObject({ line: 2, column: 1 });
});

test('messages are sorted by file and place, those without a place first, and equal ones are told once', () => {
  const text = 'a\nb\nc';
  const [a, b, base, plain] = [problem(at(text, 'a')), problem(at(text, 'b')), problem(at(text, 'a', 'base.yaml')), problem()];
  expect(inOrder([base, b, a, plain, b], ['r.yaml'])).toEqual([plain, a, b, base]);
  expect(inOrder([base, b, a])).toEqual([base, a, b]);
});
