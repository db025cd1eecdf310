import { brokenLine } from '../problems.ts';
import { linesOf } from './lines.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A line of a .jsonl file. */
export interface JsonLine {
  readonly file: string;
  readonly number: number;
  readonly value: Json;
}

/** The objects of a .jsonl file, one to a line. `expected` says in messages what a line should have been. Throws as `linesOf` does, and `data-broken`. */
export async function* jsonLines(file: string, expected: string): AsyncGenerator<JsonLine, void, undefined> {
  for await (const { number, text } of linesOf(file)) {
    yield { file, number, value: parse(text, file, number, expected) };
  }
}

/** The text under `key`; `data-broken` where it is absent or no text. */
export function textAt({ file, number, value }: JsonLine, key: string, expected: string): string {
  const text = value[key];
  if (typeof text === 'string') return text;
  const found = text === undefined ? `has no "${key}"${listed(value)}` : `has a "${key}" that is ${kindOf(text)}, not a string`;
  throw brokenLine(file, number, found, expected);
}

function parse(text: string, file: string, number: number, expected: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw brokenLine(file, number, `no JSON: ${reason}`, expected, cause);
  }
  if (isObject(value)) return value;
  throw brokenLine(file, number, `${kindOf(value)}, not an object`, expected);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The user's field is often there under another name. */
function listed(value: Json): string {
  const keys = Object.keys(value);
  return keys.length === 0 ? '' : ` (it has ${keys.slice(0, 8).map((key) => `"${key}"`).join(', ')})`;
}
