/** Numbers in [0, 1). */
export type Random = () => number;

/** A whole number in [0, below). */
export const whole = (random: Random, below: number): number => Math.floor(random() * below);

/** The numbers 0 … count - 1 in random order (Fisher and Yates). */
export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = whole(random, last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
