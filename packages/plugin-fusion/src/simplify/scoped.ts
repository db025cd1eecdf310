/** What is known in a graph and in those around it. An inner scope sees the outer one without copying it: a model may have as many subgraphs as nodes. */
export class Scoped<T> {
  readonly #outer: Scoped<T> | undefined;
  readonly #own = new Map<string, T>();

  constructor(outer?: Scoped<T>) {
    this.#outer = outer;
  }

  /** What is known under the key, in the nearest scope. */
  get(key: string): T | undefined {
    return this.#own.get(key) ?? this.#outer?.get(key);
  }

  /** What `find` makes of the first scope, from here outwards, in which it makes something. */
  first<R>(key: string, find: (known: T) => R | undefined): R | undefined {
    const here = this.#own.get(key);
    const found = here === undefined ? undefined : find(here);
    return found ?? this.#outer?.first(key, find);
  }

  set(key: string, known: T): void {
    this.#own.set(key, known);
  }

  /** What is known here alone, made where there is nothing yet. */
  own(key: string, make: () => T): T {
    const before = this.#own.get(key);
    if (before !== undefined) return before;
    const made = make();
    this.#own.set(key, made);
    return made;
  }
}
