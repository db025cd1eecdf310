/** Levels of lists and maps in brackets, and of "- - -" on one line. */
const NESTED = 64;
/** Spaces before a line: each may open a level. */
const INDENT = 512;

/**
 * Where lists and maps are nested beyond the limits, from the lexer's tokens. Asked before the parser runs: that goes a call deeper
 * per level, takes minutes for "? ? ?" and ends the process on a long row of brackets.
 */
export function tooDeepAt(tokens: Iterable<string>): number | undefined {
  let [offset, brackets, marks, indent, lineStart, isText] = [0, 0, 0, 0, true, false];
  for (const token of tokens) {
    if (NO_SOURCE.has(token)) {
      isText = token === TEXT_FOLLOWS;
      continue;
    }
    if (!isText) {
      const isMark = brackets === 0 && MARKS.has(token);
      if (/^\r?\n/.test(token)) [marks, indent, lineStart] = [0, 0, true];
      else if (lineStart && token.startsWith(' ')) indent = token.length;
      else if (token === '[' || token === '{') brackets++;
      else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1);
      else if (isMark) marks++;
      if (brackets > NESTED || marks > NESTED || (isMark && indent > INDENT)) return offset;
      if (!token.endsWith('\n')) lineStart = false;
    }
    isText = false;
    offset += token.length;
  }
  return undefined;
}

const TEXT_FOLLOWS = '\u001f';
/** What the lexer says about the next token, or about the document: not in the text. */
const NO_SOURCE = new Set([TEXT_FOLLOWS, '\u0002', '\u0018']);
const MARKS = new Set(['-', '?', ':']);
