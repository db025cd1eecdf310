/** Beyond this, a word is no slip of the finger, and comparing it is no use. */
const LONGEST = 80;

/**
 * The known word that someone most likely meant, if any is near: a third of the letters may be wrong, swapped neighbours count once
 * (optimal string alignment), case and the choice of `-`, `_` or camelCase do not count, and a name without its prefix finds the full one.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const meant = plain(word);
  if (meant.length === 0 || meant.length > LONGEST) return undefined;
  const reach = Math.max(1, Math.floor(meant.length / 3));
  const ranked = known.map((k) => [Math.min(distance(meant, plain(k)), withoutPrefix(k) === meant ? 0 : Infinity), k] as const).sort((a, b) => a[0] - b[0])[0];
  return ranked && ranked[0] <= reach ? ranked[1] : undefined;
}

const plain = (word: string): string => word.replace(/[-_ ]/g, '').toLowerCase();
const withoutPrefix = (name: string): string | undefined => (name.includes('/') ? plain(name.slice(name.indexOf('/') + 1)) : undefined);

function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > LONGEST) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1), swapped ? beforeLast[j - 2]! + 1 : Infinity);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
