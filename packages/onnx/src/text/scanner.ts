import { OnnxError } from '../error.ts';

/** A number as written. */
export interface NumberLiteral {
  readonly text: string;
  /** Written with a point or an exponent, or as inf or nan. */
  readonly isFloat: boolean;
}

const SPACE = /(?:[ \t\n\v\f\r]+|#[^\n]*)*/y; // a comment goes from # to the end of its line
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const STRING = /"([^"\\]*(?:\\[^][^"\\]*)*)"/y;
const NUMBER = /-?(?:\d+(\.\d*)?([eE][+-]?\d+)?|(inf|infinity|nan)(?![A-Za-z0-9_]))/iy;

/** Walks a text in the ONNX syntax, token by token. Every method skips white space and comments first. */
export class Scanner {
  readonly text: string;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Where the next token starts. */
  get at(): number {
    return (this.#at += this.#match(SPACE)?.[0].length ?? 0);
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character, '' at the end. */
  peek(): string {
    return this.text[this.at] ?? '';
  }

  /** Goes past `token` if it comes next. */
  takes(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.#at += token.length;
    return true;
  }

  expect(token: string, or = ''): void {
    if (!this.takes(token)) this.fail(`${or}"${token}"`);
  }

  /** The identifier that comes next, without going past it; '' where none does. */
  peekWord(): string {
    void this.at;
    return this.#match(WORD)?.[0] ?? '';
  }

  /** The identifier that comes next; '' where none does. */
  word(): string {
    const word = this.peekWord();
    this.#at += word.length;
    return word;
  }

  /** A string in quotes. A backslash stands for the character behind it. */
  string(what = 'a string in quotes'): string {
    const start = this.at;
    const found = this.#match(STRING);
    if (!found) this.fail(this.text[start] === '"' ? 'a closing quote' : what);
    this.#at += found[0].length;
    return found[1]!.includes('\\') ? found[1]!.replace(/\\([^])/g, '$1') : found[1]!;
  }

  /** An identifier, or any name in quotes. */
  name(what: string): string {
    return this.optionalName() ?? this.fail(what);
  }

  /** An identifier, or any name in quotes; undefined where neither comes. */
  optionalName(): string | undefined {
    return this.peek() === '"' ? this.string() : this.word() || undefined;
  }

  number(what = 'a number'): NumberLiteral {
    return this.optionalNumber() ?? this.fail(what);
  }

  optionalNumber(): NumberLiteral | undefined {
    void this.at;
    const found = this.#match(NUMBER);
    if (!found) return undefined;
    this.#at += found[0].length;
    return { text: found[0], isFloat: found[1] !== undefined || found[2] !== undefined || found[3] !== undefined };
  }

  /** An integer that a number holds exactly. */
  integer(what: string): number {
    const start = this.at;
    const { text, isFloat } = this.number(what);
    if (isFloat || !Number.isSafeInteger(Number(text))) this.fail(what, start);
    return Number(text);
  }

  /** `read`, and again after every comma. */
  list<T>(read: () => T): T[] {
    const items = [read()];
    while (this.takes(',')) items.push(read());
    return items;
  }

  /** Throws `bad-text`: what was expected at `start`, what is there, and the line. */
  fail(expected: string, start = this.at): never {
    this.reject(`expected ${expected}, found ${this.#found(start)}`, start);
  }

  /** Throws `bad-text` with the line. */
  reject(problem: string, start = this.at): never {
    const before = this.text.slice(0, start);
    const line = before.split('\n').length;
    const column = start - before.lastIndexOf('\n');
    const whole = this.text.split('\n')[line - 1]!.trimEnd();
    const from = Math.max(0, column - 1 - 60);
    const shown = whole.slice(from, from + 100);
    const gutter = `${line} | `;
    const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
    throw new OnnxError('bad-text', `Line ${line}, column ${column}: ${problem}.\n${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${indent}^`);
  }

  #found(start: number): string {
    if (start >= this.text.length) return 'the end of the text';
    const token = /^(?:[A-Za-z0-9_.+-]+|"[^"\n]*"?|=>|[^])/.exec(this.text.slice(start, start + 40))![0];
    return token === '…' ? '"…", where numbers were left out when this was printed' : token.startsWith('"') ? token : `"${token}"`;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.text);
  }
}
