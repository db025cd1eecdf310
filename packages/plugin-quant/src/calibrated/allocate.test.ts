import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocate, allocateWithin, type Offer } from './allocate.ts';

const offer = fc.record({ bytes: fc.integer({ min: 1, max: 50 }), error: fc.integer({ min: 0, max: 100 }) });
const layersOf = fc.array(fc.array(offer, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
const sums = (layers: readonly (readonly Offer[])[], choice: readonly number[]): Offer => choice.reduce<Offer>((s, i, l) => ({ bytes: s.bytes + layers[l]![i]!.bytes, error: s.error + layers[l]![i]!.error }), { bytes: 0, error: 0 });
const choices = (layers: readonly (readonly Offer[])[]): number[][] => layers.reduce<number[][]>((all, offers) => all.flatMap((c) => offers.map((_, i) => [...c, i])), [[]]);

test('no other choice within the budget has less error, but for the rounding of its steps', () => {
  fc.assert(fc.property(layersOf, fc.integer({ min: 1, max: 200 }), (layers, budget) => {
    const fitting = choices(layers).filter((c) => sums(layers, c).bytes <= budget);
    const choice = allocate(layers, budget);
    if (fitting.length === 0) {
      expect(choice).toBeUndefined();
      return;
    }
    expect(sums(layers, choice!).bytes).toBeLessThanOrEqual(budget);
    // Each layer may lose one step of the budget to rounding.
    const surely = fitting.filter((c) => sums(layers, c).bytes <= budget - (layers.length * budget) / 4096);
    for (const c of surely) expect(sums(layers, choice!).error).toBeLessThanOrEqual(sums(layers, c).error);
  }));
});

test('a bound on the error is kept where it can be, with hardly more bytes than needed', () => {
  fc.assert(fc.property(layersOf, fc.integer({ min: 0, max: 300 }), (layers, bound) => {
    const found = sums(layers, allocateWithin(layers, bound));
    const reaching = choices(layers).map((c) => sums(layers, c)).filter((s) => s.error <= bound);
    if (reaching.length === 0) {
      expect(found.error).toBe(Math.min(...choices(layers).map((c) => sums(layers, c).error)));
      return;
    }
    expect(found.error).toBeLessThanOrEqual(bound);
    expect(found.bytes).toBeLessThanOrEqual(Math.min(...reaching.map((s) => s.bytes)) + layers.length + 1);
  }));
});
