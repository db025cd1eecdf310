import { TextError } from './error.ts';

/** A JSON object of which nothing is known yet. */
export type Json = Readonly<Record<string, unknown>>;

/** The JSON object in a file's bytes; anything else is a TextError (`broken-file`) that names the file and its place. */
export function parseJson(bytes: Uint8Array, name: string, place: string): Json {
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith('version https://git-lfs')) {
    throw new TextError('broken-file', `${name} in ${place} is a Git LFS pointer, not the file itself. Run "git lfs pull" where it came from, or download the file.`);
  }
  const json = parsed(text, name, place);
  if (isObject(json)) return json;
  throw new TextError('broken-file', `${name} in ${place} is JSON, but not an object. Download the file again, or export the tokenizer again.`);
}

/** The object under a key, if it is one. */
export function objectAt(json: Json | undefined, key: string): Json | undefined {
  const value = json?.[key];
  return isObject(value) ? value : undefined;
}

/** The list under a key; empty where there is none. */
export function listAt(json: Json | undefined, key: string): readonly unknown[] {
  const value = json?.[key];
  return Array.isArray(value) ? value : [];
}

/** The whole number under a key, if it is one that fits a double exactly. */
export function integerAt(json: Json | undefined, key: string): number | undefined {
  const value = json?.[key];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The string under a key, if it is one. */
export function stringAt(json: Json | undefined, key: string): string | undefined {
  const value = json?.[key];
  return typeof value === 'string' ? value : undefined;
}

/** Whether a value is a JSON object: not null, not a list. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string, name: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TextError('broken-file', `${name} in ${place} is not valid JSON: ${reason}. Download the file again, or export the tokenizer again.`, { cause });
  }
}
