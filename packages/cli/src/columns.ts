/* Text in columns, with colours and wide characters counted as a terminal counts them. */

// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ESCAPES = /\u001b\[[0-9;]*m/g;
const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60]/u;
const NARROWEST = /\p{M}|\u200d/u;

/** How many cells of a terminal a text takes; colours take none. */
export function width(text: string): number {
  let cells = 0;
  for (const c of text.replace(ESCAPES, '')) cells += c < '\u0300' ? 1 : WIDE.test(c) ? 2 : NARROWEST.test(c) ? 0 : 1;
  return cells;
}

export const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - width(text)));
export const padStart = (text: string, to: number): string => ' '.repeat(Math.max(0, to - width(text))) + text;

/** Cuts a text to a number of cells, with "…" where something is gone. Colours are kept and closed. */
export function fit(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  let kept = '';
  let left = cells - 1;
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) { // eslint-disable-line no-control-regex -- as above
    if (part.startsWith('\u001b')) {
      kept += part;
      continue;
    }
    for (const c of part) {
      const takes = width(c);
      if (left < takes) {
        left = -1;
        break;
      }
      left -= takes;
      kept += c;
    }
  }
  return `${kept}…`;
}

/** Rows as lines: every column as wide as its widest cell, two spaces between, none at the end. `right` names the columns that end together. */
export function columns(rows: readonly (readonly string[])[], given: { readonly indent?: string; readonly right?: readonly number[] } = {}): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(cell))));
  return rows.map((row) => ((given.indent ?? '') + row.map((cell, i) => (given.right?.includes(i) ? padStart(cell, widths[i]!) : pad(cell, widths[i]!))).join('  ')).trimEnd());
}

/** A text as lines of at most so many cells, broken between words; a longer word has a line of its own. */
export function wrap(text: string, cells: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && width(last) + 1 + width(word) <= cells) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
