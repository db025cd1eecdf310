import { asRunError, EXIT, exitCodeOf, positionOf, RecipeError, render, RunError, say, type Diagnostic } from '@onnxpress/core';
import type { Command } from 'commander';
import type { Colors } from './colors.ts';
import type { Shell } from './shell.ts';

/** What a failure is as data: on standard output with --json, for editors and annotations. */
export interface Failure {
  readonly ok: false;
  readonly diagnostics: readonly Record<string, unknown>[];
}

/** Tells a person what was thrown. Returns the exit code that goes with it, and the failure as data. */
export function tellFailure(thrown: unknown, shell: Shell): { readonly code: number; readonly failure: Failure } {
  const code = exitCodeOf(thrown);
  if (code === EXIT.interrupted) {
    const { message, hint } = say.interrupted();
    shell.note(`${message} ${hint ?? ''}`.trimEnd());
    return { code, failure: { ok: false, diagnostics: [plain(say.interrupted())] } };
  }
  const error = asRunError(thrown);
  const failure = tellDiagnostics(error instanceof RecipeError ? error.diagnostics : error instanceof RunError ? [error.diagnostic] : [say.internal(error.message)], shell);
  if (isOurMistake(error) || shell.verbose) shell.note(...stacksOf(thrown));
  return { code, failure };
}

/** Tells what was thrown, with --json as the whole of standard output too, and returns the exit code. */
export function reportFailure(thrown: unknown, shell: Shell): number {
  const { code, failure } = tellFailure(thrown, shell);
  if (shell.json) shell.outJson(failure);
  return code;
}

function tellDiagnostics(diagnostics: readonly Diagnostic[], shell: Shell): Failure {
  const located = diagnostics.map((d) => shell.located(d));
  const colors = shell.colorsOf(shell.host.stderr);
  for (const [i, d] of located.entries()) shell.note(...(i > 0 ? [''] : []), colored(render(d), d.severity, colors));
  return { ok: false, diagnostics: located.map(plain) };
}

/** Warnings on standard error; nobody stops for them. */
export function showWarnings(diagnostics: readonly Diagnostic[], shell: Shell): void {
  for (const d of diagnostics) shell.note(colored(render(shell.located(d)), d.severity, shell.colorsOf(shell.host.stderr)));
}

/** A diagnostic as data: no source text, a position instead. */
function plain({ code, severity, message, hint, at }: Diagnostic): Record<string, unknown> {
  return { code, severity, message, hint, ...(at ? { file: at.file, ...positionOf(at) } : {}) };
}

function colored(text: string, severity: Diagnostic['severity'], colors: Colors): string {
  if (!colors.enabled) return text;
  const paint = severity === 'error' ? colors.red : colors.yellow;
  return text.split('\n').map((line, i) => {
    if (i === 0) return line.replace(/^(\S+ )(\S+:)/, (_, word: string, code: string) => paint(colors.bold(word + code)));
    return /^ *\| .*\^/.test(line) ? line.replace(/\^+/, (carets) => paint(carets)) : /^ {2}-->/.test(line) ? colors.dim(line) : line;
  }).join('\n');
}

const isOurMistake = (error: Error): boolean => error instanceof RunError && error.diagnostic.code === 'internal';

/** The stack of what was thrown and of everything that caused it. */
function stacksOf(thrown: unknown): string[] {
  const stacks: string[] = [];
  for (let e: unknown = thrown; e !== undefined && stacks.length < MOST_CAUSES; e = e instanceof Error ? e.cause : undefined) {
    stacks.push(`${stacks.length ? 'caused by ' : ''}${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
  }
  return stacks;
}
const MOST_CAUSES = 10;

/** Tells what commander found wrong with the call, in our words. */
export function reportBadCall(message: string, root: Command, argv: readonly string[], shell: Shell): number {
  const [first = '', ...more] = message.replace(/^error: /, '').split('\n');
  if (first === '(outputHelp)') { // a command that only has commands, called alone
    shell.note(commandOf(root, argv).helpInformation().trimEnd());
    return EXIT.recipe;
  }
  const suggestion = more.map((line) => line.replace(/^\((.*)\)$/, '$1')).filter((line) => line !== '').join(' ');
  const help = `${['onnxpress', ...namesIn(root, argv)].join(' ')} --help shows what there is.`;
  return reportFailure(new RecipeError([say.badCall(sentence(first), [suggestion, help].filter((part) => part !== '').join(' '))]), shell);
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`.replaceAll("'", '"');

/** The names of the commands that were called. */
function namesIn(root: Command, argv: readonly string[]): string[] {
  const names: string[] = [];
  let at = root;
  for (const word of argv) {
    const sub = at.commands.find((c) => c.name() === word);
    if (!sub) continue;
    names.push(word);
    at = sub;
  }
  return names;
}

const commandOf = (root: Command, argv: readonly string[]): Command => namesIn(root, argv).reduce((at, name) => at.commands.find((c) => c.name() === name) ?? at, root);
