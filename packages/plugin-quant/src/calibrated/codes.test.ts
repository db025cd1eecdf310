import { float32sOf } from '@onnxpress/core';
import { quantizeBlocks } from '@onnxpress/kernels';
import { expect, test } from 'vitest';
import { blockWeightOf, nearestCodes, valuesOf } from './codes.ts';
import { gridOf } from './grid.ts';

const [K, N] = [77, 5];
const wave = Float32Array.from({ length: K * N }, (_, i) => Math.sin(i * 0.7) + 0.2);

for (const mode of ['asymmetric', 'symmetric', 'full-range'] as const) {
  for (const bits of [2, 4, 8] as const) {
    for (const scales of ['float32', 'float16'] as const) {
      test(`rounding to nearest is that of the kernels: ${mode}, ${bits} bits, ${scales}`, () => {
        const form = { k: K, n: N, bits, block: 32, mode, scales };
        const { codes, scales: s, zeroPoints } = blockWeightOf(nearestCodes(wave, gridOf(wave, K, N, form), form), form, scales);
        const kernel = quantizeBlocks(wave, { rows: K, columns: N, transposed: true, block: 32, bits, mode, scales });
        expect(codes.bytes()).toEqual(kernel.codes);
        expect(float32sOf(s)).toEqual(kernel.scales);
        expect(zeroPoints?.bytes()).toEqual(kernel.zeroPoints);
      });
    }
  }
}

test('a search never loses against the widest range, and by importance where that is asked', () => {
  const importance = Float32Array.from({ length: K }, (_, i) => (i % 7 === 0 ? 100 : 1));
  const form = { k: K, n: N, bits: 2, block: 32, mode: 'asymmetric', scales: 'float32' } as const;
  const error = (search: 'equal' | Float32Array | undefined): number => valuesOf(nearestCodes(wave, gridOf(wave, K, N, { ...form, search }), form), form).reduce((sum, v, i) => sum + importance[Math.floor(i / N)]! * (v - wave[i]!) ** 2, 0);
  expect(error(importance)).toBeLessThan(error('equal'));
  expect(error(importance)).toBeLessThan(error(undefined));
});

test('3 bits are stored as 4, with a zero point each', () => {
  const form = { k: K, n: N, bits: 3, block: 16, mode: 'symmetric', scales: 'float32' } as const;
  const made = nearestCodes(wave, gridOf(wave, K, N, form), form);
  expect(Math.max(...made.codes)).toBeLessThan(8);
  const weight = blockWeightOf(made, form, 'float32');
  expect(weight.bits).toBe(4);
  expect([...new Set(weight.zeroPoints!.bytes())]).toEqual([0x44, 0x04]);
});

test('around zero the lowest code is not used, whatever range a search takes', () => {
  const outlier = wave.map((x, i) => (i % 40 === 0 ? -4 : x / 2)); // worth being cut off
  for (const bits of [2, 3, 4, 8]) {
    const form = { k: K, n: N, bits, block: 32, mode: 'symmetric', scales: 'float32' } as const;
    const [widest, searched] = [undefined, 'equal' as const].map((search) => gridOf(outlier, K, N, { ...form, search }));
    if (bits < 8) expect(searched!.scales).not.toEqual(widest!.scales);
    expect(Math.min(...nearestCodes(outlier, searched!, form).codes)).toBe(1);
  }
});
