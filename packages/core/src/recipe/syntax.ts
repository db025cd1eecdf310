import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';

type Answer = readonly [problem: string, hint: string];

/** The parser's codes that people meet, in words that say what to do. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  BAD_ALIAS: ['This alias or anchor is not one.', 'Quote a text that starts with * or &.'],
  BAD_DQ_ESCAPE: ['This escape sequence has no meaning.', 'In double quotes, write \\\\ for a backslash, or use single quotes.'],
  BAD_INDENT: ['The indentation does not fit what stands above.', 'Indent entries of one list or map by the same number of spaces, and close every bracket.'],
  BAD_SCALAR_START: ['A text may not start with this character.', 'Put the text in quotes.'],
  BLOCK_AS_IMPLICIT_KEY: ['There is a second ": " on one line.', 'Put a text that holds ": " in quotes, and start a map on a line of its own.'],
  MISSING_CHAR: ['Something is missing here.', 'Close brackets and quotes, and put ": " after each key and "," between entries.'],
  MULTILINE_IMPLICIT_KEY: ['A key goes over several lines.', 'Put ": " after each key, and check the indentation.'],
  NON_STRING_KEY: ['A key must be a text.', 'Write "key: value".'],
  TAB_AS_INDENT: ['A tab may not indent.', 'Indent with spaces.'],
  UNEXPECTED_TOKEN: ['This does not belong here.', 'Check the indentation, and put texts with special characters in quotes.'],
};

/** What is wrong with the YAML, without the parser's jargon; where an expression needs quotes, that is what it says. */
export function explainSyntax(code: string, message: string, at: Span): Diagnostic {
  if (bareExpression(at)) return say.yamlSyntax('An expression within [ ] or { } needs quotes.', at, 'Write "${{ matrix.name }}".');
  const answer = Object.hasOwn(ANSWERS, code) ? ANSWERS[code] : undefined;
  if (!answer) return say.yamlSyntax(`${message.replace(/\.$/, '')}.`, at);
  const expected = code === 'MISSING_CHAR' ? /Missing closing .quote|expected|needs? to be followed/i.exec(message) : null;
  return say.yamlSyntax(expected?.[0].startsWith('Missing closing') ? 'A quote is not closed.' : answer[0], at, answer[1]);
}

/** Whether the text at or just before a place is `${{` without a quote before it. */
function bareExpression({ text, start }: Span): boolean {
  const lineStart = text.lastIndexOf('\n', Math.max(0, start - 1)) + 1;
  const before = text.slice(lineStart, start + 2);
  return /[[{,:]\s*\$\{\{?$/.test(before) || /[[{,:]\s*\$\{\{\s*matrix\.[^"']*$/.test(before);
}
