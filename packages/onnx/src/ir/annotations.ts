import { CountedMap } from './counted-map.ts';

/** Role → name of a value: what tells how another value is quantized. */
export type Roles = ReadonlyMap<string, string>;

/** Annotations by the value that they are about, which know who speaks of a name: renaming is as fast with thousands of them as with one. */
export class Annotations extends CountedMap<string, Roles> {
  readonly #speaking = new Map<string, Set<string>>();

  constructor(changed: () => void) {
    super([], changed);
  }

  override set(about: string, roles: Roles): this {
    this.#forget(about);
    for (const name of [about, ...roles.values()]) this.#speaking.set(name, (this.#speaking.get(name) ?? new Set()).add(about));
    return super.set(about, roles);
  }

  override delete(about: string): boolean {
    this.#forget(about);
    return super.delete(about);
  }

  override clear(): void {
    this.#speaking.clear();
    super.clear();
  }

  /** Whether an annotation is about a value, or names it. */
  speaksOf(name: string): boolean {
    return this.#speaking.has(name);
  }

  /** What is said of one value, or by it, is said of another from here on, unless that has its own. */
  rename(was: string, name: string): void {
    const isKnown = this.has(name);
    for (const about of [...(this.#speaking.get(was) ?? [])]) {
      const roles = new Map([...this.get(about)!].map(([role, other]) => [role, other === was ? name : other])); // it speaks, so it is there
      if (about !== was) this.set(about, roles);
      else {
        this.delete(was);
        if (!isKnown) this.set(name, roles);
      }
    }
  }

  #forget(about: string): void {
    const roles = this.get(about);
    if (!roles) return;
    for (const name of [about, ...roles.values()]) {
      const all = this.#speaking.get(name);
      all?.delete(about);
      if (all?.size === 0) this.#speaking.delete(name);
    }
  }
}
