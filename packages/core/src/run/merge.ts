import { badCall } from '../diagnostics/catalogue.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { choose } from './choose.ts';
import type { Report } from './report.ts';

/**
 * The reports of a matrix's shards as one. They must be of the same recipe name and the same model, each shard once; the verdict is drawn anew over
 * all variants in the recipe's order, by what the recipe chooses by, whatever the order of the reports. Throws RecipeError where they do not belong together.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports;
  if (!first) throw new RecipeError([badCall('There are no reports to merge.')]);
  for (const r of reports) {
    if (r.fingerprint !== first.fingerprint || r.name !== first.name) throw new RecipeError([badCall(`The reports are of different runs: "${first.name}" and "${r.name}", of models ${first.fingerprint.slice(0, 12)} and ${r.fingerprint.slice(0, 12)}.`)]);
  }
  const odd = reports.find((r) => r.shard?.of !== first.shard?.of);
  if (odd) throw new RecipeError([badCall(`The reports are of shards of different sizes: one of ${first.shard?.of ?? 1} and one of ${odd.shard?.of ?? 1}.`)]);
  const variants = reports.flatMap((r) => r.variants.map((variant, i) => ({ variant, place: i * (r.shard?.of ?? 1) + (r.shard?.index ?? 1) }))).sort((a, b) => a.place - b.place).map(({ variant }) => variant);
  const twice = variants.find((v, i) => variants.findIndex((w) => w.name === v.name) !== i);
  if (twice) throw new RecipeError([badCall(`Two of the reports hold the variant "${twice.name}".`)]);
  const missing = (first.shard?.of ?? 1) - reports.length;
  if (missing > 0) throw new RecipeError([badCall(`${missing} of ${first.shard?.of} shards have no report here.`)]);
  const chosen = choose(variants, first.choose);
  const { shard: _, ...rest } = first;
  return { ...rest, variants, chosen, ok: chosen !== undefined, output: reports.find((r) => r.chosen === chosen)?.output };
}
