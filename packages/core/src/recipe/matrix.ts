import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import { VARIABLE } from './expressions.ts';
import type { Path, Pointing } from './source.ts';

/** Candidates of one recipe. */
export const MATRIX_LIMIT = 256;
/** Combinations before exclusion: beyond this they are counted, not made. */
const PRODUCT_LIMIT = 10_000;

export interface Combination {
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface ExpandedMatrix {
  readonly variables: Readonly<Record<string, readonly unknown[]>>;
  readonly combinations: readonly Combination[];
  readonly diagnostics: readonly Diagnostic[];
}

/** All combinations in the recipe's order, the last variable changing fastest, without those that are excluded. Without a matrix there is one, without values. */
export function expandMatrix(source: Pointing, matrix: unknown): ExpandedMatrix {
  if (!isMap(matrix)) return { variables: {}, combinations: [ALONE], diagnostics: [] };
  const variables = Object.fromEntries(Object.entries(matrix).filter((e): e is [string, unknown[]] => e[0] !== 'exclude' && Array.isArray(e[1]) && e[1].length > 0));
  const exclude = Array.isArray(matrix['exclude']) ? matrix['exclude'].slice(0, MATRIX_LIMIT).map((pattern: unknown, i) => ({ pattern, path: ['matrix', 'exclude', i] })) : [];
  const diagnostics = [...misnamed(source, matrix), ...repeated(source, variables), ...exclude.flatMap(({ pattern, path }) => unknownIn(source, pattern, path, Object.keys(variables)))];

  const product = Object.values(variables).reduce((n, values) => n * values.length, 1);
  const at = source.atKey([], 'matrix');
  if (product > PRODUCT_LIMIT) return { variables, combinations: [], diagnostics: [...diagnostics, say.matrixTooLarge(product, MATRIX_LIMIT, at)] };
  const all = Object.entries(variables).reduce<readonly Combination['values'][]>((made, [name, values]) => made.flatMap((m) => values.map((v) => ({ ...m, [name]: v }))), [{}]);
  const patterns = exclude.filter(({ pattern }) => isMap(pattern) && Object.keys(pattern).every((k) => Object.hasOwn(variables, k)));
  const idle = patterns.filter(({ pattern }) => !all.some((values) => fits(values, pattern))).map(({ path }) => say.excludesNothing(source.at(path)));
  const kept = all.filter((values) => !patterns.some(({ pattern }) => fits(values, pattern)));
  const size = kept.length > MATRIX_LIMIT ? [say.matrixTooLarge(kept.length, MATRIX_LIMIT, at)] : kept.length === 0 ? [say.emptyMatrix(at)] : [];
  const combinations = size.length > 0 ? [] : kept.map((values) => ({ name: nameOf(values), values }));
  return { variables, combinations, diagnostics: [...diagnostics, ...idle, ...size] };
}

const ALONE: Combination = { name: '', values: {} };

const fits = (values: Combination['values'], pattern: unknown): boolean =>
  isMap(pattern) && Object.entries(pattern).every(([name, value]) => Object.hasOwn(values, name) && same(values[name], value));
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** "bits=4,method=gptq". Texts that would read like another value keep their quotes, so that no two combinations share a name. */
const nameOf = (values: Combination['values']): string => Object.entries(values).map(([name, value]) => `${name}=${plain(value)}`).join(',');
const plain = (value: unknown): string => (typeof value === 'string' && /^[A-Za-z][\w./-]*$/.test(value) && !/^(true|false|null)$/.test(value) ? value : JSON.stringify(value));

/** Names that an expression cannot say, and the one that workflows know and recipes do not. */
const misnamed = (source: Pointing, matrix: object): readonly Diagnostic[] =>
  Object.keys(matrix).filter((name) => name === 'include' || !VARIABLE.test(name)).map((name) => say.badVariable(name, source.atKey(['matrix'], name)));

function repeated(source: Pointing, variables: ExpandedMatrix['variables']): readonly Diagnostic[] {
  return Object.entries(variables).flatMap(([name, values]) => {
    const seen = new Set<string>();
    return values.flatMap((value, i) => (seen.size === seen.add(JSON.stringify(value)).size ? [say.duplicateValue(name, value, source.at(['matrix', name, i]))] : []));
  });
}

const unknownIn = (source: Pointing, pattern: unknown, path: Path, known: readonly string[]): readonly Diagnostic[] =>
  isMap(pattern) ? Object.keys(pattern).filter((name) => !known.includes(name)).map((name) => say.unknownVariable(name, known, source.atKey(path, name))) : [];
