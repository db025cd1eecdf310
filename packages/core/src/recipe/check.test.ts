import { expect, test } from 'vitest';
import { render } from '../diagnostics/diagnostic.ts';
import { check } from './recipes.fixture.ts';

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
      Did you mean "model"? There are: name, extends, model, output, layout, seed, data, steps, evaluate, gates, reports, matrix, choose, runtime, requires, verify, plugins.

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
