/* A small plugin and helpers for the tests of this folder. */
import { defineDataset, defineEvaluator, defineGate, definePass, definePlugin, defineReporter } from '../plugin/define.ts';
import { Registry } from '../plugin/registry.ts';
import { inOrder } from '../diagnostics/diagnostic.ts';
import { checkRecipe, type CheckedRecipe } from './check.ts';
import type { Recipe } from './recipe.ts';
import { Source } from './source.ts';

const nothing = (): void => undefined;
const notHere = (): never => {
  throw new Error('Only checked, never run.');
};
const bound = { description: 'A bound.', anyOf: [{ type: 'number' }, { type: 'string' }] } as const;

export const demo = definePlugin({
  name: 'demo',
  passes: [
    definePass({ name: 'demo/gemm', summary: 'Joins a product and a sum.', numerics: 'rounding', run: nothing }),
    definePass({
      name: 'demo/magnitude', summary: 'Removes small weights.', numerics: 'lossy', run: nothing,
      options: {
        sparsity: { type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0.5, description: 'The share of weights that become zero.' },
        ops: { type: 'array', items: { type: 'string' }, default: ['MatMul'], description: 'Operators whose weights are pruned.' },
        block: { anyOf: [{ type: 'integer', minimum: 1 }, { const: 'row' }], default: 'row', description: 'What is compared.' },
      },
    }),
    definePass({
      name: 'demo/static', summary: 'Quantizes by what it sees.', numerics: 'lossy', run: nothing,
      options: {
        data: { type: 'string', format: 'data', required: true, description: 'What to look at.' },
        method: { enum: ['minmax', 'entropy'], default: 'minmax', description: 'How ranges are found.' },
        mix: { type: 'array', items: { anyOf: [{ const: 'none' }, { type: 'string', format: 'data' }] }, default: [], description: 'More to look at.' },
        range: { type: 'object', properties: { low: { type: 'number' }, high: { type: 'number' } }, required: ['low'], additionalProperties: false, description: 'A fixed range.' },
        exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'What is left alone.' },
      },
    }),
  ],
  datasets: [
    defineDataset({
      name: 'demo/texts', summary: 'Texts from a file.', open: notHere,
      options: {
        file: { type: 'string', format: 'path', required: true, description: 'One JSON object per line.' },
        take: { type: 'integer', minimum: 1, description: 'How many at most.' },
      },
    }),
    defineDataset({ name: 'demo/part', summary: 'A part of another data set.', open: notHere, options: { of: { type: 'string', format: 'data', required: true, description: 'The whole.' } } }),
  ],
  evaluators: [defineEvaluator({ name: 'demo/size', summary: 'Bytes.', metrics: () => ['size'], measure: notHere })],
  reporters: [defineReporter({ name: 'demo/file', summary: 'Writes events.', report: notHere, options: { file: { type: 'string', format: 'path', default: 'out.json', description: 'Where to.' } } })],
});

/** Stands in for the threshold gate that recipes take for granted. */
const evaluation = definePlugin({
  name: 'eval',
  gates: [defineGate({
    name: 'eval/threshold', summary: 'A bound.', judge: notHere,
    options: { metric: { type: 'string', required: true, description: 'Which metric.' }, 'at-least': bound, 'at-most': bound, sure: bound, inconclusive: { enum: ['fail', 'warn', 'pass'], default: 'fail', description: 'What it means.' } },
  })],
});

export const registry = new Registry(['prune', 'tune']);
registry.add(demo, { packageName: 'onnxpress-plugin-demo', version: '1.2.3' });
registry.add(evaluation, { packageName: 'onnxpress-plugin-threshold', version: '1.0.0' });

/** Checks a text, whose leading line break is only there to read well. */
export function check(text: string, file = 'onnxpress.yaml'): CheckedRecipe {
  const source = new Source(file, text.replace(/^\n/, ''));
  const { recipe, diagnostics } = checkRecipe(source, registry);
  return { recipe: source.problems.length > 0 ? undefined : recipe, diagnostics: inOrder([...source.problems, ...diagnostics]) };
}

/** The recipe that a text makes. Throws where it has mistakes. */
export function recipe(text: string): Recipe {
  const { recipe: made, diagnostics } = check(text);
  if (!made) throw new Error(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  return made;
}
