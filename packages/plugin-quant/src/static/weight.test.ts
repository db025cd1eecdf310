import { float32s, numbersOf, Value } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { biasCodes, biasScales, channelCodes } from './weight.ts';

const weight = (dims: readonly number[], values: readonly number[], more: { axis?: 0 | 1; turned?: boolean } = {}): Parameters<typeof channelCodes>[0] => {
  const tensor = float32s(dims, values);
  return { value: new Value('w', { constant: tensor }), tensor, axis: 0, turned: false, ...more };
};
const codesOf = (...given: Parameters<typeof channelCodes>): number[] => [...numbersOf(channelCodes(...given).codes)];
const PLAIN = { reduceRange: false, inputScale: 0.1 };

test('each output channel has its own scale, in a filter and in a product, with a bias and without', () => {
  const filter = weight([2, 1, 1, 2], [1, -2, 10, 5]);
  for (const bias of [undefined, Float32Array.of(0.5, 0)]) {
    expect(codesOf(filter, { ...PLAIN, bias })).toEqual([64, -127, 127, 64]);
    expect(codesOf(weight([2, 2], [1, -2, 10, 5], { axis: 1 }), { ...PLAIN, bias })).toEqual([13, -51, 127, 127]);
    expect(codesOf(weight([2, 2], [1, -2, 10, 5], { turned: true }), { ...PLAIN, bias })).toEqual([64, 127, -127, 64]);
  }
  expect(channelCodes(filter, { ...PLAIN, bias: undefined }).codes.dims).toEqual([2, 1, 1, 2]);
  expect([...channelCodes(filter, { ...PLAIN, bias: undefined }).scales]).toEqual([Math.fround(2 / 127), Math.fround(10 / 127)]);
});

test('a reduced range takes 7 bits', () => expect(codesOf(weight([1, 1, 2], [1, -3]), { ...PLAIN, reduceRange: true, bias: undefined })).toEqual([21, -63]));

test('a bias that would overflow int32 widens its channel\'s scale, and is held', () => {
  const { scales } = channelCodes(weight([2, 1, 1], [1e-9, 1]), { ...PLAIN, bias: Float32Array.of(100, 1) });
  const steps = biasScales(0.1, scales);
  const [first, second] = numbersOf(biasCodes([100, 1], steps));
  expect(first! * steps[0]!).toBeCloseTo(100, 4);
  expect(Math.abs(first!)).toBeLessThan(2 ** 31);
  expect(second! * steps[1]!).toBeCloseTo(1, 2);
  expect(scales[1]).toBe(Math.fround(1 / 127));
});

test('a channel of zeros keeps its bias', () => {
  const { scales } = channelCodes(weight([1, 1, 2], [0, 0]), { ...PLAIN, bias: Float32Array.of(0.037) });
  const steps = biasScales(0.1, scales);
  expect(numbersOf(biasCodes([0.037], steps))[0]! * steps[0]!).toBeCloseTo(0.037, 6);
});

test('a NaN is named', () => {
  for (const bias of [undefined, Float32Array.of(1)]) expect(() => codesOf(weight([1, 1, 2], [1, NaN]), { ...PLAIN, bias })).toThrow('Weight "w" holds NaN at index 1');
});
