import type { RuntimeSettings } from '../services/tokens.ts';
import type { Path, Pointing } from './source.ts';

/** One thing that a recipe names and gives options to. */
export interface Call {
  readonly use: string;
  /** The options: complete, with defaults, once the recipe has been checked. */
  readonly with: Readonly<Record<string, unknown>>;
  /** The name of this one among several of its kind: of an evaluator, to tell metrics apart; of a data set or a gate, its key. */
  readonly as?: string | undefined;
  /** Where it stands: `recipe.source.at(call.path)`. */
  readonly path: Path;
  /** Where its options stand. A short form has them elsewhere than under `with`, or nowhere. */
  readonly optionsPath: Path;
}

/** The model a recipe starts from, as the recipe says it: a path. */
export interface ModelSource {
  readonly from: string;
  readonly sha256: string | undefined;
}

/** Which candidate of a matrix wins, among those whose gates pass. */
export interface Choose {
  readonly by: 'smallest' | 'largest';
  readonly metric: string;
}

export interface Matrix {
  /** Variable → its values, in the recipe's order. */
  readonly variables: Readonly<Record<string, readonly unknown[]>>;
  readonly variants: readonly Variant[];
}

/** One combination of a matrix, as a recipe of its own. */
export interface Variant {
  /** "bits=4,block=32", or '' where there is no matrix. */
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly recipe: Recipe;
}

/** What a recipe says, once it is known to be right: short forms written out, defaults filled in, bases merged. */
export interface Recipe {
  /** Points into the text, for whatever is found to be wrong later. */
  readonly source: Pointing;
  /** Absolute path of the recipe's file. Paths in options are relative to its folder, also those that came from a base. */
  readonly file: string;
  /** By default the file's name without its extension. */
  readonly name: string;
  readonly model: ModelSource;
  readonly output: string | undefined;
  readonly seed: number;
  readonly data: Readonly<Record<string, Call>>;
  readonly steps: readonly Call[];
  readonly evaluate: readonly Call[];
  readonly gates: readonly Call[];
  readonly reports: readonly Call[];
  readonly runtime: RuntimeSettings;
  readonly requires: { readonly cpu: readonly string[] };
  readonly verify: 'auto' | 'always' | 'strict' | 'off';
  readonly plugins: readonly string[];
  /** Where there is one, take `variantsOf(recipe)`: the calls of the recipe itself then still hold `${{ matrix.… }}`. */
  readonly matrix: Matrix | undefined;
  readonly choose: Choose | undefined;
}

/** The recipes to run, in order: one per combination of the matrix, or the recipe itself. */
export const variantsOf = (recipe: Recipe): readonly Variant[] => recipe.matrix?.variants ?? [{ name: '', values: {}, recipe }];
