const SLOTS = 4096;
/** Exporters name values by the path of the module that computes them. */
const LONGEST = 128;

/**
 * Turns UTF-8 into strings and remembers the latest ones: a file repeats operators and attributes in each node, and the name of a value where it is
 * made and where it is read. Finding one again makes no garbage, and it is held once.
 */
export class TextCache {
  readonly #slots: string[] = new Array<string>(SLOTS).fill('');
  // ignoreBOM keeps a byte order mark as a character: names are not changed.
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** The text of the bytes from `start` to `end`, or undefined when they are not UTF-8. */
  decode(bytes: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    let hash = length;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 128) return this.#utf8(bytes, start, end);
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (length > LONGEST) return bytes.toString('latin1', start, end);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot]!;
    if (known.length === length && same(known, bytes, start)) return known;
    const text = bytes.toString('latin1', start, end);
    this.#slots[slot] = text;
    return text;
  }

  #utf8(bytes: Buffer, start: number, end: number): string | undefined {
    try {
      return this.#decoder.decode(bytes.subarray(start, end));
    } catch {
      return undefined;
    }
  }
}

function same(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
