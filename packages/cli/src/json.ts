
/** A value as JSON, two spaces deep, with a line break at the end. What JSON lacks is made plain: NaN and infinities are null, big integers are numbers where exact and texts elsewhere, maps are objects. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, (_, v: unknown) => plain(v), 2)}\n`;
}


function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}
