import type { Padding } from './samples.ts';

/**
 * Which rows of an activation [..., columns] belong to tokens and which to padding: 1 or 0 for each; undefined where rows are no tokens, as behind a pooling,
 * or nothing is known. Understands [batch, length], [length, batch], both flattened, and a dimension of heads behind either.
 */
export function rowWeights(dims: readonly number[], padding: Padding | undefined): Uint8Array | undefined {
  if (!padding) return undefined;
  const { rows, length, mask } = padding;
  const outer = dims.slice(0, -1);
  const count = outer.reduce((a, b) => a * b, 1);
  const [first, second, third] = outer;
  const at = (row: number, token: number): number => mask[row * length + token]!; // row and token are within the mask
  if (outer.length === 3 && first === rows && second !== length && third === length) return Uint8Array.from({ length: count }, (_, i) => at(Math.floor(i / (second! * length)), i % length));
  if (outer.length >= 2 && first === rows && second === length) return Uint8Array.from({ length: count }, (_, i) => mask[Math.floor(i / (count / mask.length))]!);
  if (outer.length === 2 && first === length && second === rows) return Uint8Array.from({ length: count }, (_, i) => at(i % rows, Math.floor(i / rows)));
  return outer.length === 1 && count === mask.length ? mask : undefined;
}
