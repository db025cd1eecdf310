import { ambiguousMetric, unknownMetric } from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import type { Call, Recipe } from '../recipe/recipe.ts';
import type { Evaluation } from './plan.ts';

/** Metrics that gates judge or `choose` chooses by, and that nothing measures, or two evaluators under one name. */
export function metricProblems(recipe: Recipe, evaluations: readonly Evaluation[]): Diagnostic[] {
  const from = new Map<string, string[]>();
  for (const { call, evaluator } of evaluations) {
    for (const metric of evaluator.metrics(call.with as never)) { // checked against the evaluator's own schema
      from.set(metric, [...(from.get(metric) ?? []), call.use]);
      if (call.as) from.set(`${call.as}.${metric}`, [call.use]);
    }
  }
  const asked = recipe.gates.flatMap((call) => (typeof call.with['metric'] === 'string' ? [{ metric: call.with['metric'], at: metricOf(call, recipe) }] : []));
  const { choose } = recipe;
  if (choose) asked.push({ metric: choose.metric, at: recipe.source.at(['choose', choose.by]) });
  return asked.flatMap(({ metric, at }) => {
    const by = from.get(metric) ?? [];
    if (by.length === 0) return [unknownMetric(metric, [...from.keys()], at)];
    return by.length > 1 ? [ambiguousMetric(metric, by, at)] : [];
  });
}

/** Where a gate says its metric: in the short form that is its key. */
function metricOf({ path, optionsPath }: Call, { source }: Recipe): Span {
  return optionsPath.length > path.length ? source.at([...optionsPath, 'metric']) : source.atKey(path.slice(0, -1), String(path.at(-1)));
}
