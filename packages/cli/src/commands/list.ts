import { EXIT, KINDS, nearest, RecipeError, say, toJsonSchema, type AnyContribution, type JsonSchema, type Kind, type Registry } from '@onnxpress/core';
import type { Colors } from '../colors.ts';
import { columns } from '../columns.ts';
import type { Shell } from '../shell.ts';
import { registryHere } from '../workspace.ts';

const TITLES: Readonly<Record<Kind, string>> = { pass: 'passes', evaluator: 'evaluators', dataset: 'data sets', gate: 'gates', reporter: 'reporters' };
const ONE: Readonly<Record<Kind, string>> = { pass: 'pass', evaluator: 'evaluator', dataset: 'data set', gate: 'gate', reporter: 'reporter' };

/** Lists what is installed, or the options of one contribution. */
export async function list(shell: Shell, name: string | undefined): Promise<number> {
  const registry = await registryHere(shell);
  const all = KINDS.flatMap((kind) => registry.all(kind).map((r) => ({ ...r, kind })));
  if (name === undefined) {
    if (shell.json) shell.outJson(all.map(({ contribution, origin }) => ({ ...asData(contribution), from: origin.packageName, version: origin.version })));
    else shell.out(...overview(registry, shell.colors));
    return EXIT.passed;
  }
  const found = all.filter(({ contribution }) => contribution.name === name);
  if (found.length === 0) throw new RecipeError([unknown(name, all.map((r) => r.contribution.name), registry)]);
  if (shell.json) shell.outJson(found.length === 1 ? asData(found[0]!.contribution) : found.map((r) => asData(r.contribution)));
  else shell.out(...found.flatMap(({ contribution }) => optionLines(contribution, shell.colors)));
  return EXIT.passed;
}

function overview(registry: Registry, colors: Colors): string[] {
  const width = Math.max(...KINDS.flatMap((kind) => registry.names(kind)).map((n) => n.length), 0);
  const lines = KINDS.flatMap((kind) => {
    const rows = registry.all(kind).map(({ contribution }) => `  ${contribution.name.padEnd(width)}  ${contribution.summary}`);
    return rows.length ? [colors.bold(TITLES[kind]), ...rows, ''] : [];
  });
  return [...lines, colors.dim('onnxpress list <name> shows the options of one.')];
}

function optionLines(contribution: AnyContribution, colors: Colors): string[] {
  const options = Object.entries(contribution.options);
  const numerics = contribution.kind === 'pass' ? `, ${contribution.numerics}` : '';
  const rows = options.map(([name, schema]) => [name, typeText(schema), schema['required'] === true ? 'required' : 'default' in schema ? JSON.stringify(schema.default) : '', schema.description]);
  return [
    `${colors.bold(contribution.name)}  ${colors.dim(`${ONE[contribution.kind]}${numerics}`)}`,
    `  ${contribution.summary}`,
    '',
    ...(rows.length ? columns([['option', 'type', 'default', ''].map((h) => colors.dim(h)), ...rows], { indent: '  ' }) : ['  It has no options.']),
  ];
}

/** What an option takes, in a word or two. */
function typeText(schema: JsonSchema): string {
  const { enum: values, anyOf, items } = schema as { enum?: readonly unknown[]; anyOf?: readonly JsonSchema[]; items?: JsonSchema }; // what JSON Schema says of these
  if (values) return values.map(String).join(' | ');
  if (anyOf) return anyOf.map(typeText).join(' | ');
  if ('const' in schema) return String(schema['const']);
  if (schema.type === 'array') return `list of ${items ? typeText(items) : 'anything'}`;
  return schema.format ?? schema.type ?? 'anything';
}

const asData = (c: AnyContribution): object => ({ name: c.name, kind: c.kind, summary: c.summary, ...(c.kind === 'pass' ? { numerics: c.numerics, signature: c.signature, usesRuntime: c.usesRuntime === true } : {}), options: toJsonSchema(c.options) });

function unknown(name: string, known: readonly string[], registry: Registry): ReturnType<typeof say.badCall> {
  if (registry.isAbsent(name)) return say.missingPlugin(name, `@onnxpress/plugin-${name.split('/')[0]}`);
  const near = nearest(name, known);
  return say.badCall(`Nothing that is installed is named "${name}".`, `${near === undefined ? '' : `Did you mean "${near}"? `}onnxpress list shows what there is.`);
}
