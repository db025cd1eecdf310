/** A Map that tells when it changes. */
export class CountedMap<K, V> extends Map<K, V> {
  readonly #changed: () => void;

  constructor(entries: Iterable<readonly [K, V]>, changed: () => void) {
    super();
    for (const [k, v] of entries) super.set(k, v);
    this.#changed = changed;
  }

  override set(key: K, value: V): this {
    if (this.has(key) && this.get(key) === value) return this;
    this.#changed();
    return super.set(key, value);
  }

  override delete(key: K): boolean {
    const had = super.delete(key);
    if (had) this.#changed();
    return had;
  }

  override clear(): void {
    if (this.size) this.#changed();
    super.clear();
  }
}
