import type { Report } from '@onnxpress/core';
import { roomFor } from './first-recipe.ts';

/** One line that says what to try after a run: the most useful thing that its report suggests. `recipe` is the recipe's path as the user knows it. */
export function nextLine(report: Report, recipe: string): string {
  const variant = report.variants.find((v) => v.name === report.chosen) ?? report.variants[0];
  if (!report.ok) return `next: look at what each step does with onnxpress plan ${recipe}, then leave something out with exclude, or move the gate.`;
  if (!variant || variant.gates.length > 0) return report.output ? `next: onnxpress inspect ${report.output}` : `next: name an output in ${recipe}, so that the result is kept.`;
  const size = variant.metrics.find((m) => m.unit === 'bytes');
  if (!size || !(size.original > 0)) return `next: measure and judge the result: add "evaluate: [eval/size]" and gates to ${recipe}.`;
  return `next: keep it this small: add "gates: { ${size.metric}: { at-most: ${roomFor(size.result / size.original)}% } }" to ${recipe}.`;
}



