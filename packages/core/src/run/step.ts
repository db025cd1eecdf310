import { join } from 'node:path';
import { Aside, assertValid, describeType, watchRewriting, type Model } from '@onnxpress/onnx';
import { notVerified, signatureChanged, sourceChanged, stepRolledBack, verifyFailed } from '../diagnostics/catalogue.ts';
import { RunError } from '../diagnostics/errors.ts';
import { asRunError } from '../diagnostics/failure.ts';
import { list } from '../diagnostics/words.ts';
import { Clock, interruptible, Runtime } from '../services/tokens.ts';
import { checkpointOf, passContextOf, type ContextParts } from './context.ts';
import { culpritOf, firstDifference, type Firing } from './culprit.ts';
import { toleranceFor } from './distance.ts';
import type { StepDone, StepRecord } from './events.ts';
import { nodeCount, weightBytes } from './facts.ts';
import { keepModel, restoreModel, type StoredModel } from './model-store.ts';
import { assertMatches, matchesOf } from './matches.ts';
import { placed } from './placed.ts';
import type { Plan, PlannedVariant, Step } from './plan.ts';
import { seeded } from './random.ts';
import { changedSince } from './sources.ts';
import type { Store } from './store.ts';
import { verify } from './verify.ts';

/** What the store holds of a step. A step that changed nothing points at no model: the one before it is the result. */
interface StoredStep {
  readonly done: Omit<StepDone, 'cached'>;
  readonly model: StoredModel | undefined;
}

/** The steps' results that are already in the store: how many from the first on, the model after the last of them, and what is known of each. */
export async function restoreSteps(variant: PlannedVariant, original: Model, store: Store): Promise<{ model: Model; done: StepDone[] }> {
  const found: { value: StoredStep; blobs: Parameters<typeof restoreModel>[1] }[] = [];
  for (const step of variant.steps) {
    const entry = await store.get(step.key);
    if (!entry) break;
    found.push({ value: entry.value as StoredStep, blobs: entry.blobs }); // written by runStep under this very key
  }
  for (; found.length; found.pop()) {
    const last = found.findLast((f) => f.value.model);
    const model = last?.value.model ? await restoreModel(last.value.model, last.blobs, original, store) : original;
    if (model) return { model, done: found.map((f) => ({ ...f.value.done, cached: true })) };
  }
  return { model: original, done: [] };
}

/**
 * Runs one step on a copy of the model, checks what came out, and keeps it. A pass that changed nothing gives the model back as it was, and so does one that is
 * not lossy and whose result computes something else: it is rolled back, which is said, or ends the run where the recipe says `verify: strict`.
 */
export async function runStep(step: Step, before: Model, { original, sources, store }: Pick<Plan, 'original' | 'sources' | 'store'>, variant: PlannedVariant, parts: ContextParts, tell: (warning: string) => void): Promise<{ model: Model; done: StepDone }> {
  const clock = parts.services.get(Clock);
  const started = clock.ticks();
  const { pass, call, index } = step;
  const { recipe } = variant;
  assertMatches(step, matchesOf(step, before), before, recipe);
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
    tell(message);
  };
  const checkpoint = checkpointOf(store, step.key);
  const { copy, counts, records } = await wrapped(step, () => passed(warn));
  const changed = copy.revision > 0;
  let verified: string | undefined;
  let stored: Awaited<ReturnType<typeof keepModel>> | undefined;
  let model = before;
  let rolledBack: string | undefined;
  if (changed) {
    await wrapped(step, () => assertValid(copy));
    const changes = pass.signature ? [] : signatureChanges(before, copy);
    if (changes.length > 0 && (pass.numerics === 'lossy' || recipe.verify === 'off')) throw new RunError(signatureChanged(call.use, index + 1, changes));
    stored = await wrapped(step, () => keepModel(copy, original, store, step.key, { signal: parts.signal, progress: (at, of) => parts.progress(at, of, 'writing') }));
    // From here on the tensors come from the store: what the pass computes lazily is computed once.
    model = (await restoreModel(stored.stored, stored.blobs, original, store)) ?? copy;
    rolledBack = await judged(model, changes);
  }
  // What was made from a file that changed meanwhile is not what the key says.
  const touched = await changedSince(sources);
  if (touched !== undefined) throw new RunError(sourceChanged(touched));
  const stays = rolledBack === undefined;
  const done: Omit<StepDone, 'cached'> = {
    type: 'step', index, use: call.use, key: step.key, numerics: pass.numerics, changed: changed && stays, ms: clock.ticks() - started,
    nodes: [nodeCount(before), nodeCount(stays ? copy : before)], bytes: [weightBytes(before), weightBytes(stays ? copy : before)], counts: stays ? counts : {}, ...(stays && records.length > 0 ? { records } : {}), warnings, verify: verified, rolledBack,
  };
  const value: StoredStep = { done, model: stays ? stored?.stored : undefined };
  await store.put({ key: step.key, kind: 'step', label: call.use, value, blobs: (stays && stored?.blobs) || [] });
  await checkpoint.clear();
  return { model: stays ? model : before, done: { ...done, cached: false } };

  /** The pass on a copy; rules fire `most` times. */
  async function passed(warned: (message: string) => void, most?: number): Promise<{ copy: Model; counts: Record<string, number>; records: StepRecord[]; fired: Firing[] }> {
    const edited = before.clone();
    const [counted, records, fired]: [Record<string, number>, StepRecord[], Firing[]] = [{}, [], []];
    if (most !== undefined) watchRewriting(edited, { most, fired: (rule, at) => void fired.push({ rule, at }) });
    const aside = new Aside(join(store.folder, 'aside'));
    const ctx = passContextOf(parts, {
      use: call.use,
      usesRuntime: pass.usesRuntime === true,
      random: seeded(recipe.seed, index, call.use),
      checkpoint,
      aside,
      warn: warned,
      count(name, by) {
        counted[name] = (counted[name] ?? 0) + by;
      },
      record: (record) => void records.push(record),
    });
    try {
      await placed(recipe, call, () => pass.run(edited, call.with as never, ctx)); // checked against the pass's own schema
    } finally {
      aside.dispose();
    }
    parts.signal.throwIfAborted();
    return { copy: edited, counts: counted, records, fired };
  }

  /** Compares; says why the step is rolled back, or undefined. */
  async function judged(after: Model, changes: readonly string[]): Promise<string | undefined> {
    const took = clock.ticks() - started;
    const runtime = interruptible(parts.services.get(Runtime), parts.signal);
    const rerun = async (most: number): Promise<{ model: Model; fired: readonly Firing[] }> => {
      const again = await passed(() => {}, most);
      return { model: again.copy, fired: again.fired };
    };
    const searched = (search: () => Promise<string | undefined>): Promise<string | undefined> => search().catch(() => parts.signal.throwIfAborted() as undefined); // a pass may fail where not all of its rules fire
    let found: string;
    let culprit: string | undefined;
    if (changes.length > 0) {
      found = `the model's inputs or outputs changed, and the pass does not say that they may: ${list(changes)}`;
      if (took <= BISECTED_MS) culprit = await searched(async () => ruled(await culpritOf(rerun, async (m) => signatureChanges(before, m).length > 0)));
    } else {
      const result = await wrapped(step, () => verify({ before, after, numerics: pass.numerics, mode: recipe.verify, runtime, settings: parts.settings, clock, signal: parts.signal }));
      verified = result.finding;
      if (result.verdict === 'not compared' && recipe.verify === 'strict' && pass.numerics !== 'lossy') throw new RunError(notVerified(call.use, index + 1, result.finding));
      if (result.verdict !== 'different') return undefined;
      found = result.finding;
      const { recheck, seen } = result;
      if (took <= BISECTED_MS && recheck) culprit = await searched(async () => ruled(await culpritOf(rerun, recheck)));
      if (culprit === undefined && seen) culprit = await searched(() => firstDifference(before, after, { feeds: seen.feeds, optimize: seen.level, tolerance: toleranceFor(before), runtime, settings: parts.settings }));
    }
    const failure = verifyFailed(call.use, index + 1, found, culprit);
    if (recipe.verify === 'strict') throw new RunError(failure);
    const said = stepRolledBack(found, culprit).message;
    warn(said);
    return said;
  }
}

/** A pass that takes longer is not run again, some ten times, to find the rule that is to blame. */
const BISECTED_MS = 30_000;

const ruled = (firing: Firing | undefined): string | undefined => firing && `it came with rule ${firing.rule} at ${firing.at}`;

/** Whatever a pass throws is said to come from it; what was thrown stays as the cause. */
async function wrapped<T>({ call, index }: Step, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw asRunError(e, { use: call.use, step: index + 1 });
  }
}

/** Inputs and outputs that went and came. */
function signatureChanges(before: Model, after: Model): string[] {
  const shown = (m: Model): string[] => [...m.graph.inputs.map((v) => `input ${v.name}: ${describeType(v.declared)}`), ...m.graph.outputs.map((v) => `output ${v.name}: ${describeType(v.declared)}`)];
  const [was, is] = [shown(before), shown(after)];
  return [...was.filter((s) => !is.includes(s)).map((s) => `- ${s}`), ...is.filter((s) => !was.includes(s)).map((s) => `+ ${s}`)];
}
