import { expect, test } from 'vitest';
import { positionOf, render } from '../diagnostics/diagnostic.ts';
import { check, recipe } from './recipes.fixture.ts';

test('a recipe with ten mistakes gets ten answers, each at its place', () => {
  const { diagnostics } = check(`
name: ten
modl: model.onnx
seed: -1
data:
  calib: { use: demo/texts, with: { file: a.jsonl, take: many } }
  calib: { use: demo/texts, with: { file: b.jsonl } }
steps:
  - demo/gem
  - use: demo/magnitude
    with: { sparsity: 1.5, opps: [MatMul] }
  - use: demo/static
    with: { data: clib }
  - prune/wanda
evaluate:
  - demo/gemm
gates:
  size: { at-mots: 30% }
`);
  expect(`\n${diagnostics.map(render).join('\n\n')}\n`).toMatchInlineSnapshot(`
    "
    error unknown-key: A recipe has no key "modl".
      --> onnxpress.yaml:2:1
    2 | modl: model.onnx
      | ^^^^
      Did you mean "model"? There are: name, extends, model, output, seed, data, steps, evaluate, gates, reports, matrix, choose, runtime, requires, verify, plugins.

    error bad-value: "seed" must be at least 0, but is -1.
      --> onnxpress.yaml:3:7
    3 | seed: -1
      |       ^^
      Where random numbers start. The same recipe and seed give the same bytes.

    error duplicate-key: "calib" is given twice.
      --> onnxpress.yaml:6:3
    6 |   calib: { use: demo/texts, with: { file: b.jsonl } }
      |   ^^^^^
      Keep one of them.

    error unknown-pass: No installed plugin offers a pass "demo/gem".
      --> onnxpress.yaml:8:5
    8 |   - demo/gem
      |     ^^^^^^^^
      Did you mean "demo/gemm"? There are: demo/gemm, demo/magnitude, demo/static.

    error bad-option: "sparsity" of demo/magnitude must be less than 1, but is 1.5.
      --> onnxpress.yaml:10:23
    10 |     with: { sparsity: 1.5, opps: [MatMul] }
       |                       ^^^
      The share of weights that become zero.

    error unknown-option: demo/magnitude has no option "opps".
      --> onnxpress.yaml:10:28
    10 |     with: { sparsity: 1.5, opps: [MatMul] }
       |                            ^^^^
      Did you mean "ops"? There are: sparsity, ops, block.

    error unknown-data: "data" of demo/static names "clib", which is no entry of data:.
      --> onnxpress.yaml:12:19
    12 |     with: { data: clib }
       |                   ^^^^
      Did you mean "calib"? There are: calib.

    error missing-plugin: "prune/wanda" belongs to a plugin that is not installed.
      --> onnxpress.yaml:13:5
    13 |   - prune/wanda
       |     ^^^^^^^^^^^
      Install it: npm install @onnxpress/plugin-prune

    error wrong-kind: "demo/gemm" is a pass, and an evaluator belongs here.
      --> onnxpress.yaml:15:5
    15 |   - demo/gemm
       |     ^^^^^^^^^
      Put it under steps:

    error unknown-key: "gates.size" has no key "at-mots".
      --> onnxpress.yaml:17:11
    17 |   size: { at-mots: 30% }
       |           ^^^^^^^
      Did you mean "at-most"? There are: at-least, at-most, sure, inconclusive, use, with.
    "
  `);
});

/** Line, column, code and message of everything wrong with a text. */
const told = (text: string): string[] => check(text).diagnostics.map((d) => `${d.at ? `${positionOf(d.at).line}:${positionOf(d.at).column} ` : ''}${d.code}: ${d.message}`);
const hints = (text: string): (string | undefined)[] => check(text).diagnostics.map((d) => d.hint);

test('a right recipe is written out: short forms, defaults, gates', () => {
  const made = recipe(`
model: m.onnx
steps:
  - demo/magnitude
  - { use: demo/static, with: { data: calib } }
data: { calib: { use: demo/texts, with: { file: a.jsonl } } }
evaluate: [demo/size, { use: demo/size, as: again }]
gates: { size: { at-most: 30% } }
reports: [demo/file]
`);
  expect(made).toMatchObject({
    file: expect.stringMatching(/[/\\]onnxpress\.yaml$/) as string, model: { from: 'm.onnx', sha256: undefined }, output: undefined, seed: 0, runtime: { provider: 'cpu', threads: 0 }, requires: { cpu: [] }, verify: 'auto', matrix: undefined, choose: undefined, plugins: [],
    steps: [
      { use: 'demo/magnitude', with: { sparsity: 0.5, ops: ['MatMul'], block: 'row' }, path: ['steps', 0] },
      { use: 'demo/static', with: { data: 'calib', method: 'minmax', exclude: [] }, path: ['steps', 1] },
    ],
    data: { calib: { use: 'demo/texts', with: { file: 'a.jsonl' }, as: 'calib', path: ['data', 'calib'] } },
    evaluate: [{ use: 'demo/size', as: undefined }, { use: 'demo/size', as: 'again' }],
    gates: [{ use: 'eval/threshold', with: { metric: 'size', 'at-most': '30%', inconclusive: 'fail' }, as: 'size', path: ['gates', 'size'] }],
    reports: [{ use: 'demo/file', with: { file: 'out.json' } }],
  });
});

test('every setting arrives where it belongs', () => {
  expect(recipe(`
name: small
model: { from: "https://example.org/m.onnx", sha256: ${'AB'.repeat(32)} }
output: out
seed: 7
runtime: { provider: webgpu, threads: 2 }
requires: { cpu: [avx2] }
verify: off
matrix: { n: [1] }
choose: { largest: ndcg@10 }
plugins: [./mine.js]
`)).toMatchObject({
    name: 'small', model: { from: 'https://example.org/m.onnx', sha256: 'ab'.repeat(32) }, output: 'out', seed: 7, runtime: { provider: 'webgpu', threads: 2 }, requires: { cpu: ['avx2'] }, verify: 'off', choose: { by: 'largest', metric: 'ndcg@10' }, plugins: ['./mine.js'],
  });
});

test('a recipe without a name has that of its file, or of its folder', () => {
  expect(check('model: m', 'recipes/retriever.yaml').recipe?.name).toBe('retriever');
  expect(check('model: m', 'examples/retriever/onnxpress.yaml').recipe?.name).toBe('retriever');
});

test('without a matrix there is nothing to choose from', () => {
  expect(told('model: m\nchoose: { smallest: size }')).toEqual(['2:1 choose-without-matrix: There is nothing to choose from: the recipe has no matrix.']);
});

test('a recipe that is no map says so', () => {
  expect(told('[a]')).toEqual(['1:1 not-a-map: A recipe is a map of settings, and this is ["a"].']);
  expect(told('just words')).toEqual(['1:1 not-a-map: A recipe is a map of settings, and this is "just words".']);
});

test('of several forms, the one that was meant is explained', () => {
  expect(told('model: 5')).toEqual(['1:8 bad-value: "model" must be text or a map, but is 5.']);
  expect(told('model: { from: m, sha256: abc }')).toEqual(['1:27 bad-value: "model.sha256" must look like ^[0-9a-fA-F]{64}$, but is "abc".']);
  expect(told('model: m\nsteps:\n  - 5\n  - { with: {} }\n  - { use: demo/gemm, wiht: {} }')).toEqual([
    '3:5 bad-value: "steps.0" must be text or a map, but is 5.',
    '4:5 missing-key: "steps.1" needs "use".',
    '5:23 unknown-key: "steps.2" has no key "wiht".',
  ]);
});

test('what follows from a mistake is not told as well', () => {
  expect(told('modle: m')).toEqual(['1:1 unknown-key: A recipe has no key "modle".']);
  expect(told('model: m\nsteps: [{ use: demo/static, with: { dat: x } }]')).toEqual(['2:37 unknown-option: demo/static has no option "dat".']);
});

test('options are compared as they are: nothing is coerced', () => {
  expect(told('model: m\nsteps:\n  - { use: demo/magnitude, with: { sparsity: "0.5", ops: MatMul, block: col } }')).toEqual([
    '3:46 bad-option: "sparsity" of demo/magnitude must be a number, but is "0.5".',
    '3:58 bad-option: "ops" of demo/magnitude must be a list, but is "MatMul".',
    '3:73 bad-option: "block" of demo/magnitude must be a whole number or "row", but is "col".',
  ]);
});

test('options within options are pointed at', () => {
  expect(told('model: m\ndata: { c: { use: demo/texts, with: { file: a } } }\nsteps:\n  - use: demo/static\n    with:\n      data: c\n      range: { hgih: 1 }\n      mix: [c, 4]\n')).toEqual([
    '7:14 missing-option: "range" of demo/static needs the option "low".',
    '7:16 unknown-option: "range" of demo/static has no option "hgih".',
    '8:16 bad-option: "mix.1" of demo/static must be "none" or text, but is 4.',
  ]);
});

test('a wrong word among few has a suggestion, and an option without one its description', () => {
  expect(hints('model: m\ndata: { c: { use: demo/texts, with: { file: a, take: 0 } } }\nsteps: [{ use: demo/static, with: { data: c, method: entrpy } }]')).toEqual(['How many at most.', 'Did you mean "entropy"?']);
});

test('a data set is named where the schema says so, also within lists, but not where the word means itself', () => {
  expect(told('model: m\ndata: { c: { use: demo/texts, with: { file: a } } }\nsteps: [{ use: demo/static, with: { data: c, mix: [none, c, d] } }]')).toEqual(['3:61 unknown-data: "mix.2" of demo/static names "d", which is no entry of data:.']);
});

test('data sets that are made from themselves are told, each circle once', () => {
  expect(told(`
model: m
data:
  a: { use: demo/part, with: { of: b } }
  b: { use: demo/part, with: { of: a } }
  c: { use: demo/part, with: { of: c } }
  d: { use: demo/part, with: { of: a } }
`)).toEqual(['3:3 data-cycle: The data set "a" is made from itself: a → b → a.', '5:3 data-cycle: The data set "c" is made from itself: c → c.']);
});

test('what does not exist, is of another kind, or is not installed, each has its own answer', () => {
  expect(told('model: m\nsteps: [demo/gem, demo/size, tune/lora, acme/x, gemm]')).toEqual([
    '2:9 unknown-pass: No installed plugin offers a pass "demo/gem".',
    '2:19 wrong-kind: "demo/size" is an evaluator, and a pass belongs here.',
    '2:30 missing-plugin: "tune/lora" belongs to a plugin that is not installed.',
    '2:41 unknown-pass: No installed plugin offers a pass "acme/x".',
    '2:49 unknown-pass: No installed plugin offers a pass "gemm".',
  ]);
});

test('a gate is bounds for a metric, or a call, and not both', () => {
  expect(told(`
model: m
gates:
  size: {}
  params: { sure: 95% }
  nodes: { at-most: [5] }
  memory: { use: eval/threshold, with: { metric: memory }, at-most: 5 }
  speed: { with: { metric: x } }
  kl: 97%
  f1: { at-least: 0.9, inconclusive: maybe }
`)).toEqual([
    '3:3 gate-without-bound: The gate on "size" has no bound.',
    '4:3 gate-without-bound: The gate on "params" has no bound.',
    '5:21 bad-value: "gates.nodes.at-most" must be a number or text, but is [5].',
    '6:60 unknown-key: A gate with "use" has no key "at-most".',
    '7:10 missing-key: "gates.speed" needs "use".',
    '8:7 bad-value: "gates.kl" must be a map, but is "97%".',
    '9:38 bad-value: "gates.f1.inconclusive" must be one of fail, warn, pass, but is "maybe".',
  ]);
});

test('two evaluators may not have one name', () => {
  expect(told('model: m\nevaluate: [{ use: demo/size, as: a }, { use: demo/size, as: a }]')).toEqual(['2:61 duplicate-as: Two evaluators are named "a".']);
});

test('one choice decides', () => {
  expect(told('model: m\nmatrix: { n: [1] }\nchoose: { smallest: size, largest: f1 }')).toEqual(['3:9 bad-value: "choose" must have at most 1 of smallest, largest, but is {"smallest":"size","largest":"f1"}.']);
});

test('more mistakes than anyone reads are counted', () => {
  const { diagnostics } = check(`model: m\n${Array.from({ length: 200 }, (_, i) => `x${i}: 1`).join('\n')}`);
  expect(diagnostics.length).toBe(101);
  expect(diagnostics.at(-1)?.message).toBe('100 more mistakes not shown.');
});
