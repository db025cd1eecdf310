import type { Model } from '@onnxpress/onnx';
import { asRunError } from '../diagnostics/failure.ts';
import { ofFormat } from '../plugin/formats.ts';
import type { Services } from '../services/services.ts';
import { checkpointOf, passContextOf } from './context.ts';
import type { StepDone } from './events.ts';
import { fileBytes, nodeCount, weightBytes } from './facts.ts';
import { assertMatches, matchesOf } from './matches.ts';
import { namesOf } from './patterns.ts';
import { placed } from './placed.ts';
import { partsOf, type Plan, type PlannedVariant, type Step } from './plan.ts';
import { seeded } from './random.ts';
import { restoreSteps } from './step.ts';

/** What one pattern of a step's options names in the model that the step will get. */
export interface PatternMatch {
  readonly option: string;
  readonly pattern: string;
  /** Names of nodes; operator types where a node has no name. */
  readonly matched: readonly string[];
}

/** What a step will do, as far as it can be known without data: nothing is calibrated, trained or measured. */
export interface StepPreview {
  readonly index: number;
  readonly use: string;
  readonly key: string;
  readonly cached: boolean;
  /** Undefined where nobody can tell before the run: `unknown` says why. */
  readonly effect: Pick<StepDone, 'changed' | 'nodes' | 'bytes' | 'counts' | 'warnings'> | undefined;
  readonly unknown: string | undefined;
  readonly patterns: readonly PatternMatch[];
  /** Why things were left alone, in the pass's words. */
  readonly missed: readonly string[];
}

/** What a variant's steps will do. */
export interface Preview {
  readonly steps: readonly StepPreview[];
  /** What the result's file and its external data will have, but for some bytes per large weight; undefined where a step cannot be foreseen. */
  readonly bytes: number | undefined;
}

/**
 * Tries the steps of a variant on copies that are thrown away: structure changes, weights are not computed where passes are lazy, and nothing is
 * kept. A step that reads data may take hours, so it is foreseen only from the cache; what follows an unforeseen step is unknown too. Throws
 * RecipeError for a pattern that matches nothing, as the run would.
 */
export async function previewSteps(plan: Plan, variant: PlannedVariant, services: Services, signal: AbortSignal): Promise<Preview> {
  const steps: StepPreview[] = [];
  let model: Model | undefined = plan.original;
  for (const step of variant.steps) {
    signal.throwIfAborted();
    const { index, key, cached, call } = step;
    const matches = model ? matchesOf(step, model) : [];
    if (model) assertMatches(step, matches, model, variant.recipe);
    const patterns = matches.map(({ option, pattern, nodes }) => ({ option, pattern, matched: nodes.map((n) => namesOf(n)[0] ?? n.opType) }));
    const tried: Tried = model ? await trial(step, model) : { unknown: 'it depends on the step before' };
    model = tried.model;
    steps.push({ index, use: call.use, key, cached, effect: tried.effect, unknown: tried.unknown, patterns, missed: tried.missed ?? [] });
  }
  return { steps, bytes: model && fileBytes(model) };

  async function trial(step: Step, before: Model): Promise<Tried> {
    if (!readsData(step)) return tryStep(step, before, plan, variant, services, signal);
    const { model: after, done } = await restoreSteps({ ...variant, steps: variant.steps.slice(0, step.index + 1) }, plan.original, plan.store);
    const last = done[step.index];
    return last ? { model: after, effect: last } : { unknown: 'it reads data, and no result is in the cache' };
  }
}

interface Tried {
  readonly model?: Model;
  readonly effect?: StepPreview['effect'];
  readonly unknown?: string;
  readonly missed?: readonly string[];
}

async function tryStep(step: Step, before: Model, plan: Plan, variant: PlannedVariant, services: Services, signal: AbortSignal): Promise<Tried> {
  const copy = before.clone();
  const counts: Record<string, number> = {};
  const [warnings, missed]: [string[], string[]] = [[], []];
  const ctx = passContextOf(partsOf(variant.recipe, services, signal, plan.store, plan.datasets), {
    use: step.call.use,
    usesRuntime: step.pass.usesRuntime === true,
    random: seeded(variant.recipe.seed, step.index, step.call.use),
    checkpoint: checkpointOf(undefined, step.key),
    warn: (message) => void warnings.push(message),
    count(name, by) {
      counts[name] = (counts[name] ?? 0) + by;
    },
    missed: (why) => void missed.push(why),
  });
  try {
    await placed(variant.recipe, step.call, () => step.pass.run(copy, step.call.with as never, ctx)); // checked against the pass's own schema
  } catch (e) {
    throw asRunError(e, { use: step.call.use, step: step.index + 1 });
  }
  const effect = { changed: copy.revision > 0, nodes: [nodeCount(before), nodeCount(copy)], bytes: [weightBytes(before), weightBytes(copy)], counts, warnings } as const;
  return { model: copy, effect, missed };
}

const readsData = ({ call, pass }: Step): boolean => ofFormat('data', pass.options, call.with).length > 0;
