/** The part of JSON Schema that options may use. Plain data: ajv reads it, editors read it, docs are printed from it, TypeScript infers from it. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** What a string means, where the recipe's checker can help: see `OptionFormat`. */
  readonly format?: OptionFormat;
  readonly [keyword: string]: unknown;
}

/**
 * `data`: the name of an entry under `data:` (or a list item of such). `path`: a file or folder, relative to the recipe.
 * `nodes`: a glob over node or weight names, `op:Type`, or `domain:name`; one that matches nothing is an error. `metric`: the name of a metric.
 */
export type OptionFormat = 'data' | 'path' | 'nodes' | 'metric';

/** Option name → its schema. Every option says what it does. */
export interface OptionsSchema {
  readonly [option: string]: JsonSchema & { readonly description: string };
}

interface Primitive {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  null: null;
}

/** The TypeScript type of what a schema accepts. */
export type Infer<S> =
  S extends { readonly const: infer C } ? C
  : S extends { readonly enum: readonly (infer E)[] } ? E
  : S extends { readonly anyOf: readonly (infer A)[] } ? Infer<A>
  : S extends { readonly type: 'array'; readonly items: infer I } ? readonly Infer<I>[]
  : S extends { readonly type: infer T extends keyof Primitive } ? Primitive[T]
  : unknown;

type Present<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } | { readonly required: true } ? K : never }[keyof P];
type Flat<T> = { [K in keyof T]: T[K] };

/** What `run` gets: an option with a default, or marked `required: true`, is always there; any other may be missing. */
export type OptionsOf<P> = Flat<
  & { readonly [K in keyof P as K extends Present<P> ? K : never]: Infer<P[K]> }
  & { readonly [K in keyof P as K extends Present<P> ? never : K]?: Infer<P[K]> | undefined }>;

/** The options as one JSON Schema object. `required: true` on an option is our only shorthand; here it becomes the `required` list. */
export function toJsonSchema(options: OptionsSchema): { readonly type: 'object'; readonly additionalProperties: false; readonly properties: Record<string, object>; readonly required: readonly string[] } {
  const required = Object.keys(options).filter((name) => options[name]?.['required'] === true);
  const properties = Object.fromEntries(Object.entries(options).map(([name, { required: shorthand, ...schema }]) => [name, typeof shorthand === 'boolean' ? schema : options[name]!]));
  return { type: 'object', additionalProperties: false, properties, required };
}
