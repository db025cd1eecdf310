import { EXIT } from '@onnxpress/core';
import type { Shell } from '../shell.ts';
import { openRecipes } from '../workspace.ts';

/** Validates recipes: every mistake in all of them is told, and nothing is run. */
export async function check(shell: Shell, given: readonly string[]): Promise<number> {
  const opened = await openRecipes(shell, given, {});
  if (shell.json) shell.outJson({ ok: true, recipes: opened.map(({ shown, recipe }) => ({ file: shown, name: recipe.name, steps: recipe.steps.length, candidates: recipe.matrix?.variants.length ?? 1 })) });
  else for (const { shown } of opened) shell.out(`${shell.colors.green('✔')} ${shown}`);
  return EXIT.passed;
}
