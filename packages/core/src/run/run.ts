import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { Model } from '@onnxpress/onnx';
import { registered } from '../plugin/registry.ts';
import { asRunError, ifDiskFull } from '../diagnostics/failure.ts';
import type { Services } from '../services/services.ts';
import { Clock, Files, Machine, Runtime } from '../services/tokens.ts';
import { writeCandidate, type Candidate } from './candidate.ts';
import { channel } from './channel.ts';
import { contextOf } from './context.ts';
import { evaluate } from './evaluate.ts';
import { choose } from './choose.ts';
import type { ModelFacts, RunEvent } from './events.ts';
import { DEFAULT_CACHE_BYTES, evict } from './evict.ts';
import { factsOf } from './facts.ts';
import { coreVersion } from './facets.ts';
import { FOLDER_MODEL } from './paths.ts';
import { placed } from './placed.ts';
import { partsOf, releasePlan, type Plan, type PlannedVariant } from './plan.ts';
import { joinMeasured, ReportBuilder, type Report } from './report.ts';
import { restoreSteps, runStep } from './step.ts';

/**
 * A run is the stream of what happens in it. Whoever stops reading stops the run; what is finished is kept. Writes the result and `report.json`
 * before `done`. A failed gate is no exception: `done.ok` says it, and the old output stays. Throws RecipeError and RunError.
 */
export async function* run(plan: Plan, services: Services, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const scope = services.scope();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const builder = new ReportBuilder({ environment: environmentOf(plan, scope), seed: plan.recipe.seed, values: new Map(plan.variants.map((v) => [v.name, v.values])), shard: plan.shard, choose: plan.recipe.choose });
  try {
    const report = reportersOf(plan, scope, both);
    for await (const event of events(plan, scope, { signal: both, abandon: () => stop.abort() }, builder)) {
      for (const reporter of report) await reporter(event);
      yield event;
    }
  } catch (e) {
    throw asRunError(e);
  } finally {
    stop.abort();
    await scope.dispose();
    await releasePlan(plan);
  }
}

/** How a run is stopped: from outside by its signal, from within where nobody reads it any more. */
interface Stopping {
  readonly signal: AbortSignal;
  abandon(): void;
}

async function* events(plan: Plan, services: Services, stopping: Stopping, builder: ReportBuilder): AsyncGenerator<RunEvent> {
  const told = (event: RunEvent): RunEvent => {
    builder.add(event);
    return event;
  };
  yield told({ type: 'started', name: plan.recipe.name, model: plan.model, variants: plan.variants.map((v) => v.name), fingerprint: plan.fingerprint });
  const candidates = new Map<string, Candidate>();
  try {
    for (const variant of plan.variants) for await (const event of runVariant(plan, variant, services, stopping, candidates)) yield told(event);
    const chosen = choose(builder.report.variants, plan.recipe.choose);
    const ok = chosen !== undefined;
    const written = ok && plan.output !== undefined;
    const done = { type: 'done', ok, chosen, output: written ? plan.output : undefined, report: plan.report } as const;
    builder.add(done);
    await settle(services.get(Files), done.report, reportText(builder.report), written ? candidates.get(chosen) : undefined);
    if (!plan.temporary) await evict(plan.store, DEFAULT_CACHE_BYTES, services.get(Clock).now());
    yield done;
  } finally {
    for (const candidate of candidates.values()) candidate.discard();
  }
}

/** The report and the result arrive together, or neither does. */
async function settle(files: Files, report: string, text: string, winner: Candidate | undefined): Promise<void> {
  const full = (e: unknown): never => {
    throw ifDiskFull(e, report, () => Buffer.byteLength(text));
  };
  await files.writeText(winner ? join(winner.folder, basename(report)) : report, text).catch(full);
  winner?.accept();
}

async function* runVariant(plan: Plan, variant: PlannedVariant, services: Services, { signal, abandon }: Stopping, candidates: Map<string, Candidate>): AsyncGenerator<RunEvent> {
  const here = { variant: variant.name };
  const { store, original, datasets } = plan;
  const { model: restored, done: known } = await restoreSteps(variant, original, store);
  let model: Model = restored;
  for (const step of known) yield { ...here, ...step };
  for (const step of variant.steps.slice(known.length)) {
    signal.throwIfAborted();
    yield { ...here, type: 'step-started', index: step.index, use: step.call.use };
    const result = yield* channel<RunEvent, Awaited<ReturnType<typeof runStep>>>((tell) => {
      const parts = partsOf(variant.recipe, services, signal, store, datasets, (done, of, what) => tell({ ...here, type: 'progress', phase: 'step', use: step.call.use, done, of, what }));
      return runStep(step, model, plan, variant, parts, (message) => tell({ ...here, type: 'warning', message, use: step.call.use }));
    }, abandon);
    model = result.model;
    yield { ...here, ...result.done };
  }
  const output = plan.output ?? join(store.folder, 'candidates', 'model.onnx');
  const candidate = await writeCandidate(model, original, output, signal, plan.output !== undefined && basename(plan.output) === FOLDER_MODEL);
  candidates.set(variant.name, candidate);
  const measured = [];
  for (const evaluation of variant.evaluations) {
    signal.throwIfAborted();
    const event = yield* channel<RunEvent, Awaited<ReturnType<typeof evaluate>>>((tell) => {
      const parts = partsOf(variant.recipe, services, signal, store, datasets, (done, of, what) => tell({ ...here, type: 'progress', phase: 'evaluate', use: evaluation.call.use, done, of, what }));
      return evaluate(evaluation, variant.recipe, { original, result: candidate.model }, parts, store);
    }, abandon);
    measured.push(event);
    yield { ...here, ...event };
  }
  const all = joinMeasured(measured);
  let ok = true;
  for (const { call, gate } of variant.gates) {
    const verdict = await placed(variant.recipe, call, () => gate.judge(all, call.with as never)); // checked against the gate's own schema
    ok &&= verdict.ok;
    yield { ...here, type: 'judged', gate: call.as ?? call.use, verdict };
  }
  const result: ModelFacts = await factsOf(candidate.model, plan.output ?? '');
  yield { ...here, type: 'variant-done', ok, result };
}

/** One function of events per reporter of the recipe. */
function reportersOf(plan: Plan, services: Services, signal: AbortSignal): ((event: RunEvent) => void | Promise<void>)[] {
  const parts = partsOf(plan.recipe, services, signal, plan.store, plan.datasets);
  return plan.recipe.reports.map((call) => registered(plan.registry, 'reporter', call.use).report(call.with as never, contextOf(parts))); // checked against the reporter's own schema
}

function environmentOf(plan: Plan, services: Services): Report['environment'] {
  const machine = services.get(Machine);
  return {
    onnxpress: coreVersion,
    runtime: services.get(Runtime).version,
    node: process.version,
    platform: machine.platform,
    cpu: machine.cpu,
    features: machine.features,
    cores: machine.cores,
    provider: plan.recipe.runtime.provider,
    threads: plan.recipe.runtime.threads || availableParallelism(),
  };
}

/** How a report is written: for people too. */
export const reportText = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`;
