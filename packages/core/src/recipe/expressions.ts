import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import type { Path, Pointing } from './source.ts';

/** What a variable may be called. */
export const VARIABLE = /^[A-Za-z_][\w-]*$/;
const EXPRESSION = /\$\{\{(.*?)\}\}/g;
const REFERENCE = /^\s*matrix\.([A-Za-z_][\w-]*)\s*$/;

/** Whether there is an expression anywhere in a value. */
export const hasExpression = (value: unknown): boolean => JSON.stringify(value).includes('${{');

/** The variable that the inside of an expression names. */
const variableIn = (inside: string): string | undefined => REFERENCE.exec(inside)?.[1];

/** A copy with expressions replaced: a text that is one expression takes the value with its type; within a text, values are written out. What cannot be replaced stays. */
export function substitute(value: unknown, values: Readonly<Record<string, unknown>>): unknown {
  if (typeof value === 'string') return substituteText(value, values);
  if (Array.isArray(value)) return value.map((v: unknown) => substitute(v, values));
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, substitute(v, values)])) : value;
}

function substituteText(text: string, values: Readonly<Record<string, unknown>>): unknown {
  const whole = /^\$\{\{([^}]*)\}\}$/.exec(text);
  const only = whole && variableIn(whole[1]!);
  if (only && Object.hasOwn(values, only)) return values[only];
  return text.replace(EXPRESSION, (expression, inside: string) => {
    const name = variableIn(inside);
    const value = name !== undefined && Object.hasOwn(values, name) ? values[name] : expression;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

export interface Expressions {
  readonly diagnostics: readonly Diagnostic[];
  /** Where something is wrong with an expression: what stands there need not be checked further. */
  readonly wrong: readonly Path[];
}

/** Looks at every expression of a recipe: whether it is one, whether it may stand there, and whether the matrix has its variable. */
export function checkExpressions(source: Pointing, allowed: ReadonlySet<string>, variables: readonly string[]): Expressions {
  const found = [...textsIn(source.data, [])].map(({ text, path, isKey }) => ({ path, diagnostics: expressionsOf(text).flatMap((e) => {
    const at = within(isKey ? source.atKey(path.slice(0, -1), text) : source.at(path), e);
    const name = /^\$\{\{(.*)\}\}$/s.exec(e)?.[1];
    const variable = name === undefined ? undefined : variableIn(name);
    if (variable === undefined) return [say.badExpression(e, at)];
    if (isKey || !allowed.has(String(path[0]))) return [say.matrixNotHere(e, at)];
    return variables.includes(variable) ? [] : [say.unknownVariable(variable, variables, at)];
  }) }));
  const wrong = found.filter((f) => f.diagnostics.length > 0);
  return { diagnostics: wrong.flatMap((f) => f.diagnostics), wrong: wrong.map((f) => f.path) };
}

/** Expressions in a text, whole; and from an opening that nothing closes, the rest. */
function expressionsOf(text: string): readonly string[] {
  if (!text.includes('${{')) return [];
  const closed = [...text.matchAll(EXPRESSION)].map((m) => m[0]);
  const open = text.replace(EXPRESSION, '').indexOf('${{');
  return open < 0 ? closed : [...closed, text.slice(text.lastIndexOf('${{'))];
}

function* textsIn(value: unknown, path: Path): Generator<{ readonly text: string; readonly path: Path; readonly isKey: boolean }> {
  if (typeof value === 'string') yield { text: value, path, isKey: false };
  else if (Array.isArray(value)) for (const [i, v] of value.entries()) yield* textsIn(v, [...path, i]);
  else if (isMap(value)) for (const [key, v] of Object.entries(value)) {
    yield { text: key, path: [...path, key], isKey: true };
    yield* textsIn(v, [...path, key]);
  }
}

/** The part of a span that shows a text, if it can be seen there as it is. */
function within(span: Span, part: string): Span {
  const offset = span.text.slice(span.start, span.end).indexOf(part);
  return offset < 0 ? span : { ...span, start: span.start + offset, end: span.start + offset + part.length };
}
