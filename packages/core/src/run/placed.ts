import { RecipeError } from '../diagnostics/errors.ts';
import type { Call, Recipe } from '../recipe/recipe.ts';

/** Does what a call asks for. Mistakes that it finds in its options, and that know no place, are told at the call's. */
export async function placed<T>({ source }: Recipe, { optionsPath }: Call, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof RecipeError)) throw e;
    const at = source.at(optionsPath);
    throw new RecipeError(e.diagnostics.map((d) => ({ ...d, at: d.at ?? at })), { cause: e });
  }
}
