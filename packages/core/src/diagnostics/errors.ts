import type { Diagnostic } from './diagnostic.ts';

/** The recipe or the call is wrong, and here is everything that is. Exit code 2. */
export class RecipeError extends Error {
  override readonly name = 'RecipeError';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[], options?: { readonly cause?: unknown }) {
    super(diagnostics.map((d) => d.message).join('\n'), options);
    this.diagnostics = diagnostics;
  }
}

/** The model, the runtime, a plugin, the disk or the network failed. `cause` is what was thrown, with its own stack. Exit code 3. */
export class RunError extends Error {
  override readonly name = 'RunError';
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic, options?: { readonly cause?: unknown }) {
    super(diagnostic.message, options);
    this.diagnostic = diagnostic;
  }
}

/** The exit codes of the command line, by name. */
export const EXIT = { passed: 0, gateFailed: 1, recipe: 2, run: 3, interrupted: 130 } as const;

/** What a process ends with: for the last event of a run, or for whatever was thrown. */
export function exitCodeOf(outcome: { readonly type: 'done'; readonly ok: boolean } | Error | unknown): number {
  if (outcome instanceof RecipeError) return EXIT.recipe;
  if (isInterruption(outcome)) return EXIT.interrupted;
  if (isDone(outcome)) return outcome.ok ? EXIT.passed : EXIT.gateFailed;
  return EXIT.run;
}

/** Whether something was thrown because a signal was aborted: `signal.throwIfAborted()` and Node's own calls throw an AbortError. */
export function isInterruption(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error instanceof RunError && isInterruption(error.cause)));
}

const isDone = (x: unknown): x is { readonly ok: boolean } => typeof x === 'object' && x !== null && 'type' in x && x.type === 'done' && 'ok' in x;
