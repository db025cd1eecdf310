import { rm } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { openModel, type Model } from '@onnxpress/onnx';
import { cpuLacks } from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import type { Evaluator, Gate, Pass } from '../plugin/kinds.ts';
import { registered, type Registry } from '../plugin/registry.ts';
import { variantsOf, type Call, type Recipe } from '../recipe/recipe.ts';
import type { Services } from '../services/services.ts';
import { Log, Machine } from '../services/tokens.ts';
import { contextOf, type ContextParts } from './context.ts';
import { Datasets } from './data.ts';
import type { ModelFacts } from './events.ts';
import { facetsOf } from './facets.ts';
import { factsOf, filesOf } from './facts.ts';
import { fingerprintOf } from './fingerprint.ts';
import { canonical, keyOf } from './keys.ts';
import { metricProblems } from './metrics.ts';
import { openStore, type CacheRequest, type OpenedStore } from './open-store.ts';
import { modelPath, outputPath, outputProblems, reportPath, type Places } from './paths.ts';
import { stateOf, type SourceState } from './sources.ts';
import type { Store } from './store.ts';

export interface RunRequest extends Places {
  readonly registry: Registry;
  readonly cache?: CacheRequest | undefined;
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
  /** How the original's files looked before they were read. */
  readonly sources: readonly SourceState[];
  readonly fingerprint: string;
  readonly model: ModelFacts;
  /** Absolute path of the model file to write; undefined where the recipe wants none. */
  readonly output: string | undefined;
  /** Absolute path of the report. */
  readonly report: string;
  readonly variants: readonly PlannedVariant[];
  readonly shard: RunRequest['shard'];
  readonly store: Store;
  /** Whether the store goes when the run ends. */
  readonly temporary: boolean;
  readonly datasets: Datasets;
}

/** Opens the model, opens the data, and names every step's result. Throws RecipeError with all that does not fit, and OnnxError for a model that cannot be read. */
export async function planRun(request: RunRequest, services: Services, signal: AbortSignal): Promise<Plan> {
  assertMachine(request.recipe, services);
  const path = await modelPath(request);
  const original = openModel(path);
  const opened = await openStore(request.recipe, request.cache, services.get(Log));
  try {
    return await planOf(request, path, original, opened, services, signal);
  } catch (e) {
    await releasePlan(opened);
    throw e;
  }
}

async function planOf(request: RunRequest, path: string, original: Model, { store, temporary }: OpenedStore, services: Services, signal: AbortSignal): Promise<Plan> {
  const { recipe, registry, shard } = request;
  const sources = await stateOf(filesOf(original));
  const fingerprint = await fingerprintOf(original, store);
  const datasets = new Datasets(registry);
  const problems = outputProblems(request, original);
  const variants: PlannedVariant[] = [];
  for (const variant of variantsOf(recipe).filter((_, i) => !shard || i % shard.of === shard.index - 1)) {
    const parts = partsOf(variant.recipe, services, signal, store, datasets);
    const steps: Step[] = [];
    let key = fingerprint;
    for (const [index, call] of variant.recipe.steps.entries()) {
      const pass = registered(registry, 'pass', call.use);
      // Where a step is compared before and after, its result in the store was compared as this recipe wants it.
      const compared = pass.numerics === 'lossy' ? undefined : variant.recipe.verify;
      key = keyOf(['step', key, await facetsOf(call, pass, variant.recipe, registry, parts, pass.usesRuntime === true), variant.recipe.seed, index, compared]);
      steps.push({ index, call, pass, key, cached: (await store.get(key)) !== undefined });
    }
    const evaluations: Evaluation[] = [];
    for (const call of variant.recipe.evaluate) {
      const evaluator = registered(registry, 'evaluator', call.use);
      const id = keyOf(['evaluate', fingerprint, key, await facetsOf(call, evaluator, variant.recipe, registry, parts, true), parts.settings.threads, variant.recipe.seed]);
      evaluations.push({ call, evaluator, key: id, cached: request.cache?.mode !== 'fresh' && (await store.get(id)) !== undefined });
    }
    const gates = variant.recipe.gates.map((call) => ({ call, gate: registered(registry, 'gate', call.use) }));
    problems.push(...metricProblems(variant.recipe, evaluations));
    variants.push({ name: variant.name, values: variant.values, recipe: variant.recipe, steps, evaluations, gates });
  }
  if (problems.length > 0) throw new RecipeError(eachOnce(problems));
  const shown = relative(process.cwd(), path);
  const model = await factsOf(original, shown.startsWith('..') ? path : shown);
  return { recipe, registry, original, sources, fingerprint, model, output: outputPath(request), report: reportPath(request), variants, shard, store, temporary, datasets };
}

/** What a contribution's context is made from, for this recipe. */
export function partsOf(recipe: Recipe, services: Services, signal: AbortSignal, store: Store, datasets: Datasets, progress: ContextParts['progress'] = () => {}): ContextParts {
  const parts: ContextParts = {
    services,
    settings: recipe.runtime,
    signal,
    folder: dirname(recipe.file),
    store,
    dataset: (name, kinds) => datasets.open(recipe, name, contextOf(parts), 'A step', kinds),
    progress,
  };
  return parts;
}

/** Removes what a plan may have left where nobody will look for it. A run does so at its end. */
export async function releasePlan({ temporary, store }: Pick<Plan, 'temporary' | 'store'>): Promise<void> {
  if (temporary) await rm(store.folder, { recursive: true, force: true });
}

function assertMachine(recipe: Recipe, services: Services): void {
  if (recipe.requires.cpu.length === 0) return;
  const machine = services.get(Machine);
  const lacking = recipe.requires.cpu.flatMap((feature, i) => (machine.features.includes(feature) ? [] : [cpuLacks(feature, machine.cpu, machine.features, recipe.source.at(['requires', 'cpu', i]))]));
  if (lacking.length) throw new RecipeError(lacking);
}

/** All variants of a matrix make the same mistakes at the same places. */
const eachOnce = (problems: readonly Diagnostic[]): Diagnostic[] => [...new Map(problems.map((p) => [canonical([p.message, p.at?.file, p.at?.start]), p])).values()];
