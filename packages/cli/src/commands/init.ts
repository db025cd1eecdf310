import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { bytes, EXIT, factsOf, Files, isInterruption, RecipeError, say, type ModelFacts } from '@onnxpress/core';
import { ask } from '../ask.ts';
import { firstRecipe, latencyOptions, type Data } from '../first-recipe.ts';
import { lookAt, type Look } from '../look.ts';
import { openGiven } from '../models.ts';
import type { Shell } from '../shell.ts';
import { canMeasure, trySteps } from '../trial.ts';
import { RECIPE_FILE, registryHere, withServices } from '../workspace.ts';
import { writeSchema } from './schema.ts';

export interface InitFlags {
  readonly out: string;
  readonly yes?: boolean;
  readonly force?: boolean;
}

/** Looks at a model, tries on it what the recipe might say, asks what it cannot see, and writes a recipe that runs. */
export async function init(shell: Shell, given: string | undefined, flags: InitFlags): Promise<number> {
  const file = shell.path(flags.out);
  if (existsSync(file) && !flags.force) throw new RecipeError([say.badCall(`${flags.out} is there already.`, 'Write another one with --out, or replace it with --force.')]);
  const folder = dirname(file);
  const registry = await registryHere(shell);
  const named = given ?? onlyModel(shell);
  const { model, path } = openGiven(shell, named);
  const from = pathFrom(folder, shell.path(named));
  const look = lookAt(model);
  const facts = await factsOf(model, from);
  const seen = `${from}: ${describe(look, facts)}`;
  shell.out(seen);

  const has = (kind: 'pass' | 'evaluator', use: string): boolean => registry.get(kind, use) !== undefined;
  const tidy = [TIDY].filter((use) => has('pass', use));
  const tidied = await tried(shell, path, tidy);
  const small = !look.quantized && has('pass', SHRINK) ? await tried(shell, path, [...tidy, SHRINK]) : undefined;
  const shrinks = small?.bytes !== undefined && small.bytes < Math.min(facts.bytes, tidied?.bytes ?? Infinity);
  const latency = latencyOptions(look);
  const measuresLatency = has('evaluator', 'eval/latency') && (facts.bytes > TOO_LARGE_TO_TRY || (await canMeasure(shell, path, 'eval/latency', { ...latency, rounds: 1, warmup: 0 })));

  const answers = await answersFor(shell, { look, path, folder, asks: shell.asks && flags.yes !== true, shrinks });
  const chosen = answers.goal === 'int8' ? small : tidied;
  const text = firstRecipe({
    ...answers, model: from, seen, registry,
    steps: chosen?.steps ?? [],
    share: chosen?.bytes === undefined || facts.bytes === 0 ? undefined : chosen.bytes / facts.bytes,
    latency: measuresLatency ? latency : undefined,
  });
  await withServices(shell, (services) => services.get(Files).writeText(file, text));
  const schema = await writeSchema(shell, registry, folder);
  const called = file === shell.path(RECIPE_FILE) ? '' : ` ${shell.shown(file)}`;
  shell.out(`${shell.colors.green('✔')} ${shell.shown(file)}   ${shell.colors.dim(`(and ${shell.shown(schema)}, for editors)`)}`, '', text.trimEnd(), '', `next: onnxpress run${called}`);
  return EXIT.passed;
}

/** Measuring would take longer than people wait for a first recipe. */
const TOO_LARGE_TO_TRY = 1e9;

/** What any model may gain from, exactly; and what makes most models smaller without data. */
const TIDY = 'fusion/simplify';
const SHRINK = 'quant/dynamic';

/** Steps that work on the model, with the size they leave; undefined, and said, where one of them fails. */
async function tried(shell: Shell, path: string, steps: readonly string[]): Promise<{ readonly steps: readonly string[]; readonly bytes: number | undefined } | undefined> {
  try {
    return { steps, bytes: (await trySteps(shell, path, steps)).bytes };
  } catch (e) {
    if (isInterruption(e) || !(e instanceof Error)) throw e;
    shell.note(`${shell.colorsOf(shell.host.stderr).yellow('!')} ${e.message} The recipe goes without.`);
    return undefined;
  }
}

interface Asking {
  readonly look: Look;
  readonly path: string;
  readonly folder: string;
  readonly asks: boolean;
  /** Whether quantization makes the model smaller. */
  readonly shrinks: boolean;
}

interface Answers {
  readonly goal: 'int8' | 'exact';
  readonly data: Data | undefined;
  readonly output: string;
  readonly name: string;
}

/** Up to three questions, and the defaults where nobody is asked. */
async function answersFor(shell: Shell, { look, path, folder, asks, shrinks }: Asking): Promise<Answers> {
  const question = async (text: string, preset: string, choices: Readonly<Record<string, string>> = {}): Promise<string> => (asks ? ask(shell, { text, preset, choices }) : preset);
  const goal = shrinks ? await question('What should it become?', 'int8', { int8: 'smaller and faster, a little less exact', exact: 'the same numbers, tidied up' }) : 'exact';
  const measurable = look.kind === 'text encoder' && look.hasTokenizer;
  const data = measurable ? await question('What shows its quality? A folder with corpus.jsonl, queries.jsonl and qrels, or a .txt or .jsonl file of texts.', findData(folder) ?? NOTHING) : NOTHING;
  const output = await question('Where should the result go?', `out/${nameOf(path)}-${goal === 'int8' ? 'int8' : 'tidy'}.onnx`);
  return { goal: goal === 'int8' ? 'int8' : 'exact', data: dataFrom(shell, data, folder), output, name: basename(output, extname(output)) };
}

const NOTHING = 'nothing';

function describe({ kind, hasTokenizer, quantized, half }: Look, facts: ModelFacts): string {
  const parts = [`a ${kind}`, bytes(facts.bytes), `opset ${facts.opset}`, quantized ? 'quantized already' : half ? 'weights in half precision' : '', hasTokenizer ? 'tokenizer beside it' : ''];
  return parts.filter((part) => part !== '').join(', ');
}

/** The model when none was named: the only one that is here, one folder below, or below models/. */
function onlyModel(shell: Shell): string {
  const places = [shell.host.cwd, ...foldersIn(shell.host.cwd), ...foldersIn(shell.path('models'))];
  const found = places.flatMap((folder) => {
    const [only, ...others] = namesIn(folder).filter((f) => f.endsWith('.onnx'));
    if (only !== undefined && others.length === 0) return [join(folder, only)];
    return existsSync(join(folder, 'model.onnx')) || existsSync(join(folder, 'onnx', 'model.onnx')) ? [folder] : [];
  });
  if (found.length === 1) return found[0]!;
  throw new RecipeError([say.badCall(found.length === 0 ? `There is no model in ${shell.host.cwd}, in a folder in it, or below models/.` : `There are several models here: ${found.map((f) => shell.shown(f)).join(', ')}.`, 'Name the one you mean: onnxpress init path/to/model.onnx')]);
}

/** A collection in the layout of BEIR near the recipe: in data/ or one folder below. */
function findData(folder: string): string | undefined {
  const places = [join(folder, 'data'), ...foldersIn(join(folder, 'data'))];
  const found = places.find((place) => ['corpus.jsonl', 'queries.jsonl', join('qrels', 'test.tsv')].every((name) => existsSync(join(place, name))));
  return found && pathFrom(folder, found);
}

function dataFrom(shell: Shell, given: string, folder: string): Data | undefined {
  if (given === NOTHING) return undefined;
  const path = [join(folder, given), shell.path(given)].find((p) => existsSync(p));
  if (path === undefined) throw new RecipeError([say.noSuchFile(given, 'The data')]);
  return { kind: statSync(path).isDirectory() ? 'beir' : 'texts', path: pathFrom(folder, path) };
}

/** "minilm" for models/minilm/onnx/model.onnx, "tiny" for tiny.onnx. */
function nameOf(path: string): string {
  const name = basename(path, extname(path));
  if (name !== 'model') return name;
  const folder = dirname(path);
  return basename(basename(folder) === 'onnx' ? dirname(folder) : folder) || name;
}

const pathFrom = (folder: string, path: string): string => (relative(folder, path) || '.').split(sep).join('/');
const foldersIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory() && !HIDDEN.test(e.name)).map((e) => join(folder, e.name)).sort() : []);
/** Folders that are no place of their own: results, packages, what is hidden, and onnx/, which belongs to the folder around it. */
const HIDDEN = /^(\.|(out|node_modules|onnx)$)/;
const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
