import { expect, test } from 'vitest';
import { normal, seeded } from './random.ts';

const take = (random: () => number, n: number): number[] => Array.from({ length: n }, () => random());

test('the same words give the same numbers, on every machine', () => {
  expect(take(seeded(7, 'a'), 3)).toEqual(take(seeded(7, 'a'), 3));
  expect(take(seeded(7, 'quant/dynamic'), 3)).toMatchInlineSnapshot(`
    [
      0.8894538898020983,
      0.5907789352349937,
      0.5617824057117105,
    ]
  `);
});

test('other words give other numbers', () => {
  const first = new Set([seeded(7, 'a')(), seeded(8, 'a')(), seeded(7, 'b')(), seeded('7', 'a')()]);
  expect(first.size).toBe(4);
});

test('numbers are uniform in [0, 1)', () => {
  const count = 100_000;
  const bins = new Array<number>(10).fill(0);
  for (const x of take(seeded('uniform'), count)) bins[Math.floor(x * 10)]!++;
  // Each bin is binomial with mean 10,000 and deviation 95: five deviations never happen by chance in a test's life.
  const FIVE_DEVIATIONS = 475;
  for (const n of bins) expect(Math.abs(n - count / 10)).toBeLessThan(FIVE_DEVIATIONS);
});

test('normal numbers have mean 0 and variance 1', () => {
  const random = seeded('normal');
  const values = Array.from({ length: 100_000 }, () => normal(random));
  const fiveDeviations = 5 / Math.sqrt(values.length);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(fiveDeviations);
  expect(Math.abs(variance - 1)).toBeLessThan(Math.SQRT2 * fiveDeviations);
});
