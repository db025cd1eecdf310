import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { isMap } from '../diagnostics/words.ts';
import { registry } from './recipes.fixture.ts';
import { composeSchema, recipeSchema } from './schema.ts';

/** Every property in a schema, with the way to it. */
function propertiesOf(schema: unknown, path = ''): (readonly [path: string, property: Readonly<Record<string, unknown>>])[] {
  if (Array.isArray(schema)) return schema.flatMap((s) => propertiesOf(s, path));
  if (!isMap(schema)) return [];
  const own = isMap(schema['properties']) ? Object.entries(schema['properties']).flatMap(([name, p]) => (isMap(p) ? [[`${path}.${name}`, p] as const, ...propertiesOf(p, `${path}.${name}`)] : [])) : [];
  return [...own, ...['items', 'additionalProperties', 'anyOf'].flatMap((k) => propertiesOf(schema[k], `${path}.${k}`))];
}

/** As an editor sees it: formats are ours, and unknown to it. */
const editor = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, logger: false });
const validate = editor.compile(composeSchema(registry));
const accepts = (recipe: object): boolean => validate({ model: 'm', ...recipe });

test('every property of a recipe says what it is for', () => {
  const silent = propertiesOf(recipeSchema).filter(([, p]) => typeof p['description'] !== 'string' || p['description'] === '');
  expect(silent.map(([path]) => path)).toEqual([]);
  expect(propertiesOf(recipeSchema).length).toBeGreaterThan(30);
});

test('editors know what is installed, its options, and the short form where no option is needed', () => {
  expect(accepts({ steps: ['demo/gemm', { use: 'demo/magnitude', with: { sparsity: 0.5 } }], evaluate: [{ use: 'demo/size', as: 'b' }], reports: ['demo/file'] })).toBe(true);
  expect(accepts({ steps: ['demo/gem'] })).toBe(false);
  expect(accepts({ steps: [{ use: 'demo/magnitude', with: { sparsity: 2 } }] })).toBe(false);
  expect(accepts({ steps: [{ use: 'demo/magnitude', with: { opps: [] } }] })).toBe(false);
  expect(accepts({ steps: ['demo/static'] })).toBe(false);
  expect(accepts({ steps: [{ use: 'demo/static' }] })).toBe(false);
  expect(accepts({ data: { c: { use: 'demo/texts', with: { file: 'a' } } }, steps: [{ use: 'demo/static', with: { data: 'c' } }] })).toBe(true);
});

test('editors accept expressions where values belong', () => {
  expect(accepts({ matrix: { share: [0.1] }, steps: ['${{ matrix.pass }}', { use: 'demo/magnitude', with: { sparsity: '${{ matrix.share }}' } }] })).toBe(true);
});

test('editors know both forms of a gate', () => {
  expect(accepts({ gates: { size: { 'at-most': '30%' }, mine: { use: 'eval/threshold', with: { metric: 'size' } } } })).toBe(true);
  expect(accepts({ gates: { size: { 'at-mots': '30%' } } })).toBe(false);
  expect(accepts({ gates: { mine: { use: 'eval/treshold', with: { metric: 'size' } } } })).toBe(false);
});

test('the schema is plain data', () => {
  expect(JSON.parse(JSON.stringify(composeSchema(registry)))).toEqual(composeSchema(registry));
});
