import { createHash } from 'node:crypto';

/** Numbers in [0, 1). */
export type Random = () => number;

/** The same sequence for the same words on every machine: sfc32 (Chris Doty-Humphrey, PractRand), seeded with sha256 of the words. */
export function seeded(...words: readonly (string | number)[]): Random {
  const seed = createHash('sha256').update(JSON.stringify(words)).digest();
  let [a, b, c, d] = [seed.readInt32LE(0), seed.readInt32LE(4), seed.readInt32LE(8), seed.readInt32LE(12)];
  return () => {
    const next = (((a! + b!) | 0) + d!) | 0;
    d = (d! + 1) | 0;
    a = b! ^ (b! >>> 9);
    b = (c! + (c! << 3)) | 0;
    c = (((c! << 21) | (c! >>> 11)) + next) | 0;
    return (next >>> 0) / 2 ** 32;
  };
}

/** A whole number in [0, below). */
export const whole = (random: Random, below: number): number => Math.floor(random() * below);

/** One number of the standard normal distribution (Box and Muller 1958). */
export const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** The numbers 0 … count - 1 in random order (Fisher and Yates). */
export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = whole(random, last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
