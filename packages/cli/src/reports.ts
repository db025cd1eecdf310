import { readFile } from 'node:fs/promises';
import { asRunError, RecipeError, say, type Report } from '@onnxpress/core';

const SCHEMA = 'onnxpress/report/1';

/** A report from its file. Throws RecipeError for a file that is no report, and RunError where it cannot be read. */
export async function readReport(path: string): Promise<Report> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (e) {
    throw asRunError(e, { path });
  }
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || !('schema' in value) || value.schema !== SCHEMA) {
    throw new RecipeError([say.badCall(`${path} is no report of onnxpress: it does not say "schema": "${SCHEMA}".`, 'A run writes report.json beside its output.')]);
  }
  const report = value as Report; // only runs write files with this schema
  return { ...report, variants: report.variants.map((v) => ({ ...v, metrics: v.metrics.map((m) => ({ ...m, original: m.original ?? NaN, result: m.result ?? NaN })) })) }; // JSON has null for NaN
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
