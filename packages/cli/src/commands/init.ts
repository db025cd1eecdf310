import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { bytes, EXIT, factsOf, Files, planRun, previewSteps, RecipeError, RunError, say, Source, type Model, type ModelFacts, type Registry } from '@onnxpress/core';
import { ask } from '../ask.ts';
import { firstRecipe, type Data, type Wishes } from '../first-recipe.ts';
import { lookAt, type Look } from '../look.ts';
import { openGiven } from '../models.ts';
import type { Shell } from '../shell.ts';
import { openSource, registryHere, withServices } from '../workspace.ts';
import { writeSchema } from './schema.ts';

export interface InitFlags {
  readonly out: string;
  readonly yes?: boolean;
  readonly force?: boolean;
}

/** Looks at a model, asks what it cannot see, and writes a recipe that runs. */
export async function init(shell: Shell, given: string | undefined, flags: InitFlags): Promise<number> {
  const file = shell.path(flags.out);
  if (existsSync(file) && !flags.force) throw new RecipeError([say.badCall(`${flags.out} is there already.`, 'Write another one with --out, or replace it with --force.')]);
  const registry = await registryHere(shell);
  const { model, path } = openGiven(shell, given ?? onlyModel(shell));
  const folder = dirname(file);
  const seenAs = pathFrom(folder, modelName(path, given === undefined ? undefined : shell.path(given)));
  const look = lookAt(model);
  const facts = await factsOf(model, seenAs);
  shell.out(`${shell.colors.bold(seenAs)}: ${describe(look, facts, model)}`);

  const answers = await answersFor(shell, { look, path, folder, asks: shell.asks && flags.yes !== true, registry });
  const wishes: Wishes = { ...answers, model: seenAs, look, seen: `${seenAs}: ${describe(look, facts, model)}`, share: undefined, registry };
  const text = firstRecipe(await tried(shell, file, wishes, facts));

  await withServices(shell, (services) => services.get(Files).writeText(file, text));
  const schema = await writeSchema(shell, registry, folder);
  const called = file === shell.path('onnxpress.yaml') ? '' : ` ${shell.shown(file)}`;
  shell.out(`${shell.colors.green('✔')} ${shell.shown(file)}   ${shell.colors.dim(`(and ${shell.shown(schema)}, for editors)`)}`, '', text.trimEnd(), '', `next: onnxpress run${called}`);
  return EXIT.passed;
}

interface Asking {
  readonly look: Look;
  readonly path: string;
  readonly folder: string;
  readonly asks: boolean;
  readonly registry: Registry;
}

/** Up to three questions, and the defaults where nobody is asked. */
async function answersFor(shell: Shell, { look, path, folder, asks, registry }: Asking): Promise<Pick<Wishes, 'goal' | 'data' | 'output' | 'name'>> {
  const canShrink = !look.quantized && registry.get('pass', 'quant/dynamic') !== undefined;
  const goalPreset = canShrink ? 'int8' : 'exact';
  const question = async (text: string, preset: string, choices?: Readonly<Record<string, string>>): Promise<string> => (asks ? ask(shell, { text, preset, ...(choices ? { choices } : {}) }) : preset);
  const goal = canShrink
    ? await question('What should it become?', goalPreset, { int8: 'about a quarter of the size and faster, a little less exact', exact: 'the same numbers, tidied up' })
    : goalPreset;

  const measurable = look.kind === 'text encoder' && look.hasTokenizer;
  const found = measurable ? findData(folder) : undefined;
  const dataPath = measurable ? await question('What shows its quality? A folder with corpus.jsonl, queries.jsonl and qrels, or a .txt or .jsonl file of texts.', found ?? 'nothing') : 'nothing';
  const base = nameOf(path);
  const output = await question('Where should the result go?', `out/${base}-${goal === 'int8' ? 'int8' : 'optimized'}.onnx`);
  return { goal: goal === 'int8' ? 'int8' : 'exact', data: dataFrom(shell, dataPath, folder), output, name: basename(output, extname(output)) };
}

/** The wishes, with what the steps leave of the size. Where quantization refuses the model, it says so and is left out. */
async function tried(shell: Shell, file: string, wishes: Wishes, facts: ModelFacts): Promise<Wishes> {
  try {
    return { ...wishes, share: await predictedShare(shell, file, wishes, facts) };
  } catch (e) {
    if (wishes.goal === 'exact' || !(e instanceof RunError)) throw e;
    shell.note(`${shell.colorsOf(shell.host.stderr).yellow('!')} ${e.message} The recipe goes without.`);
    return tried(shell, file, { ...wishes, goal: 'exact' }, facts);
  }
}

/** What is left of the size when the steps are tried out; undefined where that cannot be known before the run. */
async function predictedShare(shell: Shell, file: string, wishes: Wishes, facts: ModelFacts): Promise<number | undefined> {
  const source = new Source(file, firstRecipe(wishes), file);
  const { recipe, registry } = await openSource(shell, source, source.problems, {});
  return withServices(shell, async (services) => {
    const plan = await planRun({ recipe, registry, cache: { mode: 'none' } }, services, shell.host.signal);
    try {
      const [variant] = plan.variants;
      const { bytes: left } = variant ? await previewSteps(plan, variant, services, shell.host.signal) : { bytes: undefined };
      return left === undefined || facts.bytes === 0 ? undefined : left / facts.bytes;
    } finally {
      await rm(plan.store.folder, { recursive: true, force: true });
    }
  }, registry);
}

function describe({ kind, hasTokenizer, quantized, half }: Look, facts: ModelFacts, model: Model): string {
  const parts = [`a ${kind}`, bytes(facts.bytes), `opset ${facts.opset}`, quantized ? 'quantized already' : half ? 'weights in half precision' : '', hasTokenizer ? 'tokenizer beside it' : '', model.graph.inputs.length === 0 ? 'no inputs' : ''];
  return parts.filter((part) => part !== '').join(', ');
}

/** The model when none was named: the only one that is here, or below models/. */
function onlyModel(shell: Shell): string {
  const places = [shell.host.cwd, shell.path('models'), ...foldersIn(shell.path('models'))];
  const found = places.filter((folder) => existsSync(join(folder, 'model.onnx')) || existsSync(join(folder, 'onnx', 'model.onnx')) || filesIn(folder).filter((f) => f.endsWith('.onnx')).length === 1);
  if (found.length === 1) return found[0]!;
  throw new RecipeError([say.badCall(found.length === 0 ? `There is no model in ${shell.host.cwd} or below models/.` : `There are several models here: ${found.map((f) => shell.shown(f)).join(', ')}.`, 'Name the one you mean: onnxpress init path/to/model.onnx')]);
}

/** A collection in the layout of BEIR near the recipe: in data/ or one folder below. */
function findData(folder: string): string | undefined {
  const places = [join(folder, 'data'), ...foldersIn(join(folder, 'data'))];
  const found = places.find((place) => existsSync(join(place, 'corpus.jsonl')) && existsSync(join(place, 'queries.jsonl')));
  return found && pathFrom(folder, found);
}

function dataFrom(shell: Shell, given: string, folder: string): Data | undefined {
  if (given === 'nothing' || given === '') return undefined;
  const path = existsSync(join(folder, given)) ? join(folder, given) : shell.path(given);
  if (!existsSync(path)) throw new RecipeError([say.noSuchFile(given, 'The data')]);
  return { kind: statSync(path).isDirectory() ? 'beir' : 'texts', path: pathFrom(folder, path) };
}

/** The folder of the model where that is what was named, so that the recipe reads as the user said it. */
const modelName = (path: string, given: string | undefined): string => (given !== undefined && given !== path ? given : path);

/** "minilm" for models/minilm/onnx/model.onnx, "tiny" for tiny.onnx. */
function nameOf(path: string): string {
  const name = basename(path, extname(path));
  if (name !== 'model') return name;
  const folder = dirname(path);
  return basename(basename(folder) === 'onnx' ? dirname(folder) : folder) || name;
}

const pathFrom = (folder: string, path: string): string => (relative(folder, path) || '.').split(sep).join('/');
const foldersIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory()).map((e) => join(folder, e.name)).sort() : []);
const filesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
