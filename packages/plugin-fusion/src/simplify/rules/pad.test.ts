import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { padIntoWindow } from './pad.ts';

const left = (text: string): string[] => applied(text, [padIntoWindow]);
const conv = (pads: string, rest = '', attributes = ''): string[] => left(`g (float[N, 1, 5, 5] x) => (float[] y) <float[1, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}, int64[8] p = {${pads}}, float v = {${rest || '0'}}> { a = Pad(x, p, v)  y = Conv${attributes}(a, w) }`);

test('zeros around the picture are the padding of the convolution', () => {
  expect(conv('0, 0, 1, 2, 0, 0, 3, 4')).toEqual(['y = Conv(x, w)']);
  expect(conv('0, 0, 1, 2, 0, 0, 3, 4', '0', ' <pads = [1, 1, 1, 1]> ')).toEqual(['y = Conv(x, w)']);
  expect(conv('0, 0, 1, 2, 0, 0, 3, 4', '0', ' <auto_pad = "VALID"> ')).toEqual(['y = Conv(x, w)']);
});

test('a Pad stays that fills with something, cuts off, or adds samples or channels', () => {
  expect(conv('0, 0, 1, 1, 0, 0, 1, 1', '1')).toHaveLength(2);
  expect(conv('0, 0, -1, 1, 0, 0, 1, 1')).toHaveLength(2);
  expect(conv('1, 0, 1, 1, 0, 0, 1, 1')).toHaveLength(2);
});

test('a convolution that pads by the size of its input keeps the Pad', () => {
  expect(conv('0, 0, 1, 1, 0, 0, 1, 1', '0', ' <auto_pad = "SAME_UPPER"> ')).toHaveLength(2);
});

test('a Pad that mirrors is no padding with zeros', () => {
  expect(left('g (float[N, 1, 5, 5] x) => (float[] y) <float[1, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}, int64[8] p = {0, 0, 1, 1, 0, 0, 1, 1}> { a = Pad <mode = "reflect"> (x, p)  y = Conv(a, w) }')).toHaveLength(2);
});

test('a padded picture that others read too is made all the same', () => {
  expect(left('g (float[N, 1, 5, 5] x) => (float[] y, float[] z) <float[1, 1, 3, 3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9}, int64[8] p = {0, 0, 1, 1, 0, 0, 1, 1}> { a = Pad(x, p)  y = Conv(a, w)  z = Relu(a) }')).toContain('z = Relu(a)');
});

test('an average counts the zeros around it', () => {
  expect(left('g (float[N, 1, 5, 5] x) => (float[] y) <int64[8] p = {0, 0, 1, 1, 0, 0, 1, 1}> { a = Pad(x, p)  y = AveragePool <kernel_shape = [3, 3]> (a) }')).toEqual(['y = AveragePool(x)']);
  expect(left('g (float[N, 1, 5, 5] x) => (float[] y) <int64[8] p = {0, 0, 1, 1, 0, 0, 1, 1}> { a = Pad(x, p)  y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (a) }')).toHaveLength(2);
});
