import { createHash } from 'node:crypto';

/**
 * Numbers in [0, 1), the same for the same seed words on every machine: sfc32 (Chris Doty-Humphrey, PractRand), seeded with sha256 of the words.
 */
export function seeded(...words: readonly (string | number)[]): () => number {
  const seed = createHash('sha256').update(JSON.stringify(words)).digest();
  let [a, b, c, d] = [seed.readInt32LE(0), seed.readInt32LE(4), seed.readInt32LE(8), seed.readInt32LE(12)] as [number, number, number, number];
  return () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
}

/** One number of the standard normal distribution (Box and Muller 1958). */
export const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
