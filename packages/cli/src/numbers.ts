import { RecipeError, say } from '@onnxpress/core';

/** A whole number that a flag was given. Throws RecipeError for anything else. */
export function wholeNumber(flag: string, given: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new RecipeError([say.badCall(`${flag} must be a whole number, but is "${given}".`)]);
  return Number(given);
}

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

/** A size that a flag was given, in bytes: "500 MB", "2GB", "0". Throws RecipeError for anything else. */
export function byteCount(flag: string, given: string): number {
  const [, number, unit = 'b'] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?b)?\s*$/i.exec(given) ?? [];
  if (number === undefined) throw new RecipeError([say.badCall(`${flag} must be a size, but is "${given}".`, 'Write it as "500 MB" or "2 GB".')]);
  return Number(number) * UNITS[unit.toLowerCase()]!;
}
