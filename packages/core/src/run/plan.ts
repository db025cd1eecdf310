import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { locateModel, openModel, type Model } from '@onnxpress/onnx';
import { ambiguousMetric, cacheDamaged, cpuLacks, notAFile, unknownMetric } from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import type { Evaluator, Gate, Pass } from '../plugin/kinds.ts';
import { formattedIn } from '../plugin/formats.ts';
import { registered, type Kind, type Registry } from '../plugin/registry.ts';
import { variantsOf, type Call, type Recipe } from '../recipe/recipe.ts';
import type { Services } from '../services/services.ts';
import { Log, Machine, Runtime } from '../services/tokens.ts';
import { render } from '../diagnostics/diagnostic.ts';
import { contextOf, type ContextParts } from './context.ts';
import { Datasets } from './data.ts';
import type { ModelFacts } from './events.ts';
import { factsOf } from './facts.ts';
import { fingerprintOf } from './fingerprint.ts';
import { canonical, keyOf } from './keys.ts';
import { hashFile, Store } from './store.ts';

export interface RunRequest {
  readonly recipe: Recipe;
  readonly registry: Registry;
  /** Instead of the recipe's. */
  readonly model?: string | undefined;
  /** Where the result goes, instead of the recipe's. */
  readonly out?: string | undefined;
  /** `fresh`: measure anew, steps from the cache. `none`: neither is read, and nothing is kept. */
  readonly cache?: { readonly folder?: string | undefined; readonly mode: 'use' | 'fresh' | 'none' } | undefined;
  /** Part `index` (from 1) of `of` of a matrix. */
  readonly shard?: { readonly index: number; readonly of: number } | undefined;
}

export interface Step {
  readonly index: number;
  readonly call: Call;
  readonly pass: Pass;
  /** Names the step's result: same key, same bytes. */
  readonly key: string;
  readonly cached: boolean;
}

export interface Evaluation {
  readonly call: Call;
  readonly evaluator: Evaluator;
  readonly key: string;
  readonly cached: boolean;
}

export interface PlannedVariant {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly recipe: Recipe;
  readonly steps: readonly Step[];
  readonly evaluations: readonly Evaluation[];
  readonly gates: readonly { readonly call: Call; readonly gate: Gate }[];
}

/** Everything a run will do, as data: printed by `onnxpress plan`, run by `run`. */
export interface Plan {
  readonly recipe: Recipe;
  readonly registry: Registry;
  readonly original: Model;
  readonly fingerprint: string;
  readonly model: ModelFacts;
  /** Absolute path of the model file to write; undefined where the recipe wants none. */
  readonly output: string | undefined;
  readonly variants: readonly PlannedVariant[];
  readonly shard: RunRequest['shard'];
  readonly store: Store;
  /** Whether the store goes when the run ends. */
  readonly temporary: boolean;
  readonly datasets: Datasets;
}

/** The version of this package, part of every key. */
export const coreVersion = (createRequire(import.meta.url)('@onnxpress/core/package.json') as { version: string }).version; // every package.json has one

/** Opens the model, opens the data, and names every step's result. Throws RecipeError with all that does not fit, and OnnxError for a model that cannot be read. */
export async function planRun(request: RunRequest, services: Services, signal: AbortSignal): Promise<Plan> {
  const { recipe, registry } = request;
  const folder = dirname(recipe.file);
  assertMachine(recipe, services);
  const path = locateModel(resolve(folder, request.model ?? recipe.model.from));
  const original = openModel(path);
  const { store, temporary } = storeFor(request, folder, services);
  const fingerprint = await fingerprintOf(original, store);
  const datasets = new Datasets(registry);
  const output = outputOf(request, folder);
  const problems = output !== undefined && isFolder(output) ? [notAFile(output, request.out === undefined ? recipe.source.at(['output']) : undefined)] : [];
  const variants: PlannedVariant[] = [];
  const all = variantsOf(recipe);
  const { shard } = request;
  for (const variant of all.filter((_, i) => !shard || i % shard.of === shard.index - 1)) {
    const parts = partsOf(variant.recipe, services, signal, store, datasets);
    const steps: Step[] = [];
    let key = fingerprint;
    for (const [index, call] of variant.recipe.steps.entries()) {
      const pass = registered(registry, 'pass', call.use);
      key = keyOf(['step', key, await facets(call, pass, variant.recipe, registry, parts, pass.usesRuntime === true), variant.recipe.seed, index, pass.numerics === 'lossy' ? undefined : variant.recipe.verify]);
      steps.push({ index, call, pass, key, cached: (await store.get(key)) !== undefined });
    }
    const evaluations: Evaluation[] = [];
    for (const call of variant.recipe.evaluate) {
      const evaluator = registered(registry, 'evaluator', call.use);
      const id = keyOf(['evaluate', fingerprint, key, await facets(call, evaluator, variant.recipe, registry, parts, true), parts.settings.threads, variant.recipe.seed]);
      evaluations.push({ call, evaluator, key: id, cached: request.cache?.mode !== 'fresh' && (await store.get(id)) !== undefined });
    }
    const gates = variant.recipe.gates.map((call) => ({ call, gate: registered(registry, 'gate', call.use) }));
    problems.push(...metricProblems(variant.recipe, evaluations));
    variants.push({ name: variant.name, values: variant.values, recipe: variant.recipe, steps, evaluations, gates });
  }
  if (problems.length) throw new RecipeError(eachOnce(problems));
  const shown = relative(process.cwd(), path);
  return { recipe, registry, original, fingerprint, model: await factsOf(original, shown.startsWith('..') ? path : shown), output, variants, shard, store, temporary, datasets };
}

/** What a contribution's context is made from, for this recipe. */
export function partsOf(recipe: Recipe, services: Services, signal: AbortSignal, store: Store, datasets: Datasets, progress: ContextParts['progress'] = () => {}): ContextParts {
  const parts: ContextParts = {
    services,
    settings: recipe.runtime,
    signal,
    folder: dirname(recipe.file),
    store,
    dataset: (name, kind) => datasets.open(recipe, name, contextOf(parts), 'A step', kind),
    progress,
  };
  return parts;
}

function storeFor(request: RunRequest, folder: string, services: Services): { store: Store; temporary: boolean } {
  const temporary = request.cache?.mode === 'none';
  const place = temporary ? join(tmpdir(), `onnxpress-${randomUUID()}`) : resolve(request.cache?.folder ?? join(folder, '.onnxpress', 'cache'));
  return { store: new Store(place, (what) => services.get(Log).warn(render(cacheDamaged(what)))), temporary };
}

function assertMachine(recipe: Recipe, services: Services): void {
  if (recipe.requires.cpu.length === 0) return;
  const machine = services.get(Machine);
  const lacking = recipe.requires.cpu.flatMap((feature, i) => (machine.features.includes(feature) ? [] : [cpuLacks(feature, machine.cpu, machine.features, recipe.source.at(['requires', 'cpu', i]))]));
  if (lacking.length) throw new RecipeError(lacking);
}

/** All that the numbers of a call depend on besides the model. */
async function facets(call: Call, contribution: Pass | Evaluator, recipe: Recipe, registry: Registry, parts: ContextParts, usesRuntime: boolean): Promise<unknown> {
  const contents = [];
  for (const { format, text, path } of formattedIn(contribution.options, call.with)) {
    if (format === 'data') contents.push([path, versionOf(registry, 'dataset', recipe.data[text]?.use), (await parts.dataset(text, undefined)).fingerprint]);
    if (format === 'path') contents.push([path, await contentOf(resolve(parts.folder, text))]);
  }
  return [call.use, versionOf(registry, contribution.kind, call.use), coreVersion, call.with, contents, usesRuntime ? [parts.services.get(Runtime).version, parts.settings.provider, parts.services.get(Machine).features] : []];
}

const versionOf = (registry: Registry, kind: Kind, use: string | undefined): string | undefined => (use === undefined ? undefined : registry.entry(kind, use)?.origin.version);

/** A name for what lies at a path: a file's bytes, or every file of a folder with its name but for hidden ones; undefined where nothing can be read. */
async function contentOf(path: string): Promise<unknown> {
  const info = await stat(path).catch(() => undefined);
  if (!info?.isDirectory()) return info && hashFile(path).catch(() => undefined);
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  const contents = [];
  for (const name of names) contents.push([name, await contentOf(join(path, name))]);
  return contents;
}

/** All variants of a matrix make the same mistakes at the same places. */
const eachOnce = (problems: readonly Diagnostic[]): Diagnostic[] => [...new Map(problems.map((p) => [canonical([p.message, p.at?.file, p.at?.start]), p])).values()];

/** Gates on metrics that nothing measures, or that two evaluators measure. */
function metricProblems(recipe: Recipe, evaluations: readonly Evaluation[]): Diagnostic[] {
  const from = new Map<string, string[]>();
  for (const { call, evaluator } of evaluations) {
    for (const metric of evaluator.metrics(call.with as never)) { // checked against the evaluator's own schema
      from.set(metric, [...(from.get(metric) ?? []), call.use]);
      if (call.as) from.set(`${call.as}.${metric}`, [call.use]);
    }
  }
  return recipe.gates.flatMap((call) => {
    const metric = call.with['metric'];
    if (typeof metric !== 'string') return [];
    const measuredBy = from.get(metric) ?? [];
    const at = recipe.source.atKey(['gates'], call.as ?? metric);
    if (measuredBy.length === 0) return [unknownMetric(metric, [...from.keys()], at)];
    return measuredBy.length > 1 ? [ambiguousMetric(metric, measuredBy, at)] : [];
  });
}

/** What a model is called in an output folder, where its other files lie beside it. */
export const FOLDER_MODEL = 'model.onnx';

/** A path that ends in .onnx is the model file; any other is a folder that gets a model.onnx. */
function outputOf({ recipe, out }: RunRequest, folder: string): string | undefined {
  const given = out !== undefined ? resolve(out) : recipe.output !== undefined ? resolve(folder, recipe.output) : undefined;
  if (given === undefined) return undefined;
  return extname(given) === '.onnx' ? given : join(given, FOLDER_MODEL);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** `report.json` lies beside the output, or in the recipe's folder where there is none. */
export const reportPath = (plan: Plan): string => join(dirname(plan.output ?? plan.recipe.file), 'report.json');
