import { expect, test } from 'vitest';
import { positionOf } from '../diagnostics/diagnostic.ts';
import { variantsOf } from './recipe.ts';
import { check, recipe } from './recipes.fixture.ts';

const told = (text: string): string[] => check(text).diagnostics.map((d) => `${d.at ? `${positionOf(d.at).line}:${positionOf(d.at).column} ` : ''}${d.code}: ${d.message}${d.hint?.includes('For the candidate') ? ` ${d.hint}` : ''}`);

test('without a matrix there is one variant, the recipe itself', () => {
  const made = recipe('model: m\nsteps: [demo/gemm]');
  expect(variantsOf(made)).toEqual([{ name: '', values: {}, recipe: made }]);
});

test('each combination is a recipe of its own, in the recipe’s order, without what is excluded', () => {
  const made = recipe(`
model: m
matrix: { share: [0.25, 0.5], block: [1, row], exclude: [{ share: 0.5, block: 1 }] }
steps:
  - { use: demo/magnitude, with: { sparsity: "\${{ matrix.share }}", block: "\${{ matrix.block }}" } }
`);
  expect(variantsOf(made).map((v) => [v.name, v.recipe.steps[0]?.with])).toEqual([
    ['share=0.25,block=1', { sparsity: 0.25, block: 1, ops: ['MatMul'] }],
    ['share=0.25,block=row', { sparsity: 0.25, block: 'row', ops: ['MatMul'] }],
    ['share=0.5,block=row', { sparsity: 0.5, block: 'row', ops: ['MatMul'] }],
  ]);
  expect(variantsOf(made).every((v) => v.recipe.matrix === undefined)).toBe(true);
});

test('an expression takes the value with its type, lists too; within a text it is written out', () => {
  const made = recipe(`
model: m
matrix: { ops: [[MatMul, Gemm]], part: [a] }
data: { c: { use: demo/texts, with: { file: "data/\${{ matrix.part }}.jsonl" } } }
steps:
  - { use: demo/magnitude, with: { ops: "\${{matrix.ops}}" } }
gates:
  size: { at-most: "\${{ matrix.part }}%" }
`);
  const [{ recipe: first } = { recipe: made }] = variantsOf(made);
  expect(first.steps[0]?.with['ops']).toEqual(['MatMul', 'Gemm']);
  expect(first.data['c']?.with['file']).toBe('data/a.jsonl');
  expect(first.gates[0]?.with['at-most']).toBe('a%');
});

test('the pass itself may vary, and each is checked', () => {
  expect(told('model: m\nmatrix: { pass: [demo/gemm, demo/size] }\nsteps: ["${{ matrix.pass }}"]')).toEqual(['3:9 wrong-kind: "demo/size" is an evaluator, and a pass belongs here.']);
});

test('options are checked for every candidate, and the first that fails is named', () => {
  expect(told('model: m\nmatrix: { share: [0.5, 1.5, 2.5] }\nsteps: [{ use: demo/magnitude, with: { sparsity: "${{ matrix.share }}" } }]')).toEqual([
    '3:50 bad-option: "sparsity" of demo/magnitude must be less than 1, but is 1.5. The share of weights that become zero. For the candidate share=1.5.']);
});

test('expressions that are none, unknown, or out of place are pointed at, and nothing that follows from them is told', () => {
  expect(told(`
name: n-\${{ matrix.bits }}
model: m
matrix: { bits: [4] }
steps:
  - use: demo/magnitude
    with: { sparsity: "\${{ matrix.bit }}", ops: ["\${{ env.OPS }}", "\${{ matrix.bits"] }
  - use: "\${{ matrix.nope }}"
gates:
  "\${{ matrix.bits }}": { at-most: 1 }
`)).toEqual([
    '1:9 matrix-not-here: "${{ matrix.bits }}" cannot be used here: there is one of this for all candidates.',
    '6:24 unknown-variable: The matrix has no variable "bit".',
    '6:51 bad-expression: "${{ env.OPS }}" is not an expression of a recipe.',
    '6:69 bad-expression: "${{ matrix.bits" is not an expression of a recipe.',
    '7:11 unknown-variable: The matrix has no variable "nope".',
    '9:4 matrix-not-here: "${{ matrix.bits }}" cannot be used here: there is one of this for all candidates.',
  ]);
});

test('without a matrix every variable is unknown', () => {
  expect(told('model: m\nsteps: ["${{ matrix.x }}"]')).toEqual(['2:10 unknown-variable: The matrix has no variable "x".']);
});

test('a matrix says what is wrong with it', () => {
  expect(told(`
model: m
matrix:
  bits: [4, 8, 4]
  include: [{ bits: 2 }]
  "a b": [1]
  none: []
  exclude: [{ bit: 4 }, { bits: 7 }]
`)).toEqual([
    '3:16 duplicate-value: "bits" lists 4 twice.',
    '4:3 bad-variable: "include" cannot be a variable of the matrix.',
    '5:3 bad-variable: "a b" cannot be a variable of the matrix.',
    '6:9 bad-value: "matrix.none" must not be empty, but is [].',
    '7:15 unknown-variable: The matrix has no variable "bit".',
    '7:25 excludes-nothing: This excludes no combination of the matrix.',
  ]);
});

test('a matrix may be neither empty nor endless', () => {
  const digits = '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]';
  expect(told('model: m\nmatrix: { a: [1], exclude: [{ a: 1 }] }')).toEqual(['2:1 empty-matrix: The matrix leaves no combination: all of them are excluded.']);
  expect(told(`model: m\nmatrix: { a: ${digits}, b: ${digits}, c: [1, 2, 3] }`)).toEqual(['2:1 matrix-too-large: The matrix has 300 combinations. At most 256 are allowed.']);
  expect(told(`model: m\nmatrix: { ${[...'abcdefghijkl'].map((v) => `${v}: ${digits}`).join(', ')} }`)).toEqual(['2:1 matrix-too-large: The matrix has 1000000000000 combinations. At most 256 are allowed.']);
});

test('no two combinations share a name', () => {
  const names = variantsOf(recipe('model: m\nmatrix: { x: [4, "4", a, true, "true", null, "null", "a b", [1], { k: 1 }] }')).map((v) => v.name);
  expect(names).toEqual(['x=4', 'x="4"', 'x=a', 'x=true', 'x="true"', 'x=null', 'x="null"', 'x="a b"', 'x=[1]', 'x={"k":1}']);
});
