import { expect, test } from 'vitest';
import { shapeConstant } from './target-shape.ts';

test('a size that stays in its place is copied, a number is a number, and one size may be left', () => {
  expect(shapeConstant(['N', 'S', 12], ['N', 'S', 3, 4])).toEqual([0, 0, 3, 4]);
  expect(shapeConstant(['N', 'S', 12], ['N*S', 12])).toEqual([-1, 12]);
  expect(shapeConstant(['N', 'S', 12], [12, 'N', 'S'])).toBeUndefined();
  expect(shapeConstant(undefined, [3, null])).toEqual([3, -1]);
});

test('a size without a name is never the same as another', () => {
  expect(shapeConstant([null, null], [null, null])).toBeUndefined();
});

test('nothing stays nothing only in its own place', () => {
  expect(shapeConstant([0, 3], [0, 3])).toEqual([0, 3]);
  expect(shapeConstant([3, 0], [0, 3])).toBeUndefined();
});
