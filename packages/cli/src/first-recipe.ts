import type { Registry } from '@onnxpress/core';
import type { Look } from './look.ts';
import { call, flow, scalar } from './yaml.ts';

/** What `init` has decided, by looking, trying and asking. */
export interface Wishes {
  readonly name: string;
  /** Paths as the recipe says them. */
  readonly model: string;
  readonly output: string;
  /** One line about the model, for the recipe's head. */
  readonly seen: string;
  readonly steps: readonly string[];
  readonly data: Data | undefined;
  /** The share of the size that is left; undefined where nobody can tell before the run. */
  readonly share: number | undefined;
  /** Options for eval/latency; undefined where it cannot measure the model. */
  readonly latency: Readonly<Record<string, unknown>> | undefined;
  readonly registry: Registry;
}

/** Data to measure with: a BEIR folder, or a file of texts. */
export interface Data {
  readonly kind: 'beir' | 'texts';
  readonly path: string;
}

/** A recipe that runs: only what is installed, and gates that hold with a little room. */
export function firstRecipe(wishes: Wishes): string {
  const has = (kind: 'evaluator' | 'dataset' | 'gate', name: string): boolean => wishes.registry.get(kind, name) !== undefined;
  const gates: string[] = [];
  const evaluate: string[] = [];
  const canJudge = has('gate', 'eval/threshold');
  const measure = (use: string, options: Readonly<Record<string, unknown>>, gate: string | undefined): void => {
    if (!has('evaluator', use)) return;
    evaluate.push(`  - ${call(use, options)}`);
    if (gate && canJudge) gates.push(gate);
  };

  const dataset = wishes.data && (wishes.data.kind === 'beir' ? { use: 'eval/beir', with: { folder: wishes.data.path } } : { use: 'eval/texts', with: { file: wishes.data.path, take: TEXTS } });
  const data = dataset && has('dataset', dataset.use) ? dataset : undefined;
  measure('eval/size', {}, wishes.share === undefined ? undefined : `  size: { at-most: ${roomFor(wishes.share)}% }        # of the original, in bytes`);
  if (data?.use === 'eval/beir') measure('eval/retrieval', { data: 'measure', k: 10 }, `  ndcg@10: { at-least: 97% }   # by the lower bound of its interval; see "sure"`);
  if (data?.use === 'eval/texts') measure('eval/cosine', { data: 'measure' }, `  cosine: { at-least: 0.95 }   # of the outputs, against the original`);
  if (wishes.latency) measure('eval/latency', wishes.latency, undefined);

  return [
    '# yaml-language-server: $schema=./.onnxpress/recipe.schema.json',
    `# ${wishes.seen}`,
    `name: ${scalar(wishes.name)}`,
    `model: ${scalar(wishes.model)}`,
    `output: ${scalar(wishes.output)}`,
    ...(data ? ['', 'data:', `  measure: ${flow(data)}`] : []),
    '',
    ...(wishes.steps.length ? ['steps:', ...wishes.steps.map((use) => `  - ${call(use)}`)] : ['steps: []']),
    ...(evaluate.length ? ['', 'evaluate:', ...evaluate] : []),
    ...(gates.length ? ['', 'gates:', ...gates] : []),
    '',
  ].join('\n');
}

/** Texts that are read of a file: enough to see a difference, few enough to be quick. */
const TEXTS = 256;

/** What eval/latency must be told about a model. */
export const latencyOptions = ({ tokens, sizes }: Look): Record<string, unknown> => ({
  ...(tokens === undefined ? {} : { length: tokens }),
  ...(Object.keys(sizes).length ? { dims: sizes } : {}),
});

/** The next share of five percent that holds with a little room. */
export const roomFor = (share: number): number => Math.ceil((share * 100 + 1) / 5) * 5;
