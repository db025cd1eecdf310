import { inOrder, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { loadPlugins, type PluginHost } from '../plugin/load.ts';
import type { Registry } from '../plugin/registry.ts';
import type { Files } from '../services/tokens.ts';
import { checkRecipe } from './check.ts';
import { readRecipe } from './extends.ts';
import type { Recipe } from './recipe.ts';

export interface OpenedRecipe {
  /** There if nothing is wrong. */
  readonly recipe: Recipe | undefined;
  readonly registry: Registry;
  /** Everything that is wrong with the recipe, its bases and its plugins, sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** From a file's name to a recipe that can be planned: reads it, loads the plugins it can use, and checks it. Never throws for what the files say. */
export async function openRecipe(file: string, files: Files, host: PluginHost): Promise<OpenedRecipe> {
  const { source, diagnostics: reading } = await readRecipe(file, files);
  const { registry, diagnostics: loading } = await loadPlugins(host, source);
  const { recipe, diagnostics: checking } = checkRecipe(source, registry);
  const diagnostics = inOrder([...reading, ...loading, ...checking], [source.file]);
  return { recipe: diagnostics.some((d) => d.severity === 'error') ? undefined : recipe, registry, diagnostics };
}
