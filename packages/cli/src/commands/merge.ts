import { asRunError, Clock, EXIT, Files, mergeReports, reportText } from '@onnxpress/core';
import { readReport } from '../reports.ts';
import type { Shell } from '../shell.ts';
import { withServices } from '../workspace.ts';
import { showReport } from './run.ts';

/** Joins the reports of shards into one, and draws the verdict over all candidates. */
export async function merge(shell: Shell, given: readonly string[], flags: { readonly out?: string; readonly all?: boolean; readonly json?: boolean }): Promise<number> {
  const reports = [];
  for (const name of given) reports.push(await readReport(shell.path(name)));
  const merged = mergeReports(reports);
  return withServices(shell, async (services) => {
    const file = flags.out === undefined ? undefined : shell.path(flags.out);
    if (file !== undefined) await services.get(Files).writeText(file, reportText(merged)).catch((e: unknown) => Promise.reject(asRunError(e, { path: file })));
    if (shell.json) shell.outJson(merged);
    else showReport(shell, merged, { file, recipe: undefined, all: flags.all, now: services.get(Clock).now() });
    return merged.ok ? EXIT.passed : EXIT.gateFailed;
  });
}
