import { existsSync } from 'node:fs';
import { locateModel, openModel, RecipeError, say, type Model } from '@onnxpress/core';
import type { Shell } from './shell.ts';

/** The path of the model that an argument names: a file, or a folder that holds one. Throws RecipeError where there is nothing of that name. */
export function locateGiven(shell: Shell, given: string): string {
  const asked = shell.path(given);
  if (!existsSync(asked)) throw new RecipeError([{ ...say.noSuchFile(given, 'The model'), hint: `Paths are relative to ${shell.host.cwd}.` }]);
  return locateModel(asked);
}

/** The model itself, with the path that was found. */
export function openGiven(shell: Shell, given: string): { readonly model: Model; readonly path: string } {
  const path = locateGiven(shell, given);
  return { model: openModel(path), path };
}
