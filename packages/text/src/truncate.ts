/** Which end of a sequence gives way or is filled up. */
export type Side = 'left' | 'right';

/**
 * How many tokens of two texts to keep so that both fit into `room`, the longer one giving way first.
 * The rule of the `tokenizers` library's "longest first": a text shorter than its half is kept whole, else each gets half, the second the odd one.
 */
export function keepOfPair(lengths: readonly [number, number], room: number): readonly [number, number] {
  const [a, b] = lengths;
  if (a + b <= room) return lengths;
  const shorter = Math.min(a, b);
  const longer = room - shorter;
  if (longer < shorter) {
    const half = Math.floor(room / 2);
    return a > b ? [room - half, half] : [half, room - half];
  }
  return a > b ? [longer, shorter] : [shorter, longer];
}

/** Keeps `count` tokens; `side` is the end that gives way. */
export function truncate(ids: readonly number[], count: number, side: Side): readonly number[] {
  if (ids.length <= count) return ids;
  return side === 'right' ? ids.slice(0, count) : ids.slice(ids.length - count);
}
