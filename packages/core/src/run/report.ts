import type { Measured, Measurement, Unit, Verdict } from '../plugin/kinds.ts';
import type { Choose } from '../recipe/recipe.ts';
import type { ModelFacts, RunEvent, StepDone } from './events.ts';

/** Under which conditions the numbers were taken. */
export interface Environment {
  readonly onnxpress: string;
  readonly runtime: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly features: readonly string[];
  readonly cores: number;
  /** The execution provider and the threads that models ran with. */
  readonly provider: string;
  readonly threads: number;
}

export interface MeasuredBy {
  readonly use: string;
  readonly as?: string | undefined;
  readonly ms: number;
  readonly cached: boolean;
  /** When it was measured, in milliseconds since 1970. */
  readonly at: number;
  readonly remarks: readonly string[];
}

/** One row of the table: a metric of the original and of the result. */
export interface MetricRow {
  /** Which of `evaluations` measured it. The first row of each is its main metric. */
  readonly evaluation: number;
  readonly metric: string;
  readonly unit: Unit;
  readonly original: number;
  readonly result: number;
  /** Examples behind an average. */
  readonly n?: number | undefined;
  /** Milliseconds since 1970; a number from the cache keeps the moment it was measured. */
  readonly at: number;
  readonly cached: boolean;
}

export interface VariantReport {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly ok: boolean;
  readonly steps: readonly Omit<StepDone, 'type'>[];
  readonly evaluations: readonly MeasuredBy[];
  readonly metrics: readonly MetricRow[];
  readonly gates: readonly (Verdict & { readonly gate: string })[];
  readonly warnings: readonly string[];
  readonly result: ModelFacts | undefined;
}

/** What `report.json` holds. */
export interface Report {
  readonly schema: 'onnxpress/report/1';
  readonly name: string;
  readonly fingerprint: string;
  readonly model: ModelFacts;
  readonly environment: Environment;
  readonly seed: number;
  readonly variants: readonly VariantReport[];
  /** Part `index` of `of` of a matrix, when the run was one shard. */
  readonly shard?: { readonly index: number; readonly of: number } | undefined;
  /** By what the winner was chosen: shards are joined by the same. */
  readonly choose?: Choose | undefined;
  readonly chosen: string | undefined;
  readonly ok: boolean;
  readonly output: string | undefined;
}

interface Draft {
  name: string;
  values: Readonly<Record<string, unknown>>;
  ok: boolean;
  steps: Omit<StepDone, 'type'>[];
  evaluations: MeasuredBy[];
  metrics: MetricRow[];
  gates: (Verdict & { gate: string })[];
  warnings: string[];
  result: ModelFacts | undefined;
}

/** Gathers a report from the events of a run. Pure: the same events, the same report. */
export class ReportBuilder {
  readonly #drafts = new Map<string, Draft>();
  #report: Omit<Report, 'variants'>;

  constructor(given: { environment: Environment; seed: number; values: ReadonlyMap<string, Readonly<Record<string, unknown>>>; shard?: Report['shard']; choose?: Report['choose'] }) {
    const nothing: ModelFacts = { file: '', bytes: 0, params: 0, nodes: 0, opset: 0 };
    this.#report = { schema: 'onnxpress/report/1', name: '', fingerprint: '', model: nothing, environment: given.environment, seed: given.seed, shard: given.shard, choose: given.choose, chosen: undefined, ok: false, output: undefined };
    for (const [name, values] of given.values) this.#drafts.set(name, { name, values, ok: false, steps: [], evaluations: [], metrics: [], gates: [], warnings: [], result: undefined });
  }

  add(event: RunEvent): void {
    switch (event.type) {
      case 'started':
        this.#report = { ...this.#report, name: event.name, fingerprint: event.fingerprint, model: event.model };
        return;
      case 'step': {
        const { type: _, variant, ...step } = event;
        this.#draft(variant).steps.push(step);
        if (step.cached) this.#draft(variant).warnings.push(...step.warnings); // no event tells them again
        return;
      }
      case 'measured': {
        const { use, as, ms, cached, at, measured } = event;
        this.#draft(event.variant).evaluations.push({ use, as, ms, cached, at, remarks: measured.remarks ?? [] });
        this.#draft(event.variant).metrics.push(...rowsOf(this.#draft(event.variant).evaluations.length - 1, measured, as, at, cached));
        return;
      }
      case 'judged':
        this.#draft(event.variant).gates.push({ ...event.verdict, gate: event.gate });
        return;
      case 'warning':
        this.#draft(event.variant).warnings.push(event.message);
        return;
      case 'variant-done':
        Object.assign(this.#draft(event.variant), { ok: event.ok, result: event.result });
        return;
      case 'done':
        this.#report = { ...this.#report, ok: event.ok, chosen: event.chosen, output: event.output };
        return;
      case 'step-started':
      case 'progress':
        return;
    }
  }

  get report(): Report {
    return { ...this.#report, variants: [...this.#drafts.values()] };
  }

  #draft(variant: string): Draft {
    const draft = this.#drafts.get(variant);
    if (!draft) throw new Error(`The run told of "${variant}", which is no variant of its plan.`);
    return draft;
  }
}

function rowsOf(evaluation: number, measured: Measured, as: string | undefined, at: number, cached: boolean): MetricRow[] {
  return Object.keys(measured.result.metrics).map((metric) => ({
    evaluation,
    metric: as ? `${as}.${metric}` : metric,
    unit: measured.units?.[metric] ?? 'score',
    original: measured.original.metrics[metric] ?? NaN,
    result: measured.result.metrics[metric] ?? NaN,
    n: measured.result.perExample?.[metric]?.length,
    at,
    cached,
  }));
}

/** All metrics of several evaluators under the names that gates use: with `as.` where the recipe names the evaluator, plain where the name is given once. */
export function joinMeasured(all: readonly { readonly as?: string | undefined; readonly measured: Measured }[]): Measured {
  const times = new Map<string, number>();
  for (const { measured } of all) for (const m of Object.keys(measured.result.metrics)) times.set(m, (times.get(m) ?? 0) + 1);
  const pick = (side: 'original' | 'result'): Measurement => {
    const metrics: Record<string, number> = {};
    const perExample: Record<string, readonly number[]> = {};
    for (const { as, measured } of all) {
      for (const [m, value] of Object.entries(measured[side].metrics)) {
        for (const name of namesOf(m, as)) {
          metrics[name] = value;
          const values = measured[side].perExample?.[m];
          if (values) perExample[name] = values;
        }
      }
    }
    return { metrics, perExample };
  };
  const units = Object.fromEntries(all.flatMap(({ as, measured }) => Object.entries(measured.units ?? {}).flatMap(([m, u]) => namesOf(m, as).map((name) => [name, u] as const))));
  return { original: pick('original'), result: pick('result'), units };

  function namesOf(metric: string, as: string | undefined): string[] {
    return [...(as ? [`${as}.${metric}`] : []), ...(times.get(metric) === 1 ? [metric] : [])];
  }
}
