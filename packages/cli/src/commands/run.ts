import { Clock, EXIT, exitCodeOf, planRun, RecipeError, reportPath, run as runPlan, say, type Report, type RunEvent, type RunRequest } from '@onnxpress/core';
import { startDisplay } from '../display.ts';
import { tellFailure, type Failure } from '../failure.ts';
import { nextLine } from '../next.ts';
import { readReport } from '../reports.ts';
import type { Shell } from '../shell.ts';
import { failureLines, reportLines } from '../table.ts';
import { openRecipes, withServices, type Opened } from '../workspace.ts';

export interface RunFlags {
  readonly model?: string;
  readonly out?: string;
  readonly shard?: string;
  readonly fresh?: boolean;
  /** A folder, or false for --no-cache; commander gives true where neither was said. */
  readonly cache?: string | boolean;
  readonly threads?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Runs recipes one after the other. All are checked before the first one starts. */
export async function run(shell: Shell, given: readonly string[], flags: RunFlags): Promise<number> {
  const opened = await openRecipes(shell, given, flags);
  if (opened.length > 1 && (flags.out !== undefined || flags.model !== undefined)) throw new RecipeError([say.badCall('--out and --model are for one recipe at a time.', 'Run the recipes one by one.')]);
  assertPlaces(shell, opened);
  const request = requestOf(shell, flags);
  const results: (Report | Failure)[] = [];
  let worst: number = EXIT.passed;
  for (const { recipe, registry, shown } of opened) {
    const ended = await runOne(shell, { ...request, recipe, registry }, shown, flags.all);
    results.push(ended.result);
    worst = Math.max(worst, ended.code);
    if (shell.host.signal.aborted) break;
  }
  if (shell.json) shell.outJson(opened.length > 1 ? results : results[0]);
  return worst;
}

/** Recipes of one call that would overwrite each other's report are refused together. */
function assertPlaces(shell: Shell, opened: readonly Opened[]): void {
  const places = new Map<string, string>();
  const problems = opened.flatMap(({ recipe, shown }) => {
    const place = reportPath({ recipe });
    const other = places.get(place);
    places.set(place, other ?? shown);
    return other === undefined ? [] : [say.samePlace(shown, other, shell.shown(place), recipe.source.at(['output']))];
  });
  if (problems.length > 0) throw new RecipeError(problems);
}

export interface Ended {
  readonly code: number;
  /** For --json. */
  readonly result: Report | Failure;
}

/** Runs one recipe with a display, and tells how it ended; `shown` is the recipe's path for what to try next. What fails is told here, so that the next recipe still runs. */
export function runOne(shell: Shell, request: RunRequest, shown: string | undefined, all = false): Promise<Ended> {
  return withServices(shell, async (services) => {
    const display = await startDisplay(shell, request.recipe, services);
    try {
      const plan = await planRun(request, services, shell.host.signal);
      let done: Extract<RunEvent, { readonly type: 'done' }> | undefined;
      for await (const event of runPlan(plan, services, shell.host.signal)) {
        display.show(event.type === 'started' ? { ...event, model: shell.shownFacts(event.model) } : event);
        if (event.type === 'done') done = event;
      }
      if (!done?.report) throw new Error('The run ended without a report.');
      display.stop();
      const report = await readReport(done.report);
      showReport(shell, report, { file: done.report, recipe: shown, all, now: services.get(Clock).now() });
      return { code: exitCodeOf(done), result: report };
    } catch (e) {
      display.stop(true);
      const { code, failure } = tellFailure(e, shell);
      return { code, result: failure };
    }
  }, request.registry);
}

/** The table, the gates that failed or warn, and what to try next. */
export function showReport(shell: Shell, given: Report, { file, recipe, now, all }: { readonly file: string | undefined; readonly recipe: string | undefined; readonly now: number; readonly all?: boolean | undefined }): void {
  const report = given.output ? { ...given, output: shell.shown(given.output) } : given;
  const colors = shell.colorsOf(shell.speech);
  const failures = failureLines(report, { colors });
  const lines = ['', ...reportLines(report, { colors, now, all, cells: shell.speech.isTTY && shell.speech.columns ? shell.speech.columns : undefined }, file === undefined ? undefined : shell.shown(file)), ...(failures.length ? ['', ...failures] : []), ...(recipe ? [nextLine(report, recipe)] : [])];
  shell.speech.write(lines.map((line) => `${line}\n`).join(''));
}

/** What the flags say of a run. Paths are relative to the working directory, as the user gave them. */
export function requestOf(shell: Shell, { model, out, shard, fresh, cache }: RunFlags): Omit<RunRequest, 'recipe' | 'registry'> {
  return {
    model: model === undefined || /^[a-z]{2,}:/i.test(model) ? model : shell.path(model),
    out: out === undefined ? undefined : shell.path(out),
    cache: { folder: typeof cache === 'string' ? shell.path(cache) : undefined, mode: cache === false ? 'none' : fresh ? 'fresh' : 'use' },
    shard: shard === undefined ? undefined : shardOf(shard),
  };
}

/** "2/4": the second of four parts. */
function shardOf(given: string): { readonly index: number; readonly of: number } {
  const [, a, b] = /^(\d{1,6})\/(\d{1,6})$/.exec(given) ?? [];
  const [index, of] = [Number(a), Number(b)];
  if (!(index >= 1 && index <= of)) throw new RecipeError([say.badCall(`The shard "${given}" is no part of a whole.`, 'Write --shard 1/4 for the first of four parts.')]);
  return { index, of };
}
