import type { AnyContribution, JsonSchema, Plugin } from '@onnxpress/core';

const KINDS = [['passes', 'Passes'], ['evaluators', 'Evaluators'], ['datasets', 'Data sets'], ['gates', 'Gates'], ['reporters', 'Reporters']] as const;

/** The page that lists what a plugin offers, with a table of options for each: printed from the same schemas that check recipes. */
export function referencePage(plugin: Plugin, packageName: string): string {
  const parts = KINDS.flatMap(([list, title]) => {
    const contributions = (plugin[list] ?? []) as readonly AnyContribution[]; // each list holds contributions of its kind
    return contributions.length ? [`## ${title}`, ...contributions.flatMap(describeOne)] : [];
  });
  return [`# ${plugin.name}/*`, `From \`${packageName}\`. This page is printed from the option schemas: \`npm run docs\`.`, ...parts, ''].join('\n\n');
}

function describeOne(contribution: AnyContribution): string[] {
  const { name, summary, options } = contribution;
  const numbers = contribution.kind === 'pass' ? [`What it does to the numbers: ${contribution.numerics}.`] : [];
  const rows = Object.entries(options).map(([option, schema]) => `| \`${option}\` | ${typeOf(schema)} | ${defaultOf(schema)} | ${cell(schema.description)} |`);
  return [`### ${name}`, summary, ...numbers, ...(rows.length ? [['| option | type | default | what |', '|---|---|---|---|', ...rows].join('\n')] : ['It has no options.'])];
}

function typeOf(schema: JsonSchema): string {
  const { enum: choices, anyOf, items } = schema as { enum?: readonly unknown[]; anyOf?: readonly JsonSchema[]; items?: JsonSchema }; // keywords of JSON Schema
  if (choices) return cell(choices.map((c) => `\`${String(c)}\``).join(', '));
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if ('const' in schema) return `\`${String(schema['const'])}\``;
  const word = schema.type === 'array' ? `list of ${items ? typeOf(items) : 'anything'}` : (schema.type ?? 'anything');
  return cell([word, ...rangeOf(schema), ...(schema.format ? [`(${schema.format})`] : [])].join(' '));
}

function rangeOf(schema: JsonSchema): string[] {
  const words = { minimum: '≥', exclusiveMinimum: '>', maximum: '≤', exclusiveMaximum: '<' };
  return Object.entries(words).flatMap(([keyword, sign]) => (keyword in schema ? [`${sign} ${String(schema[keyword])}`] : []));
}

function defaultOf(schema: JsonSchema): string {
  if (schema['required'] === true) return 'required';
  if (!('default' in schema)) return '';
  const text = JSON.stringify(schema.default);
  return text === '[]' ? 'none' : text === '""' ? 'empty' : `\`${text.replaceAll('"', '')}\``;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
