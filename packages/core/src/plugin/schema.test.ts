import { expect, test } from 'vitest';
import type { OptionsSchema } from './options.ts';
import { checkOptions, checkValue, schemaProblems, type Misfit } from './schema.ts';

const described = { description: 'An option.' };
const told = (m: Misfit): string => `${m.path.join('.')}${m.kind === 'value' ? ` ${m.problem}` : ` ${m.kind} ${m.key}`}`;
const misfits = (schema: object, value: unknown): string[] => checkValue({ type: 'object', properties: { it: schema }, required: [] }, { it: value }).misfits.map(told);

test('defaults are filled into a copy', () => {
  const options: OptionsSchema = { a: { type: 'integer', default: 3, ...described }, b: { type: 'array', items: { type: 'string' }, default: [], ...described } };
  const given = { b: ['x'] };
  expect(checkOptions(options, given).value).toEqual({ a: 3, b: ['x'] });
  expect(given).toEqual({ b: ['x'] });
});

test('a default that is a list is nobody’s shared list', () => {
  const options: OptionsSchema = { b: { type: 'array', items: { type: 'string' }, default: [], ...described } };
  const first = checkOptions(options, {}).value as { b: string[] };
  first.b.push('mine');
  expect(checkOptions(options, {}).value).toEqual({ b: [] });
});

test.each([
  [{ type: 'integer' }, 1.5, 'it must be a whole number'],
  [{ type: 'number' }, Number.NaN, 'it must be a number'],
  [{ type: 'boolean' }, 'true', 'it must be true or false'],
  [{ type: 'string', minLength: 1 }, '', 'it must not be empty'],
  [{ enum: ['a', 'b'] }, 'c', 'it must be one of a, b'],
  [{ const: 'auto' }, 'c', 'it must be "auto"'],
  [{ type: 'number', minimum: 1 }, 0, 'it must be at least 1'],
  [{ type: 'number', maximum: 1 }, 2, 'it must be at most 1'],
  [{ type: 'number', exclusiveMinimum: 0 }, 0, 'it must be more than 0'],
  [{ type: 'number', exclusiveMaximum: 1 }, 1, 'it must be less than 1'],
  [{ type: 'integer', multipleOf: 16 }, 20, 'it must be a multiple of 16'],
  [{ type: 'array', items: { type: 'string' }, minItems: 1 }, [], 'it must not be empty'],
  [{ type: 'array', items: { type: 'string' }, minItems: 2 }, ['a'], 'it must have at least 2 entries'],
  [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, ['a', 'b'], 'it must have at most 1 entry'],
  [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, ['a', 'a'], 'it must not list anything twice'],
  [{ type: 'array', items: { type: 'string' } }, ['a', 2], 'it.1 must be text'],
  [{ type: 'string', pattern: '^a' }, 'b', 'it must look like ^a'],
  [{ type: 'object', properties: { 'a/b~c': { type: 'number' } } }, { 'a/b~c': 'x' }, 'it.a/b~c must be a number'],
])('a value that does not fit %j is told in words', (schema, value, problem) => {
  expect(misfits(schema, value)).toEqual([problem]);
});

test('of a choice, the branch with the value’s own type is explained', () => {
  const choice = { anyOf: [{ type: 'string', minLength: 3 }, { type: 'object', properties: { a: { anyOf: [{ type: 'number', minimum: 1 }, { const: 'auto' }] } }, additionalProperties: false }] };
  expect(misfits(choice, 'ab')).toEqual(['it must have at least 3 characters']);
  expect(misfits(choice, { a: 0 })).toEqual(['it.a must be at least 1']);
  expect(misfits(choice, { a: 'x' })).toEqual(['it.a must be a number or "auto"']);
  expect(misfits(choice, { b: 1 })).toEqual(['it unknown b']);
  expect(misfits(choice, 7)).toEqual(['it must be text or a map']);
});

test('choices in several entries of a list are told apart', () => {
  const list = { type: 'array', items: { anyOf: [{ type: 'number', minimum: 1 }, { const: 'auto' }] } };
  expect(misfits(list, [0, 'auto', 'x', 5]).sort()).toEqual(['it.0 must be at least 1', 'it.2 must be a number or "auto"']);
});

test('all mistakes are told, and a misspelt key is not missing as well', () => {
  const schema = { type: 'object', properties: { data: { type: 'string' }, bits: { type: 'integer' } }, required: ['data', 'bits'], additionalProperties: false };
  expect(checkValue(schema, { dta: 'x', zzz: 1 }).misfits.map(told).sort()).toEqual([' missing bits', ' unknown dta', ' unknown zzz']);
});

test('a schema without faults has no problems', () => {
  expect(schemaProblems({ a: { type: 'integer', default: 3, ...described }, b: { type: 'string', format: 'data', required: true, ...described } })).toEqual([]);
});

test('a schema says what is wrong with it', () => {
  expect(schemaProblems({ a: { type: 'integer', default: 'x', ...described } })).toEqual(['The default of "a" is "x", which its own schema does not accept.']);
  expect(schemaProblems({ a: { type: 'string', description: ' ' } })).toEqual(['The option "a" has no description.']);
  expect(schemaProblems({ a: { type: 'strng', ...described } })).toEqual([expect.stringMatching(/^The options are no valid schema: /)]);
  expect(schemaProblems({ a: { type: 'string', maximum: 3, ...described } })).toEqual([expect.stringMatching(/^The options are no valid schema: /)]);
  expect(schemaProblems({ a: { type: 'string', minLenght: 3, ...described } })).toEqual([expect.stringMatching(/^The options are no valid schema: .*minLenght/)]);
});
