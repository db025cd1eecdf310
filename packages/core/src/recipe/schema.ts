import { toJsonSchema, type JsonSchema, type OptionsSchema } from '../plugin/options.ts';
import type { Kind, Registry } from '../plugin/registry.ts';

/** The gate that `metric: { at-least: … }` is short for. */
export const THRESHOLD = 'eval/threshold';

const text = (description: string, more: object = {}): JsonSchema => ({ type: 'string', minLength: 1, description, ...more });
const map = (description: string, properties: Readonly<Record<string, object>>, more: object = {}): JsonSchema => ({ type: 'object', description, properties, additionalProperties: false, ...more });
const list = (description: string, items: object, more: object = {}): JsonSchema => ({ type: 'array', description, items, ...more });
const table = (description: string, additionalProperties: object, more: object = {}): JsonSchema => ({ type: 'object', description, additionalProperties, ...more });

const use = (what: string): JsonSchema => text(`Which ${what}, as plugin/name.`);
const options = (what: string): JsonSchema => ({ type: 'object', description: `Options of the ${what}.` });
const as: JsonSchema = text('A name for this evaluator among several of its kind. Its metrics then read name.metric.', { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' });

const called = (what: string, more: Readonly<Record<string, object>> = {}): JsonSchema => map(`The ${what} and its options.`, { use: use(what), with: options(what), ...more }, { required: ['use'] });
const call = (what: string, more: Readonly<Record<string, object>> = {}): JsonSchema => ({ description: `The ${what}: its name alone, or its name and options.`, anyOf: [text(`The ${what}, with default options.`), called(what, more)] });

const bound = (description: string): JsonSchema => ({ description, anyOf: [{ type: 'number' }, text('A share of the original model such as 97%, or a number with a unit such as "8 ms".')] });

/** The short form of a gate. Its keys are the options of the threshold gate, but for the metric, which is the key. */
const threshold = map('Bounds for the metric that the key names.', {
  'at-least': bound('The metric may not be below this: a number, a share of the original model such as 97%, or a number with a unit.'),
  'at-most': bound('The metric may not be above this: a number, a share of the original model such as 30%, or a number with a unit such as "8 ms" or "30 MB".'),
  sure: { description: 'How sure the verdict must be, where a metric is an average over examples: 95% by default; "off" judges the mean alone.', anyOf: [{ type: 'number' }, text('A percentage, or "off".')] },
  inconclusive: { enum: ['fail', 'warn', 'pass'], description: 'What it means if the interval of the metric contains the bound: "fail" by default.' },
});
const GATE_PROPERTIES = { ...(threshold['properties'] as object), use: use('gate'), with: options('gate') }; // what map() made

/** What a recipe may say. Names and options of contributions are checked against what is installed: see `composeSchema`. */
export const recipeSchema = map('A recipe of onnxpress: which model, what is done to it, what is measured, and what must hold.', {
  name: text('The name in tables and reports. By default the name of the file, or of its folder.'),
  extends: text('A recipe whose settings hold where this one gives none, as a path relative to this file. Entries of data, gates, matrix, runtime and requires are joined; everything else is replaced whole.'),
  model: {
    description: 'The model to start from: a file, or a folder with model.onnx or onnx/model.onnx.',
    anyOf: [text('A path.'), map('A path, and what its content must be.', { from: text('A path.'), sha256: text('The SHA-256 of the file, in hexadecimal.', { pattern: '^[0-9a-fA-F]{64}$' }) }, { required: ['from'] })],
  },
  output: text('Where the optimized model goes: a file that ends in .onnx, or a folder, which gets model.onnx and the files that travel with it.'),
  seed: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0, description: 'Where random numbers start. The same recipe and seed give the same bytes.' },
  data: table('Data sets by name, for steps and evaluators.', call('data set')),
  steps: list('The passes, in order.', call('pass')),
  evaluate: list('What is measured, before and after.', call('evaluator', { as })),
  gates: table('What must hold, by metric: { at-least, at-most, sure, inconclusive }; or by any name: { use, with }.', map('Bounds for the metric that the key names, or a gate of a plugin with its options.', GATE_PROPERTIES)),
  reports: list('What is written about the run.', call('reporter')),
  matrix: {
    ...table('Values by variable: each combination is a candidate. Steps, data, evaluators and gates use them as ${{ matrix.variable }}.', list('The values of the variable.', {}, { minItems: 1 })),
    properties: { exclude: list('Combinations to leave out: each names values of some variables.', { type: 'object', description: 'Variable: value.', minProperties: 1 }) },
  },
  choose: map('Which candidate of the matrix wins, among those whose gates pass.', { smallest: text('The metric that should be smallest.'), largest: text('The metric that should be largest.') }, { minProperties: 1, maxProperties: 1 }),
  runtime: map('Where and how models run.', {
    provider: text('The execution provider of the runtime.', { default: 'cpu' }),
    threads: { type: 'integer', minimum: 0, maximum: 1024, default: 0, description: 'Threads within an operator. 0 is all cores.' },
  }),
  requires: map('What the machine must have, because numbers depend on it.', { cpu: list('Features of the processor, such as avx512_vnni.', text('A feature.')) }),
  verify: { enum: ['auto', 'always', 'strict', 'off'], default: 'auto', description: 'Whether the model is compared before and after each exact or rounding step, and a step that changed what it computes is rolled back: where time and memory allow, always, always and with an end of the run instead, or never.' },
  plugins: list('Plugins besides those that are installed as dependencies: package names, or paths relative to this file.', text('A package name or a path.')),
}, { required: ['model'] });

/** Which kind of contribution a section of a recipe names. */
export const SECTIONS = { data: 'dataset', steps: 'pass', evaluate: 'evaluator', gates: 'gate', reports: 'reporter' } as const satisfies Record<string, Kind>;
export type Section = keyof typeof SECTIONS;

/** The recipe's JSON Schema for editors: with the names and options of everything that is installed. */
export function composeSchema(registry: Registry): JsonSchema {
  const properties = recipeSchema['properties'] as Readonly<Record<string, JsonSchema>>; // what map() made
  const evaluate = composedCall(registry, 'evaluator', { as });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'onnxpress recipe',
    ...recipeSchema,
    properties: {
      ...properties,
      data: { ...properties['data'], additionalProperties: composedCall(registry, 'dataset') },
      steps: { ...properties['steps'], items: composedCall(registry, 'pass') },
      evaluate: { ...properties['evaluate'], items: evaluate },
      gates: { ...properties['gates'], additionalProperties: { anyOf: [threshold, composedCalled(registry, 'gate', {})] } },
      reports: { ...properties['reports'], items: composedCall(registry, 'reporter') },
    },
  };
}

/** The short form for what needs no options, and the long form for all. */
function composedCall(registry: Registry, kind: Kind, more: Readonly<Record<string, object>> = {}): JsonSchema {
  const short = registry.all(kind).map((r) => r.contribution).filter((c) => toJsonSchema(c.options).required.length === 0);
  const named = { type: 'string', description: 'Its name alone: with default options.', anyOf: [...short.map((c) => ({ const: c.name, description: c.summary })), EXPRESSION] };
  return { anyOf: [named, composedCalled(registry, kind, more)] };
}

function composedCalled(registry: Registry, kind: Kind, more: Readonly<Record<string, object>>): JsonSchema {
  const all = registry.all(kind).map((r) => r.contribution);
  return {
    type: 'object',
    properties: {
      use: { type: 'string', description: 'Which one, as plugin/name.', anyOf: [...all.map((c) => ({ const: c.name, description: c.summary })), EXPRESSION] },
      with: { type: 'object', description: 'Its options.' },
      ...more,
    },
    required: ['use'],
    additionalProperties: false,
    allOf: all.map((c) => ({
      if: { properties: { use: { const: c.name } }, required: ['use'] },
      then: { properties: { with: { description: c.summary, ...forEditors(c.options) } }, ...(toJsonSchema(c.options).required.length > 0 ? { required: ['with'] } : {}) },
    })),
  };
}

const EXPRESSION = { type: 'string', pattern: '^\\$\\{\\{.*\\}\\}$', description: 'A variable of the matrix: ${{ matrix.name }}.' };

/** An option's schema, which an expression of the matrix satisfies too. */
function forEditors(schema: OptionsSchema): object {
  const whole = toJsonSchema(schema);
  const properties = Object.entries(whole.properties as Readonly<Record<string, JsonSchema>>).map(([name, option]) => { // one schema per option
    const { description, default: preset, ...rest } = option;
    return [name, { description, ...(preset === undefined ? {} : { default: preset }), anyOf: [rest, EXPRESSION] }];
  });
  return { ...whole, properties: Object.fromEntries(properties) };
}
