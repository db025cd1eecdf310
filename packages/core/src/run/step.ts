import { assertValid, describeType, type Model } from '@onnxpress/onnx';
import { signatureChanged, sourceChanged, verifyFailed } from '../diagnostics/catalogue.ts';
import { RunError } from '../diagnostics/errors.ts';
import { asRunError } from '../diagnostics/failure.ts';
import { Clock, Runtime } from '../services/tokens.ts';
import { checkpointOf, passContextOf, type ContextParts } from './context.ts';
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

/** Runs one step on a copy of the model, checks what came out, and keeps it. A pass that changed nothing gives the model back as it was. */
export async function runStep(step: Step, before: Model, { original, sources, store }: Pick<Plan, 'original' | 'sources' | 'store'>, variant: PlannedVariant, parts: ContextParts, tell: (warning: string) => void): Promise<{ model: Model; done: StepDone }> {
  const clock = parts.services.get(Clock);
  const started = clock.ticks();
  const { pass, call, index } = step;
  assertMatches(step, matchesOf(step, before), before, variant.recipe);
  const copy = before.clone();
  const counts: Record<string, number> = {};
  const records: StepRecord[] = [];
  const warnings: string[] = [];
  const checkpoint = checkpointOf(store, step.key);
  const ctx = passContextOf(parts, {
    use: call.use,
    usesRuntime: pass.usesRuntime === true,
    random: seeded(variant.recipe.seed, index, call.use),
    checkpoint,
    warn(message) {
      warnings.push(message);
      tell(message);
    },
    count(name, by) {
      counts[name] = (counts[name] ?? 0) + by;
    },
    missed() {},
    record: (record) => void records.push(record),
  });
  await wrapped(step, async () => {
    await placed(variant.recipe, call, () => pass.run(copy, call.with as never, ctx)); // checked against the pass's own schema
    parts.signal.throwIfAborted();
  });
  const changed = copy.revision > 0;
  let verified: string | undefined;
  let stored: Awaited<ReturnType<typeof keepModel>> | undefined;
  let model = before;
  if (changed) {
    await wrapped(step, () => assertValid(copy));
    if (!pass.signature) assertSignature(step, before, copy);
    stored = await wrapped(step, () => keepModel(copy, original, store, step.key, { signal: parts.signal, progress: (at, of) => parts.progress(at, of, 'writing') }));
    // From here on the tensors come from the store: what the pass computes lazily is computed once.
    model = (await restoreModel(stored.stored, stored.blobs, original, store)) ?? copy;
    verified = await compare(model);
  }
  // What was made from a file that changed meanwhile is not what the key says.
  const touched = await changedSince(sources);
  if (touched !== undefined) throw new RunError(sourceChanged(touched));
  const done: Omit<StepDone, 'cached'> = {
    type: 'step', index, use: call.use, key: step.key, numerics: pass.numerics, changed, ms: clock.ticks() - started,
    nodes: [nodeCount(before), nodeCount(copy)], bytes: [weightBytes(before), weightBytes(copy)], counts, ...(records.length > 0 ? { records } : {}), warnings, verify: verified,
  };
  const value: StoredStep = { done, model: stored?.stored };
  await store.put({ key: step.key, kind: 'step', label: call.use, value, blobs: stored?.blobs ?? [] });
  await checkpoint.clear();
  return { model, done: { ...done, cached: false } };

  async function compare(after: Model): Promise<string> {
    const { equal, finding } = await wrapped(step, () => verify(before, after, pass.numerics, variant.recipe.verify, parts.services.get(Runtime), parts.settings));
    if (!equal) throw new RunError(verifyFailed(call.use, index + 1, finding));
    return finding;
  }
}

/** Whatever a pass throws is said to come from it; what was thrown stays as the cause. */
async function wrapped<T>({ call, index }: Step, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw asRunError(e, { use: call.use, step: index + 1 });
  }
}

function assertSignature({ call, index }: Step, before: Model, after: Model): void {
  const shown = (m: Model): string[] => [...m.graph.inputs.map((v) => `input ${v.name}: ${describeType(v.declared)}`), ...m.graph.outputs.map((v) => `output ${v.name}: ${describeType(v.declared)}`)];
  const [was, is] = [shown(before), shown(after)];
  const changes = [...was.filter((s) => !is.includes(s)).map((s) => `- ${s}`), ...is.filter((s) => !was.includes(s)).map((s) => `+ ${s}`)];
  if (changes.length) throw new RunError(signatureChanged(call.use, index + 1, changes));
}
