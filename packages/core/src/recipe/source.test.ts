import { expect, test } from 'vitest';
import { positionOf, render, type Span } from '../diagnostics/diagnostic.ts';
import { Source } from './source.ts';

const read = (text: string): Source => new Source('r.yaml', text);
const told = (text: string): string[] => read(text).problems.map((d) => `${d.at ? `${positionOf(d.at).line}:${positionOf(d.at).column} ` : ''}${d.code}: ${d.message}`);
const seen = (span: Span): string => span.text.slice(span.start, span.end);
const frames = (text: string): string => `\n${read(text).problems.map(render).join('\n\n')}\n`;

test('reads maps, lists and the scalars of the core schema', () => {
  expect(read('a: 1\nb: [x, 2.5, true, null]\nc: { d: "97%" }\ne: off\nf: 0x10').data).toEqual({ a: 1, b: ['x', 2.5, true, null], c: { d: '97%' }, e: 'off', f: 16 });
});

test('points at values, at list entries and at keys', () => {
  const source = read('steps:\n  - use: quant/dynamic\n    with: { bits: 4 }\n');
  expect(seen(source.at(['steps', 0, 'use']))).toBe('quant/dynamic');
  expect(seen(source.at(['steps', 0, 'with', 'bits']))).toBe('4');
  expect(seen(source.atKey(['steps', 0, 'with'], 'bits'))).toBe('bits');
  expect(positionOf(source.at(['steps', 0]))).toMatchObject({ line: 2, column: 5, endLine: 3 });
});

test('a path that leads nowhere points at the nearest thing around it', () => {
  const source = read('steps:\n  - use: x\nmodel:\n');
  expect(seen(source.at(['steps', 0, 'with', 'bits']))).toBe('use: x');
  expect(seen(source.at(['steps', 7]))).toBe('- use: x');
  expect(seen(source.at(['model']))).toBe('model');
  expect(seen(source.atKey(['steps', 0], 'nope'))).toBe('use: x');
});

test('a path through an alias points at what the alias stands for', () => {
  const source = read('a: &shared { bits: 4 }\nb: *shared\n');
  expect(source.data).toEqual({ a: { bits: 4 }, b: { bits: 4 } });
  expect(seen(source.at(['b', 'bits']))).toBe('4');
  expect(positionOf(source.at(['b', 'bits'])).line).toBe(1);
});

test('a byte order mark moves no column', () => {
  const source = read('\ufeffname: x\nmodel: y');
  expect(source.problems).toEqual([]);
  expect(positionOf(source.at(['name']))).toMatchObject({ line: 1, column: 7 });
});

test('line breaks of Windows end values where they should', () => {
  const source = read('name: x\r\nsteps:\r\n  - a\r\n  - b\r\n');
  expect(source.data).toEqual({ name: 'x', steps: ['a', 'b'] });
  expect(seen(source.at(['steps', 1]))).toBe('b');
  expect(positionOf(source.at(['steps', 1]))).toMatchObject({ line: 4, column: 5, endColumn: 6 });
});

test('keys that JavaScript treats apart are keys like any other', () => {
  const { data } = read('__proto__: { x: 1 }\nconstructor: 2');
  expect(Object.entries(data as object)).toEqual([['__proto__', { x: 1 }], ['constructor', 2]]);
  expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
});

test('numbers as keys are texts', () => {
  expect(read('4: x').data).toEqual({ 4: 'x' });
});

test('empty files and files with comments alone are empty', () => {
  expect(['', '\n\n', '# nothing\n', '---\n', '\ufeff', 'null'].map((text) => told(text))).toEqual(Array(6).fill(['1:1 empty-recipe: The recipe is empty.']));
});

test('every repeated key is told, and the rest is read', () => {
  const text = 'a: 1\nb: { c: 1, c: 2 }\na: 3\na: 4';
  expect(told(text)).toEqual(['2:12 duplicate-key: "c" is given twice.', '3:1 duplicate-key: "a" is given twice.', '4:1 duplicate-key: "a" is given twice.'].sort((x, y) => (x < y ? -1 : 1)));
  expect(read(text).data).toEqual({ a: 4, b: { c: 2 } });
});

test('tabs, open brackets and quotes are told where they are, without jargon', () => {
  expect(frames('steps:\n\t- a\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: A tab may not indent.
      --> r.yaml:2:1
    2 | 	- a
      | ^
      Indent with spaces.
    "
  `);
  expect(frames('data: [a, b\nseed: 1\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: The indentation does not fit what stands above.
      --> r.yaml:2:1
    2 | seed: 1
      | ^
      Indent entries of one list or map by the same number of spaces, and close every bracket.
    "
  `);
  expect(frames('name: "open\nseed: 1\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: A quote is not closed.
      --> r.yaml:3:1
    3 | 
      | ^
      Close brackets and quotes, and put ": " after each key and "," between entries.
    "
  `);
  expect(frames('name: a: b\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: There is a second ": " on one line.
      --> r.yaml:1:7
    1 | name: a: b
      |       ^
      Put a text that holds ": " in quotes, and start a map on a line of its own.
    "
  `);
  expect(frames('name: @home\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: A text may not start with this character.
      --> r.yaml:1:7
    1 | name: @home
      |       ^
      Put the text in quotes.
    "
  `);
  expect(frames('- a\nb: c\n')).toMatchInlineSnapshot(`
    "
    error yaml-syntax: This does not belong here.
      --> r.yaml:2:1
    2 | b: c
      | ^
      Check the indentation, and put texts with special characters in quotes.
    "
  `);
});

test('an expression in brackets without quotes is told to take some', () => {
  for (const text of ['a: [${{ matrix.x }}]', 'a: { b: ${{ matrix.x }} }', 'a: { b: 1, c: ${{ matrix.x }} }']) expect(told(text)[0], text).toMatch(/An expression within \[ \] or \{ \} needs quotes\.$/);
  expect(read('a: ${{ matrix.x }}').data).toEqual({ a: '${{ matrix.x }}' });
});

test('syntax errors of several lines are told at once, one per line', () => {
  expect(told('a: @x\nb: 1\nc: `y`\n')).toEqual(['1:4 yaml-syntax: A text may not start with this character.', '3:4 yaml-syntax: A text may not start with this character.']);
});

test('a second document is told at its start', () => {
  expect(told('a: 1\n---\nb: 2\n')).toEqual(['2:1 multiple-documents: The file holds more than one YAML document.']);
});

test('tags are refused, and the YAML version is ours', () => {
  expect(told('a: !ref x\nb: !!binary aGk=\n').map((t) => t.split(':')[0] + t.slice(t.indexOf(' ')))).toEqual([
    '1 yaml-tag: Tags such as "!ref" have no meaning in a recipe.', '2 yaml-tag: Tags such as "!!binary" have no meaning in a recipe.']);
  expect(read('%YAML 1.1\n---\na: yes\n').data).toEqual({ a: 'yes' });
});

test('merge keys are keys, to be refused by the recipe’s schema', () => {
  expect(read('a: &b { c: 1 }\nd:\n  <<: *b\n').data).toEqual({ a: { c: 1 }, d: { '<<': { c: 1 } } });
});

test('an alias must follow its anchor, may not be nested, and not be repeated without end', () => {
  expect(told('a: *x\nb: &y 1\n')).toEqual(['1:4 unknown-alias: There is no anchor &x before this alias.']);
  expect(told('a: &x [1]\nb: &y [*x, *x]\n')).toEqual(['2:8 alias-nested: An alias (*name) stands inside an anchored value (&name).', '2:12 alias-nested: An alias (*name) stands inside an anchored value (&name).']);
  expect(told('a: &x [*x]')).toEqual(['1:8 alias-nested: An alias (*name) stands inside an anchored value (&name).']);
  expect(told(`a: &x 1\nb: [${'*x , '.repeat(40)}]`)).toEqual(['2:165 too-many-aliases: The recipe has more than 32 aliases (*name).']);
});

test('a bomb of aliases is told and does not explode', () => {
  const levels = Array.from({ length: 20 }, (_, i) => `l${i}: &l${i} [${Array(10).fill(i === 0 ? 'x' : `*l${i - 1}`).join(', ')}]`);
  expect(read(levels.join('\n')).problems.every((d) => d.code === 'alias-nested')).toBe(true);
});

test('a file of a megabyte is refused before it is parsed', () => {
  expect(told(`a: ${'x'.repeat(1_000_000)}`)).toEqual(['1:1 recipe-too-large: The recipe has 1.0 MB. At most 256 kB are allowed.']);
});

test('bytes that are not UTF-8 are told where they are', () => {
  expect(told(new TextDecoder().decode(Uint8Array.of(0x61, 0x3a, 0x20, 0xff, 0xfe)))).toEqual(['1:4 not-utf8: The file is not UTF-8 text.']);
  expect(told('n\0a\0m\0e\0')).toEqual(['1:2 not-utf8: The file is not UTF-8 text.']);
});

/** Inputs on which the parser alone takes minutes, overflows the stack or ends the process. */
const DEEP: Readonly<Record<string, string>> = {
  brackets: '['.repeat(250_000),
  braces: '{a: '.repeat(60_000),
  'lists on one line': '- '.repeat(120_000),
  'explicit keys': '? '.repeat(120_000),
  'values without keys': ': '.repeat(120_000),
  indentation: Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
};
test.each(Object.entries(DEEP))('nesting without end is refused before it is parsed: %s', (_, text) => {
  expect(read(text).problems.map((d) => d.code)).toEqual(['too-deep']);
});

test('what is merely long, wide or odd is read to its end', () => {
  const long = ['[', '1,'.repeat(20_000), ']'].join('');
  const wide = Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join('\n');
  for (const text of [long, wide, '\n'.repeat(20_000)]) expect(read(text).problems.map((d) => d.code).filter((c) => c !== 'empty-recipe')).toEqual([]);
  for (const text of ['"'.repeat(20_000), '&a '.repeat(5000), ']'.repeat(5000), '!x '.repeat(5000)]) expect(read(text).problems.length, text.slice(0, 3)).toBeLessThanOrEqual(40);
});

test('brackets within texts, and colons within brackets, are no nesting', () => {
  const list = `a: [${'{ b: 1, c: 2 }, '.repeat(200)}]\nb: "${'['.repeat(200)}"\nc: |\n  ${'[ '.repeat(200)}\nd: 'a: b: c'\n`;
  expect(read(list).problems).toEqual([]);
});
