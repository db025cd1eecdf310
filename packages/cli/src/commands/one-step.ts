import { basename, dirname, extname, join } from 'node:path';
import { EXIT, RecipeError, say, Source, type JsonSchema, type OptionsSchema, type Registry } from '@onnxpress/core';
import { locateGiven } from '../models.ts';
import type { Shell } from '../shell.ts';
import { call, scalar } from '../yaml.ts';
import { openSource, registryHere } from '../workspace.ts';
import { runOne } from './run.ts';

export interface OneStepFlags {
  /** The command: "quantize". */
  readonly name: string;
  readonly pass: string;
  readonly out?: string;
  readonly option?: readonly string[];
  readonly threads?: string;
  readonly json?: boolean;
}

/** Runs one pass on a model by a recipe that is made up for it, and shows the recipe, to keep. */
export async function oneStep(shell: Shell, given: string, flags: OneStepFlags): Promise<number> {
  const model = locateGiven(shell, given);
  const out = flags.out === undefined ? join(dirname(model), `${basename(model, extname(model))}-${flags.name}.onnx`) : shell.path(flags.out);
  const registry = await registryHere(shell);
  const options = optionsFrom(flags.option ?? [], schemaOf(registry, flags.pass));
  const text = recipeText(shell, { name: basename(out, extname(out)), model, out, pass: flags.pass, options, measures: registry.get('evaluator', SIZE) !== undefined });
  const source = new Source(`${flags.name}.yaml`, text, shell.path(`${flags.name}.yaml`));
  const { recipe, registry: own } = await openSource(shell, source, source.problems, flags);
  const ended = await runOne(shell, { recipe, registry: own, cache: { mode: 'none' } }, undefined);
  if (shell.json) shell.outJson(ended.result);
  else if (ended.code === EXIT.passed) shell.out('', shell.colors.dim('The recipe, to keep as onnxpress.yaml:'), text.trimEnd());
  return ended.code;
}

const SIZE = 'eval/size';

interface OneStepRecipe {
  readonly name: string;
  readonly model: string;
  readonly out: string;
  readonly pass: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly measures: boolean;
}

function recipeText(shell: Shell, { name, model, out, pass, options, measures }: OneStepRecipe): string {
  return [
    `name: ${scalar(name)}`,
    `model: ${scalar(shell.shown(model))}`,
    `output: ${scalar(shell.shown(out))}`,
    'steps:',
    `  - ${call(pass, options)}`,
    ...(measures ? ['evaluate:', `  - ${SIZE}`] : []),
    '',
  ].join('\n');
}

/** The options of a pass. Throws RecipeError where it, or its plugin, is not there. */
function schemaOf(registry: Registry, pass: string): OptionsSchema {
  const found = registry.get('pass', pass);
  if (found) return found.options;
  const prefix = pass.split('/')[0] ?? '';
  if (registry.isAbsent(pass)) throw new RecipeError([say.missingPlugin(pass, `@onnxpress/plugin-${prefix}`)]);
  throw new RecipeError([say.unknownContribution('pass', pass, registry.names('pass'))]);
}

/** "k=v" pairs as options. A value is read as JSON where it is JSON, and as text elsewhere; an option that takes a list may be given several times. */
function optionsFrom(given: readonly string[], schema: OptionsSchema): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const pair of given) {
    const at = pair.indexOf('=');
    if (at < 1) throw new RecipeError([say.badCall(`--option must be name=value, but is "${pair}".`, 'For example --option per-channel=false.')]);
    const name = pair.slice(0, at);
    const value = valueOf(pair.slice(at + 1));
    options[name] = takesList(schema[name]) ? [...((options[name] as unknown[] | undefined) ?? []), ...(Array.isArray(value) ? value : [value])] : value; // lists are made here only
  }
  return options;
}

const takesList = (schema: JsonSchema | undefined): boolean => schema?.type === 'array';

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
