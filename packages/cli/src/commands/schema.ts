import { join } from 'node:path';
import { composeSchema, EXIT, Files, type Registry } from '@onnxpress/core';
import { json } from '../json.ts';
import type { Shell } from '../shell.ts';
import { registryHere, withServices } from '../workspace.ts';

/** Where editors look, by the first line that init writes into a recipe. */
export const SCHEMA_FILE = join('.onnxpress', 'recipe.schema.json');

/** Prints the recipe's JSON Schema, or writes it for editors. */
export async function schema(shell: Shell, flags: { readonly write?: boolean }): Promise<number> {
  const registry = await registryHere(shell);
  if (!flags.write) {
    shell.outJson(composeSchema(registry));
    return EXIT.passed;
  }
  const path = await writeSchema(shell, registry, shell.host.cwd);
  shell.out(`${shell.colors.green('✔')} ${shell.shown(path)}`, `  Editors use it where a recipe begins with: # yaml-language-server: $schema=./${SCHEMA_FILE.replaceAll('\\', '/')}`);
  return EXIT.passed;
}

/** Writes the schema of what is installed below a folder, and returns its path. */
export async function writeSchema(shell: Shell, registry: Registry, folder: string): Promise<string> {
  const path = join(folder, SCHEMA_FILE);
  await withServices(shell, (services) => services.get(Files).writeText(path, json(composeSchema(registry))));
  return path;
}
