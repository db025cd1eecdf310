import type { Choose } from '../recipe/recipe.ts';
import type { VariantReport } from './report.ts';

/** The winner among the variants whose gates pass, by name: the best by the metric of `choose`, or the first. Undefined where none passes. */
export function choose(variants: readonly VariantReport[], by: Choose | undefined): string | undefined {
  const passed = variants.filter((v) => v.ok);
  if (!by) return passed[0]?.name;
  const value = (v: VariantReport): number => v.metrics.find((row) => row.metric === by.metric)?.result ?? NaN;
  const better = (a: VariantReport, b: VariantReport): boolean => (by.by === 'smallest' ? value(b) < value(a) : value(b) > value(a));
  return passed.reduce<VariantReport | undefined>((best, v) => (best === undefined || better(best, v) ? v : best), undefined)?.name;
}
