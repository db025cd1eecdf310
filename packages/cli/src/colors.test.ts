import { expect, test } from 'vitest';
import { colorsFor, wantsColors } from './colors.ts';

const wants = (isTTY: boolean, env: Record<string, string> = {}, noColor = false): boolean => wantsColors({ isTTY, env, noColor });

test('a terminal has colours and a pipe has none', () => {
  expect([wants(true), wants(false)]).toEqual([true, false]);
});

test('NO_COLOR takes them from a terminal, unless it is empty', () => {
  expect([wants(true, { NO_COLOR: '1' }), wants(true, { NO_COLOR: '' })]).toEqual([false, true]);
});

test('FORCE_COLOR gives them to a pipe, and 0 takes them from a terminal', () => {
  expect([wants(false, { FORCE_COLOR: '1' }), wants(true, { FORCE_COLOR: '0' }), wants(true, { FORCE_COLOR: '1', NO_COLOR: '1' })]).toEqual([true, false, true]);
});

test('--no-color has the last word', () => {
  expect(wants(true, { FORCE_COLOR: '1' }, true)).toBe(false);
});

test('a dumb terminal has none', () => {
  expect(wants(true, { TERM: 'dumb' })).toBe(false);
});

test('without colours a text stays as it is', () => {
  expect(colorsFor(false).red('x')).toBe('x');
});
