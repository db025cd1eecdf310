import { badCall } from '../diagnostics/catalogue.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { choose } from './choose.ts';
import type { Report } from './report.ts';

/**
 * The reports of a matrix's shards as one. They must be of the same recipe name and the same model, each shard once; the verdict is drawn anew over
 * all variants, by what the recipe chooses by. Throws RecipeError where they do not belong together.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports;
  if (!first) throw new RecipeError([badCall('There are no reports to merge.')]);
  for (const r of reports) {
    if (r.fingerprint !== first.fingerprint || r.name !== first.name) throw new RecipeError([badCall(`The reports are of different runs: "${first.name}" and "${r.name}", of models ${first.fingerprint.slice(0, 12)} and ${r.fingerprint.slice(0, 12)}.`)]);
  }
  const variants = reports.flatMap((r) => r.variants);
  const twice = variants.find((v, i) => variants.findIndex((w) => w.name === v.name) !== i);
  if (twice) throw new RecipeError([badCall(`Two of the reports hold the variant "${twice.name}".`)]);
  const missing = (first.shard?.of ?? 1) - reports.length;
  if (missing > 0) throw new RecipeError([badCall(`${missing} of ${first.shard?.of} shards have no report here.`)]);
  const chosen = choose(variants, first.choose);
  const { shard: _, ...rest } = first;
  return { ...rest, variants, chosen, ok: chosen !== undefined, output: reports.find((r) => r.chosen === chosen)?.output };
}
