import { dirname, relative, resolve, sep } from 'node:path';
import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import type { AnyContribution } from '../plugin/kinds.ts';
import { formattedIn } from '../plugin/formats.ts';
import type { Registry } from '../plugin/registry.ts';
import { checkOptions, type Misfit } from '../plugin/schema.ts';
import type { WrittenCall } from './calls.ts';
import type { Path, Pointing } from './source.ts';

export interface CheckedCall {
  readonly diagnostics: readonly Diagnostic[];
  /** Complete, with defaults, if nothing is wrong. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The entries of data: that the options name. */
  readonly data: readonly string[];
}

/** What options of one call are compared with. */
export interface Surroundings {
  readonly source: Pointing;
  readonly registry: Registry;
  /** The names under data:. */
  readonly data: readonly string[];
  /** Whether what stands at a path was found wrong before: its value then says nothing. */
  isWrong(path: Path): boolean;
  /** Of a matrix: said where the options may differ between candidates. */
  readonly candidate: string;
}

/** Whether a call names something that is installed and of the right kind, and whether its options fit. */
export function checkCall(call: WrittenCall, around: Surroundings): CheckedCall {
  const contribution = around.isWrong(call.usePath) ? undefined : around.registry.get(call.kind, call.use);
  if (!contribution) return { diagnostics: around.isWrong(call.usePath) ? [] : [unknownUse(call, around)], options: {}, data: [] };
  if (around.isWrong(call.path)) return { diagnostics: [], options: {}, data: [] };
  return checkWith(call, contribution, around);
}

function unknownUse({ use, kind, usePath }: WrittenCall, { source, registry }: Surroundings): Diagnostic {
  const at = source.at(usePath);
  const [other] = registry.kindsOf(use);
  if (other) return say.wrongKind(use, other, kind, at);
  if (registry.isAbsent(use)) return say.missingPlugin(use, `@onnxpress/plugin-${use.split('/')[0] ?? ''}`, at);
  return say.unknownContribution(kind, use, registry.names(kind), at);
}

function checkWith(call: WrittenCall, contribution: AnyContribution, around: Surroundings): CheckedCall {
  const checked = attempt(() => checkOptions(contribution.options, call.with));
  if (checked instanceof Error) return { diagnostics: [say.badPlugin(around.registry.entry(call.kind, call.use)?.origin.packageName ?? call.use, `offers ${call.use}, whose options are no valid schema: ${checked.message}`)], options: {}, data: [] };
  const misfits = checked.misfits.filter((m) => !around.isWrong([...call.optionsPath, ...m.path]));
  const diagnostics = misfits.map((m) => explain(m, call, around));
  const texts = formattedIn(contribution.options, checked.value);
  const named = misfits.length > 0 ? [] : texts.filter(({ format, path }) => format === 'data' && !around.isWrong([...call.optionsPath, ...path]));
  const unknown = named.filter(({ text }) => !around.data.includes(text)).map(({ text, path }) => say.unknownData(call.use, path.join('.'), text, around.data, around.source.at([...call.optionsPath, ...path])));
  const options = texts.filter((t) => t.format === 'path').reduce((all, { text, path }) => replaceAt(all, path, rebase(text, [...call.optionsPath, ...path], around.source)), checked.value);
  return { diagnostics: [...diagnostics, ...unknown], options: isMap(options) ? options : {}, data: named.map(({ text }) => text) };
}

function attempt<T>(act: () => T): T | Error {
  try {
    return act();
  } catch (e) {
    return e instanceof Error ? e : new Error(String(e));
  }
}

function explain(m: Misfit, { use, usePath, optionsPath }: WrittenCall, { source, candidate }: Surroundings): Diagnostic {
  const path = [...optionsPath, ...m.path];
  const whose = m.path.length === 0 ? use : `"${m.path.join('.')}" of ${use}`;
  if (m.kind === 'unknown') return say.unknownOption(whose, m.key, m.known, source.atKey(path, m.key));
  if (m.kind === 'missing') return m.path.length === 0 ? say.missingOption(use, m.key, m.description, source.at(usePath)) : say.missingOption(whose, m.key, m.description, source.at(path));
  if (m.path.length === 0) return say.badValue('with', m.problem, m.given, source.at(path));
  return say.badOption(use, m.path.join('.'), m.problem, m.given, source.at(path), hintFor(m, candidate));
}

function hintFor(m: Extract<Misfit, { readonly kind: 'value' }>, candidate: string): string | undefined {
  const near = m.allowed.length > 0 && typeof m.given === 'string' ? say.didYouMean(m.given, m.allowed) : undefined;
  const who = candidate === '' ? undefined : `For the candidate ${candidate}.`;
  return [near, near === undefined ? m.description : undefined, who].filter((s) => s !== undefined).join(' ') || undefined;
}

/** A relative path that stands at `path` in the recipe or its bases, as it reads from the recipe's own folder. */
export function rebase(text: string, path: Path, source: Pointing): string {
  const [from, to] = [dirname(source.originOf(path)), dirname(source.originOf([]))];
  if (from === to || /^([a-z]{2,}:|\/|[A-Za-z]:[\\/])/.test(text)) return text;
  return relative(to, resolve(from, text)).split(sep).join('/') || '.';
}

function replaceAt(value: unknown, [key, ...rest]: Path, by: string): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((v: unknown, i) => (i === key ? replaceAt(v, rest, by) : v));
  return isMap(value) ? { ...value, [key]: replaceAt(value[key], rest, by) } : value;
}
