import type { Span } from '../diagnostics/diagnostic.ts';

/** A way into a recipe's tree: keys and indices. */
export type Path = readonly (string | number)[];

/** A tree that can point at the text it came from. */
export interface Pointing {
  readonly file: string;
  readonly data: unknown;
  /** The value at a path; where there is none, the nearest thing that is there. */
  at(path: Path): Span;
  /** The key itself, for what should not be there at all. */
  atKey(path: Path, key: string): Span;
}
