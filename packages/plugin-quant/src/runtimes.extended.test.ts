import { readFileSync } from 'node:fs';
import { distance, type Feed, type Model } from '@onnxpress/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxruntimeWeb } from './testing/onnxruntime-web.ts';
import { openvino } from './testing/openvino.ts';
import { feedsOf, FORMS, operatorsOf, quantized, type Form } from './testing/runtime-forms.ts';
import { onnxruntimeNode, type TriedRuntime } from './testing/tried-runtimes.ts';

/*
 * Extended: what each quantizer writes, in each runtime, beside onnxruntime-node under basic optimizations. The page holds what was found; where a runtime is not here,
 * its column is left as the page has it. "npx vitest run packages/plugin-quant/src/runtimes --update" writes it anew.
 */
const PAGE = '../../../docs/reference/runtimes.md';
const extended = process.env['ONNXPRESS_SHARED'] !== undefined;
const HERE: Readonly<Record<string, TriedRuntime | undefined>> = {
  'onnxruntime-node': onnxruntimeNode(),
  'onnxruntime-web': extended ? await onnxruntimeWeb() : undefined,
  OpenVINO: extended ? openvino() : undefined,
};
const NAMES = Object.keys(HERE);

/** The most that activations in 8 bits on one side alone have moved an output of such a small model, doubled. Something else is wrong beyond it. */
const EIGHT_BITS = 0.1;

const models = new Map<Form, { readonly model: Model; readonly expected: Feed }>();
const found = new Map<string, string[]>();

beforeAll(async () => {
  if (!extended) return;
  for (const form of FORMS) {
    const model = await quantized(form);
    const expected = (await HERE['onnxruntime-node']!.run(model, feedsOf(form))).get('basic')!; // one of its settings
    if (expected instanceof Error) throw expected;
    models.set(form, { model, expected });
  }
}, 300_000);
afterAll(() => Object.values(HERE).forEach((runtime) => runtime?.dispose?.()));

/** One word for a result. */
function judged(form: Form, result: Feed | Error): string {
  const { model, expected } = models.get(form)!; // all were made before
  if (result instanceof Error) return `no: ${operatorsOf(form, model).find((opType) => result.message.includes(opType)) ?? result.message.slice(0, 80)}`;
  const apart = distance(expected, result);
  return typeof apart !== 'number' ? '**wrong**' : apart <= form.tolerance ? 'yes' : apart <= EIGHT_BITS ? 'int8' : '**wrong**';
}

/** The same word for all settings, or the one for the most with the settings that differ. */
function cellOf(words: ReadonlyMap<string, string>): string {
  const usual = [...words.values()].includes('yes') ? 'yes' : [...words.values()][0]!;
  return [usual, ...[...words].filter(([, word]) => word !== usual).map(([setting, word]) => `${setting}: ${word}`)].join('; ');
}

const optionsOf = ({ options }: Form): string => Object.entries(options).map(([name, value]) => `\`${name}: ${String(value)}\``).join(', ');
const SUBJECT = { decoder: 'a decoder', tied: 'a decoder with a tied head', convolutions: 'two convolutions' } as const;

describe.skipIf(!extended)('what quantizers write (needs ONNXPRESS_SHARED)', () => {
  for (const [name, runtime] of Object.entries(HERE)) {
    test.skipIf(!runtime)(`opens in ${name}, or is known not to`, async () => {
      const column: string[] = [];
      for (const form of FORMS) {
        const results = await runtime!.run(models.get(form)!.model, feedsOf(form));
        column.push(cellOf(new Map([...results].map(([setting, result]) => [setting, judged(form, result)]))));
      }
      found.set(name, column);
      expect(column.filter((cell) => cell.startsWith('yes')).length).toBeGreaterThan(FORMS.length / 2);
    }, 300_000);
  }

  test('docs/reference/runtimes.md has the table of it', async () => {
    const before = readFileSync(new URL(PAGE, import.meta.url), 'utf8');
    const known = (row: string, column: number): string => before.split('\n').find((line) => line.startsWith(row))?.split(' | ')[4 + column]?.replace(/ \|$/, '') ?? 'not tried';
    const rows = FORMS.map((form, i) => {
      const row = `| \`${form.pass}\` | ${optionsOf(form)} | ${SUBJECT[form.subject]} | ${operatorsOf(form, models.get(form)!.model).join(', ')} | `;
      return row + NAMES.map((name, column) => found.get(name)?.[i] ?? known(row, column)).join(' | ') + ' |';
    });
    const versions = NAMES.map((name, column) => HERE[name] ? `${name} ${HERE[name].version}` : (/^\| step .*$/m.exec(before)?.[0].split(' | ')[4 + column]?.replace(/ \|$/, '') ?? name));
    await expect(pageOf(versions, rows)).toMatchFileSnapshot(PAGE);
  });
});

function pageOf(versions: readonly string[], rows: readonly string[]): string {
  return `# Where quantized models run

Each quantizer's forms, made of a small model and run in each runtime on the processor, onnxruntime-web on WebAssembly. This page is written by the test that
runs them: \`npx vitest run packages/plugin-quant/src/runtimes --update\`.

* **yes**: the numbers of onnxruntime-node under basic optimizations, but for the order of float32 sums; with 8-bit activations, but for codes that this order moves.
* **int8**: activations are int8 on one of the two sides only: this runtime, at this setting, quantizes the activations of a product with few-bit weights where
  onnxruntime-node under basic optimizations does not, or the other way round.
* **no**: it does not load; the operator that the runtime has not, or not in this form.
* **wrong**: it runs and computes something else.

onnxruntime is tried with all its levels of optimization (\`disabled\`, \`basic\`, \`all\`); one that differs is named. OpenVINO is told to keep activations
in float32 (\`INFERENCE_PRECISION_HINT: f32\`, \`DYNAMIC_QUANTIZATION_GROUP_SIZE: 0\`): by itself it makes int8 of those that few-bit weights are multiplied with,
where the processor is good at that. Options that are not named have their defaults.

| step | options | of | operators it brings | ${versions.join(' | ')} |
|---|---|---|---|${'---|'.repeat(versions.length)}
${rows.join('\n')}
`;
}
