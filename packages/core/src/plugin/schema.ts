/* The only file that knows ajv. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { nearest } from '../diagnostics/nearest.ts';
import { quote } from '../diagnostics/words.ts';
import { toJsonSchema, type JsonSchema, type OptionsSchema } from './options.ts';

/** Something that does not fit a schema. `path` leads to it from the value that was checked. */
export type Misfit =
  /** A key that should not be there: `path` leads to the map that has it. */
  | { readonly kind: 'unknown'; readonly path: readonly (string | number)[]; readonly key: string; readonly known: readonly string[] }
  /** A key that should be there. */
  | { readonly kind: 'missing'; readonly path: readonly (string | number)[]; readonly key: string; readonly description: string | undefined }
  /** A value that does not do. `problem` continues a sentence: "must be at least 1". */
  | { readonly kind: 'value'; readonly path: readonly (string | number)[]; readonly problem: string; readonly given: unknown; readonly allowed: readonly string[]; readonly description: string | undefined };

export interface Checked {
  /** A copy of the value with defaults filled in. */
  readonly value: unknown;
  readonly misfits: readonly Misfit[];
}

/** Errors that are looked at: sorting them out is quadratic, and nobody reads more. */
const MOST_ERRORS = 300;

let shared: Ajv2020 | undefined;
const compiled = new WeakMap<object, ValidateFunction>();

/** One for the process, made when first needed: it and its first schema take tens of milliseconds. */
function ajv(): Ajv2020 {
  if (shared) return shared;
  // Without its own schema and without optimized code it starts in half the time, which is all the time there is: each schema runs a few times.
  shared = new Ajv2020({ strict: true, allErrors: true, verbose: true, useDefaults: true, validateSchema: false, meta: false, code: { optimize: false }, logger: false });
  for (const format of ['data', 'path', 'nodes', 'metric']) shared.addFormat(format, true); // checked where there is more to know than the text
  return shared;
}

/** Compares a value with a schema. Nothing is coerced: "4" is no number. Throws where the schema itself is wrong. */
export function checkValue(schema: object, value: unknown): Checked {
  let validate = compiled.get(schema);
  if (!validate) compiled.set(schema, (validate = ajv().compile(schema)));
  const copy: unknown = structuredClone(value);
  validate(copy);
  return { value: copy, misfits: withoutEchoes(misfits((validate.errors ?? []).slice(0, MOST_ERRORS))) };
}

const wholes = new WeakMap<OptionsSchema, object>();

/** Compares options with their schema. */
export function checkOptions(options: OptionsSchema, given: unknown): Checked {
  let whole = wholes.get(options);
  if (!whole) wholes.set(options, (whole = toJsonSchema(options)));
  return checkValue(whole, given);
}

/** What is wrong with a schema itself, in sentences: it does not compile, an option says not what it does, a default is not valid. */
export function schemaProblems(options: OptionsSchema): readonly string[] {
  const undescribed = Object.entries(options).filter(([, o]) => !o.description?.trim()).map(([name]) => `The option "${name}" has no description.`);
  try {
    const strict = new Ajv2020({ strict: true, logger: false });
    for (const format of ['data', 'path', 'nodes', 'metric']) strict.addFormat(format, true);
    strict.compile(toJsonSchema(options));
    const wrong = Object.entries(options).filter(([, o]) => 'default' in o && checkValue(toJsonSchema({ it: withoutDefault(o) }), { it: o.default }).misfits.length > 0);
    return [...undescribed, ...wrong.map(([name, o]) => `The default of "${name}" is ${quote(o.default)}, which its own schema does not accept.`)];
  } catch (e) {
    return [...undescribed, `The options are no valid schema: ${e instanceof Error ? e.message : String(e)}.`];
  }
}

const withoutDefault = ({ default: _, ...rest }: OptionsSchema[string]): OptionsSchema[string] => rest;

type Failure = ErrorObject & { readonly parentSchema?: JsonSchema };

/** One misfit for each mistake: of the branches of an anyOf, only the one is told that the value was meant for. */
function misfits(errors: readonly Failure[]): Misfit[] {
  const choices = errors.filter((e) => e.keyword === 'anyOf' || e.keyword === 'oneOf');
  const outer = choices.find((c) => !choices.some((d) => d !== c && isWithin(c, d)));
  if (!outer) return errors.filter((e) => e.keyword !== 'if').map(misfit);
  const rest = errors.filter((e) => e !== outer && !isWithin(e, outer));
  return [...misfits(rest), ...misfits(meant(outer, errors))];
}

/** A key that is misspelt is not missing as well. */
function withoutEchoes(all: readonly Misfit[]): readonly Misfit[] {
  const misspelt = new Set(all.flatMap((m) => (m.kind === 'unknown' ? [JSON.stringify([m.path, nearest(m.key, m.known)])] : [])));
  return all.filter((m) => m.kind !== 'missing' || !misspelt.has(JSON.stringify([m.path, m.key])));
}

const isWithin = (inner: Failure, outer: Failure): boolean =>
  inner.schemaPath.startsWith(`${outer.schemaPath}/`) && (inner.instancePath === outer.instancePath || inner.instancePath.startsWith(`${outer.instancePath}/`));

/** The errors of the branch whose type is the value's own; the choice itself where there is no such branch, or several. */
function meant(choice: Failure, errors: readonly Failure[]): readonly Failure[] {
  const branches = choice.schema as readonly JsonSchema[]; // what anyOf and oneOf hold
  const fitting = branches.flatMap((branch, i) => (branch.type !== undefined && isOf(branch.type, choice.data) ? [i] : []));
  const inner = fitting.length === 1 ? errors.filter((e) => isWithin(e, choice) && e.schemaPath.startsWith(`${choice.schemaPath}/${fitting[0]!}/`)) : [];
  return inner.length > 0 ? inner : [{ ...choice, keyword: 'choice' }];
}

function isOf(type: string, data: unknown): boolean {
  if (type === 'array') return Array.isArray(data);
  if (type === 'object') return typeof data === 'object' && data !== null && !Array.isArray(data);
  if (type === 'integer') return typeof data === 'number';
  return type === 'null' ? data === null : typeof data === type;
}

function misfit(e: Failure): Misfit {
  const path = e.instancePath.split('/').slice(1).map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
  const properties = (e.parentSchema?.['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>; // what JSON Schema says it is
  if (e.keyword === 'additionalProperties') return { kind: 'unknown', path, key: String(e.params['additionalProperty']), known: Object.keys(properties) };
  if (e.keyword === 'required') {
    const key = String(e.params['missingProperty']);
    return { kind: 'missing', path, key, description: Object.hasOwn(properties, key) ? properties[key]?.description : undefined };
  }
  return { kind: 'value', path, problem: problemOf(e), given: e.data, allowed: e.keyword === 'enum' ? (e.schema as readonly unknown[]).map(String) : [], description: e.parentSchema?.description };
}

const TYPES: Readonly<Record<string, string>> = { string: 'text', number: 'a number', integer: 'a whole number', boolean: 'true or false', array: 'a list', object: 'a map', null: 'empty' };

/** What a schema accepts, in a few words: "a number", "one of int8, uint8". */
function accepted(schema: JsonSchema): string {
  if ('const' in schema) return quote(schema['const']);
  if (Array.isArray(schema['enum'])) return oneOf(schema['enum']);
  return TYPES[schema.type ?? ''] ?? 'something else';
}

const oneOf = (values: readonly unknown[]): string => (values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`);

const entries = (count: string): string => (count === '1' ? '1 entry' : `${count} entries`);

function problemOf(e: Failure): string {
  const bound = String(e.schema);
  switch (e.keyword) {
    case 'type': return `must be ${accepted({ type: bound })}`;
    case 'enum': return `must be ${oneOf(e.schema as readonly unknown[])}`; // what enum holds
    case 'const': return `must be ${quote(e.schema)}`;
    case 'choice': return `must be ${(e.schema as readonly JsonSchema[]).map(accepted).join(' or ')}`; // what anyOf holds
    case 'minimum': return `must be at least ${bound}`;
    case 'maximum': return `must be at most ${bound}`;
    case 'exclusiveMinimum': return `must be more than ${bound}`;
    case 'exclusiveMaximum': return `must be less than ${bound}`;
    case 'multipleOf': return `must be a multiple of ${bound}`;
    case 'minLength': return bound === '1' ? 'must not be empty' : `must have at least ${bound} characters`;
    case 'maxLength': return `must have at most ${bound} characters`;
    case 'minItems': return bound === '1' ? 'must not be empty' : `must have at least ${entries(bound)}`;
    case 'maxItems': return `must have at most ${entries(bound)}`;
    case 'minProperties': return `must have at least ${bound} of ${Object.keys((e.parentSchema?.['properties'] ?? {}) as object).join(', ')}`; // what JSON Schema says it is
    case 'maxProperties': return `must have at most ${bound} of ${Object.keys((e.parentSchema?.['properties'] ?? {}) as object).join(', ')}`; // what JSON Schema says it is
    case 'uniqueItems': return 'must not list anything twice';
    case 'pattern': return `must look like ${bound}`;
    default: return e.message ?? 'does not fit';
  }
}
