/** Longest piece of a user's own text that a message repeats. */
const LONGEST = 80;
/** How many known names a message lists before it counts the rest. */
const MOST = 20;

/** The user's own word as it stands in a message: in quotes if it is text, as JSON otherwise; cut, and with control characters escaped. */
export function quote(given: unknown): string {
  const text = typeof given === 'number' || given === undefined ? String(given) : JSON.stringify(given) ?? String(given);
  const safe = text.replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return safe.length <= LONGEST ? safe : `${safe.slice(0, LONGEST - 1)}…${typeof given === 'string' ? '"' : ''}`;
}

/** "a, b, c", or "a, b, c and 7 more". */
export function list(words: readonly string[]): string {
  const shown = words.slice(0, MOST).join(', ');
  return words.length > MOST ? `${shown} and ${words.length - MOST} more` : shown;
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Bytes as people read them: "1.2 MB", where MB is 10^6. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  const values = units.map((unit, i) => [count / 1000 ** (i + 1), unit] as const);
  const [value, unit] = values.find(([v]) => v < 999.95) ?? values.at(-1)!; // below, one decimal would round up to 1000
  return `${value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}

/** Plain data with keys: neither a list nor null. */
export const isMap = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === 'object' && x !== null && !Array.isArray(x);
