import type { Choose } from '../recipe/recipe.ts';
import type { MetricRow, VariantReport } from './report.ts';

/**
 * The winner among the variants whose gates pass, by name: the best by the metric of `choose`, or the first. A variant in which the metric is not a
 * number wins only where all are such. Undefined where none passes.
 */
export function choose(variants: readonly VariantReport[], by: Choose | undefined): string | undefined {
  const passed = variants.filter((v) => v.ok);
  if (!by) return passed[0]?.name;
  const sign = by.by === 'smallest' ? 1 : -1;
  const cost = (v: VariantReport): number => {
    const value = rowNamed(by.metric, v.metrics)?.result ?? NaN;
    return Number.isNaN(value) ? Infinity : sign * value;
  };
  return passed.reduce<VariantReport | undefined>((best, v) => (best === undefined || cost(v) < cost(best) ? v : best), undefined)?.name;
}

/** The row that a recipe means by a metric: by its whole name, or without the evaluator's where only one row has that metric. */
export function rowNamed(metric: string, rows: readonly MetricRow[]): MetricRow | undefined {
  return rows.find((r) => r.metric === metric) ?? rows.find((r) => r.metric.endsWith(`.${metric}`));
}
