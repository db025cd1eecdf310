/** What a layer would cost in one of its forms. */
export interface Offer {
  readonly bytes: number;
  readonly error: number;
}

/** Steps into which a budget is divided: what rounding up to a step wastes is a tenth of a percent. */
const STEPS = 4096;

/**
 * Chooses an offer for each layer so that the errors add up to the least while the bytes stay within a budget: the knapsack problem with one item of each
 * group, by dynamic programming over the budget in 4,096 steps. Of equals the choice with the earlier offers wins, so the result depends on nothing else.
 * Undefined where not even the smallest offers fit.
 */
export function allocate(layers: readonly (readonly Offer[])[], budget: number): number[] | undefined {
  const least = layers.reduce((sum, offers) => sum + Math.min(...offers.map((o) => o.bytes)), 0);
  if (least > budget) return undefined;
  // The smallest offers are paid for exactly; only what goes beyond them is counted in steps.
  const room = budget - least;
  const step = room / STEPS || Number.MIN_VALUE; // without room only what costs nothing more fits
  let best = new Float64Array(STEPS + 1);
  const chosen: Uint8Array[] = [];
  for (const offers of layers) {
    const smallest = Math.min(...offers.map((o) => o.bytes));
    const next = new Float64Array(STEPS + 1).fill(Infinity);
    const choice = new Uint8Array(STEPS + 1);
    for (const [i, { bytes, error }] of offers.entries()) {
      const cost = Math.ceil((bytes - smallest) / step - 1e-9); // what divides evenly must not be rounded up by float64
      for (let used = cost; used <= STEPS; used++) {
        const sum = best[used - cost]! + error;
        if (sum >= next[used]!) continue;
        next[used] = sum;
        choice[used] = i;
      }
    }
    best = next;
    chosen.push(choice);
  }
  const result: number[] = [];
  let left = STEPS;
  for (let l = layers.length - 1; l >= 0; l--) {
    const i = chosen[l]![left]!;
    const offers = layers[l]!;
    result.unshift(i);
    left -= Math.ceil((offers[i]!.bytes - Math.min(...offers.map((o) => o.bytes))) / step - 1e-9);
  }
  return result;
}

/** The fewest bytes with which the errors add up to no more than a bound; the choice with the least errors where none reaches it. */
export function allocateWithin(layers: readonly (readonly Offer[])[], error: number): number[] {
  const errorOf = (choice: readonly number[]): number => choice.reduce((sum, i, l) => sum + layers[l]![i]!.error, 0);
  let best = layers.map((offers) => offers.reduce((least, o, i) => (o.error < offers[least]!.error || (o.error === offers[least]!.error && o.bytes < offers[least]!.bytes) ? i : least), 0));
  let [low, high] = [0, best.reduce((sum, i, l) => sum + layers[l]![i]!.bytes, 0)];
  if (errorOf(best) > error) return best;
  for (let i = 0; i < 40 && high - low > 1; i++) {
    const middle = (low + high) / 2;
    const choice = allocate(layers, middle);
    if (choice && errorOf(choice) <= error) [best, high] = [choice, middle];
    else low = middle;
  }
  return best;
}
