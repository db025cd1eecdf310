/** A piece of a text that someone wrote. `start` and `end` count UTF-16 units from the start of `text`, which has no byte order mark. */
export interface Span {
  readonly file: string;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Something to tell the user: what is wrong, where, and what to do. Every one is made in catalogue.ts, so all of them can be read, and tested, in one place. */
export interface Diagnostic {
  /** Kebab-case and stable: scripts and annotations may rely on it. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string | undefined;
  readonly at?: Span | undefined;
}

/** Lines and columns count from 1; columns are UTF-16 units, as editors count them. `endColumn` is the first column after a span that ends on line `endLine`. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export function positionOf({ text, start, end }: Span): Position {
  const from = lineAndColumn(text, start);
  const to = lineAndColumn(text, Math.max(start, end));
  return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}

/** The message as a terminal or a log shows it: no colours, no trailing line break. */
export function render(d: Diagnostic): string {
  return [
    `${d.severity} ${d.code}: ${d.message}`,
    ...(d.at ? frame(d.at) : []),
    ...(d.hint ? [`  ${d.hint}`] : []),
  ].join('\n');
}

/** By file in the order of `files`, or of first mention, then by place; what has no place comes first. Equal ones are kept once. */
export function inOrder(diagnostics: readonly Diagnostic[], files: readonly string[] = []): readonly Diagnostic[] {
  const order = [...new Set([...files, ...diagnostics.map((d) => d.at?.file ?? '')])];
  const rank = (d: Diagnostic): number => (d.at ? order.indexOf(d.at.file) : -1);
  const seen = new Set<string>();
  return [...diagnostics].sort((a, b) => rank(a) - rank(b) || (a.at?.start ?? 0) - (b.at?.start ?? 0)).filter((d) => {
    const same = JSON.stringify([d.code, d.message, d.at?.file, d.at?.start]);
    return !seen.has(same) && seen.add(same);
  });
}

/** Cells of a terminal that a quoted line may take. */
const WIDTH = 100;
/** Cells shown before the caret where a line is cut. */
const LEAD = 40;

function frame(span: Span): string[] {
  const { line, column } = positionOf(span);
  const lineStart = span.start - (column - 1);
  const row = lineAt(span.text, lineStart);
  const length = Math.max(1, Math.min(span.end, lineStart + row.length) - span.start);
  const gutter = ' '.repeat(String(line).length);
  const shown = cut(row, column - 1, length);
  return [
    `  --> ${span.file}:${line}:${column}`,
    `${line} | ${shown.text}`,
    `${gutter} | ${shown.padding}${'^'.repeat(shown.carets)}`,
  ];
}

/** The part of a line around its mistake that fits, and what to write below it. Tabs stay tabs above and below, so carets meet their word at any tab width. */
function cut(row: string, from: number, length: number): { readonly text: string; readonly padding: string; readonly carets: number } {
  const long = cells(row) > WIDTH;
  const begin = long && from > LEAD ? from - LEAD : 0;
  const end = long ? begin + WIDTH - 2 : row.length;
  const head = begin > 0 ? '…' : '';
  const before = head + printable(row.slice(begin, from));
  const marked = printable(row.slice(from, Math.min(from + length, end)));
  return {
    text: head + printable(row.slice(begin, end)) + (end < row.length ? '…' : ''),
    padding: [...before].map((c) => (c === '\t' ? c : ' '.repeat(cells(c)))).join(''),
    carets: Math.max(1, cells(marked)),
  };
}

/** What would move the cursor or recolour the terminal is shown as a dot. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, '·');

const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60]/u;
const NARROWEST = /\p{M}|\u200d/u;

/** How many columns of a terminal a text takes. */
function cells(text: string): number {
  let sum = 0;
  for (const c of text) sum += c < '\u0300' ? 1 : WIDE.test(c) ? 2 : NARROWEST.test(c) ? 0 : 1;
  return sum;
}

function lineAndColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < offset; next = text.indexOf('\n', next + 1)) {
    line++;
    start = next + 1;
  }
  return { line, column: Math.min(offset, text.length) - start + 1 };
}

function lineAt(text: string, start: number): string {
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '');
}
