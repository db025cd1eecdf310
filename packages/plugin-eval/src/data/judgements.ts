import { plural, quote } from '@onnxpress/core';
import { brokenLine } from '../problems.ts';
import { linesOf } from './lines.ts';

/** One judgement: how relevant a document is to a query. `line` counts from 1. */
export interface Judgement {
  readonly query: string;
  readonly document: string;
  readonly grade: number;
  readonly line: number;
}

const expected = 'a query id, a document id and a grade, separated by tabs ("12\\t184\\t3")';

/** The judgements of a .tsv file, in their order. Its first line may be a header. Throws as `linesOf` does, and `data-broken`. */
export async function* judgementLines(file: string): AsyncGenerator<Judgement, void, undefined> {
  for await (const { number: line, text } of linesOf(file)) {
    const fields = text.split('\t');
    if (fields.length !== 3) throw brokenLine(file, line, plural(fields.length, 'column'), expected);
    const [query, document, written] = fields.map((field) => field.trim()) as [string, string, string]; // three, as just checked
    const grade = written === '' ? NaN : Number(written);
    if (Number.isFinite(grade)) yield { query, document, grade, line };
    else if (line > 1) throw brokenLine(file, line, `the grade ${quote(written)} is no number`, expected);
  }
}
