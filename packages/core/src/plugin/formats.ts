import { isMap } from '../diagnostics/words.ts';
import { toJsonSchema, type JsonSchema, type OptionFormat, type OptionsSchema } from './options.ts';

/** A text among options whose schema says what it means. */
export interface Formatted {
  readonly format: OptionFormat;
  readonly text: string;
  /** Where it stands, from the options on: ["exclude", 1]. */
  readonly path: readonly (string | number)[];
}

/** Every text in a call's options whose schema gives it a format, however deep in lists and maps it stands. */
export const formattedIn = (options: OptionsSchema, given: unknown): readonly Formatted[] => [...formatted(toJsonSchema(options), given, [])];

/** Those of one format. */
export const ofFormat = (format: OptionFormat, options: OptionsSchema, given: unknown): readonly Formatted[] => formattedIn(options, given).filter((f) => f.format === format);

/** Of an anyOf, the branches that name the text itself go first: "auto" is no data set. */
function* formatted(schema: JsonSchema, value: unknown, path: Formatted['path']): Generator<Formatted> {
  const branches = (schema['anyOf'] ?? schema['oneOf'] ?? []) as readonly JsonSchema[]; // what JSON Schema says they are
  if (branches.some((b) => b['const'] === value || (Array.isArray(b['enum']) && b['enum'].includes(value)))) return;
  for (const branch of branches) yield* formatted(branch, value, path);
  if (typeof value === 'string' && schema.format !== undefined) yield { format: schema.format, text: value, path };
  if (Array.isArray(value) && isMap(schema['items'])) for (const [i, v] of value.entries()) yield* formatted(schema['items'], v, [...path, i]);
  if (!isMap(value)) return;
  const properties = isMap(schema['properties']) ? schema['properties'] : {};
  for (const [key, v] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : schema['additionalProperties'];
    if (isMap(inner)) yield* formatted(inner, v, [...path, key]);
  }
}
